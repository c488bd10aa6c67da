"""What a test measures with: an experiment from a few lines, and a run without its report."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from loadtests.machine.launch import SERVE
from loadtests.record.results import Measurement, Result
from loadtests.record.words import Status
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import Experiment, parse
from loadtests.run.progress import reporter
from loadtests.run.runner import Run
from loadtests.run.subjects import Subject, running
from tests.support import ROOT

#: The least that goes the whole way.
TINY = ROOT / "tests" / "data" / "tiny.toml"

FAULTY = Path(__file__).with_name("faulty_server.py")


def faulty(fault: str) -> tuple[str, ...]:
    """The command of a server with a fault."""
    return (sys.executable, str(FAULTY), fault)


def experiment(text: str) -> Experiment:
    """An experiment from a TOML text."""
    return parse(f'name = "test"\n{text}', "test")


def tried(
    text: str,
    folder: Path,
    command: tuple[str, ...] = SERVE,
    subjects: Mapping[str, Subject] = {},
) -> Result:
    """Run an experiment's text against servers that this command starts, whatever comes of it.

    Args:
        text: of the experiment.
        folder: of the run.
        command: that starts them.
        subjects: name among the modes -> what it stands for, where that is another.
    """
    one = experiment(text)
    executor = ProcessExecutor(one, folder, server_command=command, subjects=subjects)
    return Run(one, folder, executor).run(reporter)


def measured(text: str, folder: Path, command: tuple[str, ...] = SERVE) -> Result:
    """The same, and no trial may fail."""
    return _whole(tried(text, folder, command))


def measured_at(url: str, text: str, folder: Path) -> Result:
    """Run an experiment's text against a running server; no trial may fail."""
    one = msgspec.structs.replace(experiment(text), modes=["mine"])
    executor = ProcessExecutor(one, folder, subjects={"mine": running(url)})
    return _whole(Run(one, folder, executor).run(reporter))


def _whole(result: Result) -> Result:
    failures = [trial.reason for trial in result.trials if trial.status is Status.FAILED]
    assert failures == []
    return result


def loadtests(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run ``python -m loadtests`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "loadtests", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def doubted(found: Measurement) -> dict[str, str]:
    """What of it is invalid, but for sends that were late: those a shared machine makes at will."""
    late = "sends went out late"
    return {name: why for name, why in found.invalid.items() if not why.startswith(late)}


def in_a_quiet_moment(check: Callable[[Path], None], folder: Path, attempts: int = 5) -> None:
    """Check once more where a shared machine may have taken the CPU away for a moment.

    A fault of ours is there in every attempt. Each attempt has a folder of its own.
    """
    for attempt in range(attempts):
        own = folder / str(attempt)
        own.mkdir()
        try:
            check(own)
        except (AssertionError, IndexError):  # or a trial that failed has no measurement
            if attempt + 1 == attempts:
                raise
        else:
            return
