"""Real servers and real load generators, each ended with the test that started it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from loadtests import ROOT
from loadtests.machine.launch import SERVE, RunningServer, serving
from loadtests.record.results import Result, read
from loadtests.run.experiment import Experiment, parse
from servers.modes import ADAPTERS

FAULTY = Path(__file__).with_name("faulty_server.py")
TINY = ROOT / "tests" / "data" / "tiny.toml"


def faulty(fault: str) -> tuple[str, ...]:
    """The command of a server with a fault."""
    return (sys.executable, str(FAULTY), fault)


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., AbstractContextManager[RunningServer]]:
    """Start a server of a mode with short heartbeats."""

    def start(mode: str, command: tuple[str, ...] = SERVE, heartbeat_s: float = 25):
        return serving(
            mode,
            ping_interval_s=heartbeat_s,
            ping_timeout_s=heartbeat_s,
            log=tmp_path / f"{mode}.log",
            journal=tmp_path / f"{mode}.jsonl",
            command=command,
        )

    return start


@pytest.fixture(params=sorted(ADAPTERS))
def installed_mode(request: pytest.FixtureRequest) -> str:
    """Every mode; skips those whose package is not there."""
    lack = ADAPTERS[request.param].MODE.missing()
    if lack is not None:
        pytest.skip(lack)
    return str(request.param)


def in_a_quiet_moment(check: Callable[[Path], None], folder: Path, attempts: int = 3) -> None:
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


def experiment(text: str) -> Experiment:
    """An experiment from a TOML text."""
    return parse(f'name = "test"\n{text}', "test")


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


def measure(url: str, text: str, folder: Path, *more: str) -> Result:
    """Run an experiment's text against a running server."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "experiment.toml"
    file.write_text(f'name = "test"\n{text}', encoding="utf-8")
    out = folder / "run"
    done = loadtests("run", str(file), "--url", url, "--label", "mine", "--out", str(out), *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return read(out)
