"""A run that is aborted in the middle of its departures leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from loadtests import ROOT
from loadtests.machine import network
from loadtests.record.results import read
from loadtests.scenarios.disconnect.hosts import browser
from tests.support.waiting import SLOWNESS, until

TEXT = """
name = "aborted"
modes = ["gevent"]
transports = ["polling"]
[disconnect]
clients = 2
causes = [{causes}]
ping_interval_s = 2
ping_timeout_s = 2
"""
GIVE_UP_S = 30 * SLOWNESS


def causes() -> list[str]:
    """Every one that there can be here."""
    found = ["close", "kill", "reset", "freeze"]
    found += ["cut"] if network.unavailable() is None else []
    return found + (["tab"] if browser.unavailable() is None else [])


def networks(processes: Iterable[int]) -> set[int]:
    """The network namespaces that these processes are in."""
    found = set()
    for process in processes:
        try:
            found.add(Path(f"/proc/{process}/ns/net").stat().st_ino)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="Ctrl-C"),
        pytest.param(signal.SIGKILL, id="SIGKILL", marks=pytest.mark.full),
    ],
)
def test_nothing_is_left_of_a_run_that_is_aborted(tmp_path: Path, number: signal.Signals) -> None:
    file, out = tmp_path / "aborted.toml", tmp_path / "run"
    file.write_text(TEXT.format(causes=", ".join(f'"{each}"' for each in causes())))
    before = networks(psutil.pids())
    command = [sys.executable, "-m", "loadtests", "run", str(file), "--out", str(out)]
    with (tmp_path / "printed").open("wb") as printed:
        run = subprocess.Popen(command, cwd=ROOT, stdout=printed, stderr=printed)
    try:
        # The first client of a process of its own has gone: everything is there that will be.
        until(
            lambda: any(
                '"gone"' in diary.read_text() for diary in out.glob("logs/*-processes.jsonl")
            ),
            "departures",
            GIVE_UP_S,
        )
        started = psutil.Process(run.pid).children(recursive=True)
        assert len(started) > len(causes())
        made = networks(each.pid for each in started) - before
        assert bool(made) == ("cut" in causes())
    finally:
        run.send_signal(number)
        run.wait(GIVE_UP_S)
    until(lambda: not [each for each in started if _lives(each)], "their end", GIVE_UP_S)
    # Connections that were left across a cut keep their network until they are given up.
    until(lambda: not made & networks(psutil.pids()), "the networks' end", GIVE_UP_S)
    assert read(out).ended == ("interrupted" if number == signal.SIGINT else "running")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
