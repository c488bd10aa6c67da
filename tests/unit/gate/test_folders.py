"""Folders that several runs share."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.gate import folders
from tests.support import ROOT
from tests.support.present import present

#: Is in a folder until it is killed.
STAYS = """\
import signal, sys
from pathlib import Path
from loadtests.gate.folders import passing

with passing(Path(sys.argv[1])) as made:
    (made / "file").touch()
    print(made, flush=True)
    signal.pause()
"""


def test_folder_is_there_until_the_block_ends(tmp_path: Path) -> None:
    with folders.passing(tmp_path / "around") as made:
        (made / "file").touch()
    assert list((tmp_path / "around").iterdir()) == []


def test_folder_goes_after_an_interrupt_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), folders.passing(tmp_path / "around"):
        raise KeyboardInterrupt
    assert list((tmp_path / "around").iterdir()) == []


def test_names_are_of_one_length(tmp_path: Path) -> None:
    with folders.passing(tmp_path) as one, folders.passing(tmp_path) as another:
        assert one != another
        assert len(str(one)) == len(str(another))
        assert one.is_dir()


def test_what_a_killed_run_has_left_is_removed_by_the_next_and_what_is_in_use_is_not(
    tmp_path: Path,
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", STAYS, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        left = Path(present(other.stdout).readline().strip())
        with folders.passing(tmp_path):
            assert (left / "file").exists()
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert left.exists()
        with folders.passing(tmp_path) as made:
            assert list(tmp_path.iterdir()) == [made]
    finally:
        other.kill()
        other.wait()
        present(other.stdout).close()
