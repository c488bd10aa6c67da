"""Two measurements on one machine would measure each other."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.machine.alone import NotAlone, measuring
from tests.support import ROOT

_HOLD = """
import sys
from pathlib import Path
from loadtests.machine.alone import measuring
with measuring("experiment first", path=Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def holder(lock: Path):
    """Another process that is measuring."""
    command = [sys.executable, "-c", _HOLD, str(lock)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_told_who_measures_and_what_to_do(lock, holder):
    expected = rf"process {holder.pid}: experiment first\).*wait for its end, or give --beside"
    with pytest.raises(NotAlone, match=expected), measuring("second", path=lock):
        pytest.fail("it went ahead")


def test_a_second_run_may_want_to_measure_all_the_same(lock, holder):
    with measuring("second", path=lock, beside=True):
        pass
    assert "experiment first" in lock.read_text()


def test_a_run_that_was_killed_leaves_no_lock_behind(lock, holder):
    holder.kill()
    holder.wait()
    with measuring("second", path=lock):
        assert lock.read_text() == f"process {os.getpid()}: second"


def test_one_run_after_the_other_is_fine(lock):
    for what in ("a long first experiment", "second"):
        with measuring(what, path=lock):
            assert lock.read_text() == f"process {os.getpid()}: {what}"


def test_the_lock_is_everybodys(lock):
    with measuring("first", path=lock):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o666


def test_a_link_that_somebody_left_there_is_not_followed(lock, tmp_path):
    target = tmp_path / "precious"
    target.write_text("precious")
    lock.symlink_to(target)
    with measuring("first", path=lock):
        pass
    assert target.read_text() == "precious"


def test_where_there_can_be_no_lock_it_is_measured_without(tmp_path):
    with measuring("first", path=tmp_path / "missing" / "lock"):
        pass
