"""Arms with packages of their own, installed by the real pip."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from loadtests.gate.arms import prepared
from loadtests.gate.errors import ArmError
from loadtests.machine.launch import LaunchError
from loadtests.run.arm import Arm
from tests.integration.gate.served import STAYS, arms, served
from tests.support import ROOT
from tests.support.present import present
from tests.support.repositories import Repository
from tests.support.waiting import until


@pytest.mark.full
@pytest.mark.timeout(400)
def test_release_of_a_package_is_served_from_an_environment_of_its_own(
    repository: Repository, tmp_path: Path
) -> None:
    asked = Arm(ref="first", requires=["python-engineio==4.12.3"])
    base = Arm(ref="first")
    with arms(repository, tmp_path, base, asked, twin=True) as found:
        said = []
        for arm in (found.base, found.head, present(found.twin)):
            with served(arm, "gevent", tmp_path) as server:
                said.append((server.ready.versions["python-engineio"], server.ready.prefix))
        assert said[1][0] == "4.12.3"
        assert said[0][0] == said[2][0] != "4.12.3"
        assert len({prefix for _, prefix in said}) == 3  # the twin's too is another
        assert len({len(str(prefix)) for _, prefix in said}) == 1
        # Of packages only what was asked for is another.
        ours, theirs = found.base.facts.versions, found.head.facts.versions
        assert {name for name in ours if ours[name] != theirs[name]} == {"python-engineio"}
        assert ours.keys() == theirs.keys()
        # What it lacks is its own server's to say.
        with (
            pytest.raises(LaunchError, match="mode uwsgi-gevent is not installed; run: pip"),
            served(found.head, "uwsgi-gevent", tmp_path),
        ):
            pass
    told: list[str] = []
    with prepared(base, asked, root=repository.root, cache=tmp_path, twin=True, tell=told.append):
        assert not [line for line in told if "making" in line]


@pytest.mark.full
@pytest.mark.timeout(400)
def test_requirement_that_cannot_be_installed_is_told_by_pip(
    repository: Repository, tmp_path: Path
) -> None:
    asked = Arm(requires=["python-engineio==0.0.99"])
    with (
        pytest.raises(ArmError) as caught,
        prepared(asked, asked, root=repository.root, cache=tmp_path, twin=False, tell=print),
    ):
        pass
    words = "base: No matching distribution found for python-engineio==0.0.99; all that was said: "
    assert str(caught.value).startswith(words)
    log = Path(str(caught.value).removeprefix(words))
    assert "python-engineio" in log.read_text(encoding="utf-8")
    assert list((tmp_path / "trees").iterdir()) == []
    assert [each for each in (tmp_path / "environments").iterdir() if each.is_dir()] == []


@pytest.mark.full
def test_interrupt_ends_pip_and_leaves_no_environment(
    repository: Repository, tmp_path: Path
) -> None:
    command = STAYS.replace("Arm(),", "Arm(requires=['six']),")
    other = subprocess.Popen(
        [sys.executable, "-c", command, str(repository.root), str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        process = psutil.Process(other.pid)

        def installing() -> list[psutil.Process]:
            with suppress(psutil.Error):  # one that has ended meanwhile
                return [each for each in process.children() if "pip" in each.cmdline()]
            return []

        pips = until(installing, "pip runs")
        other.send_signal(signal.SIGINT)
        other.wait(10)
        _, alive = psutil.wait_procs(pips, timeout=10)
        assert alive == []
        assert [each for each in (tmp_path / "environments").iterdir() if each.is_dir()] == []
        assert list((tmp_path / "trees").iterdir()) == []
    finally:
        other.kill()
        other.wait()
        present(other.stdout).close()
