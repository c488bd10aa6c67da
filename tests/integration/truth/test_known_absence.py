"""What the load generator or the machine did is no server's number: left out, or not trusted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from loadtests.machine import cores
from loadtests.machine.journal import entries
from loadtests.machine.launch import SERVE
from loadtests.record.results import Measurement, Trial
from tests.support.measuring import doubted, faulty, in_a_quiet_moment, tried
from tests.support.present import present

pytestmark = pytest.mark.timing

#: Each of four clients waits 20 ms and a bit for its answer.
CLOSED = """
modes = ["gevent"]
transports = ["websocket"]
[echo]
clients = 4
rate_hz = 100
warmup_s = 0
latency_s = 0.6
throughput_s = {throughput_s}
rounds = {rounds}
"""
OPEN = """
modes = ["gevent"]
transports = ["websocket"]
[echo]
clients = 4
rate_hz = 100
warmup_s = 0
latency_s = {latency_s}
throughput_s = 0.9
rounds = {rounds}
drain_s = 0.5
"""
STOOD_STILL = "the load generator stood still (for "


def generator_of_this_run() -> psutil.Process:
    """The Locust process that is our own child."""
    (found,) = (
        each for each in psutil.Process().children(recursive=True) if "--assigned" in each.cmdline()
    )
    return found


@contextmanager
def frozen(
    folder: Path, after_s: float, for_s: float, number: signal.Signals = signal.SIGSTOP
) -> Iterator[None]:
    """Stop the load generator for a while, so long after four clients have connected."""
    over = threading.Event()
    done: list[bool] = []

    def freeze() -> None:
        while not over.wait(0.02):
            journals = list(folder.glob("logs/*-journal.jsonl"))
            if journals and len(entries(journals[0])) >= 4:
                break
        if over.wait(after_s):
            return
        pid = generator_of_this_run().pid
        os.kill(pid, number)
        if number == signal.SIGSTOP:
            time.sleep(for_s)
            os.kill(pid, signal.SIGCONT)
        done.append(True)

    freezer = threading.Thread(target=freeze)
    freezer.start()
    try:
        yield
    finally:
        over.set()
        freezer.join()
    assert done, "nothing was frozen, so nothing is known"


def the_trial(
    text: str, folder: Path, command: tuple[str, ...] = SERVE
) -> tuple[Trial, Measurement]:
    (trial,) = tried(text, folder, command).trials
    assert trial.reason is None
    (found,) = trial.measurements
    return trial, found


def sending(found: Measurement) -> float:
    """Share of the time in which the four clients waited for an answer (Little's law)."""
    throughput, each_ms = (present(found.metrics[name]) for name in ("throughput", "latency_p50"))
    return throughput * each_ms / 1000 / 4


def assert_once_still(trial: Trial) -> None:
    """One slice was left out for the freeze; others may be for what the machine did meanwhile."""
    reasons = left_out(trial)
    assert sum(each.startswith(STOOD_STILL) for each in reasons) == 1, reasons


def assert_invalid(found: Measurement, why: str, *names: str) -> None:
    """These are, for this reason, and it is said that the server has no part in it."""
    assert set(names) <= set(found.disturbed)
    assert [name for name in names if not found.invalid[name].startswith(why)] == []


def left_out(trial: Trial) -> list[str]:
    return [each.left_out for each in trial.generator.slices if each.left_out]


def test_slice_in_which_the_generator_stood_still_does_not_lower_throughput(
    tmp_path: Path,
) -> None:
    def check(folder: Path) -> None:
        text = CLOSED.format(rounds=3, throughput_s=6)
        with frozen(folder, after_s=1.2, for_s=1):
            trial, found = the_trial(text, folder, faulty("delays:0.02"))
        assert_once_still(trial)
        assert doubted(found) == {}
        # A second less of six would be a sixth less.
        assert 0.93 < sending(found) < 1.05
        assert found.samples["latency"] == 60, "it was in a closed loop"
        assert found.metrics["lost"] == 0

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.long)])
def test_freeze_across_the_end_of_an_open_loop_is_charged_or_left_out(
    tmp_path: Path, rounds: int
) -> None:
    def check(folder: Path) -> None:
        seconds, freeze_s = 2, 2.0
        text = OPEN.format(rounds=rounds, latency_s=rounds * seconds)
        # It begins within the first two seconds, wherever these begin, and ends after them.
        with frozen(folder, after_s=1.2, for_s=freeze_s):
            trial, found = the_trial(text, folder)
        longest_ms = present(found.metrics["latency_max"])
        assert found.metrics["lost"] == 0
        if rounds == 1:
            assert found.samples["latency"] == 100 * seconds
            # What was due at its beginning went out at its end.
            assert longest_ms > 1000 * freeze_s - 50
            assert_invalid(found, STOOD_STILL, "latency_p50", "latency_max", "service_p99")
        else:
            assert_once_still(trial)
            assert found.samples["latency"] == 100 * seconds * (rounds - 1)
            assert longest_ms < 200
        assert "throughput" not in found.invalid

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.skipif(cores.pinning().server is None, reason="there is no core for the server alone")
def test_busy_neighbour_on_the_servers_core_makes_every_number_invalid(tmp_path: Path) -> None:
    pin = f"import os; os.sched_setaffinity(0, [{cores.pinning().server}])\nwhile True: pass"
    text = OPEN.format(rounds=2, latency_s=1)
    neighbour = subprocess.Popen([sys.executable, "-c", pin])
    try:
        _, found = the_trial(text, tmp_path)
    finally:
        neighbour.kill()
        neighbour.wait()
    why = "another process used the server's core"
    assert_invalid(found, why, "latency_p50", "latency_p99", "throughput", "server_cpu")


@pytest.mark.long
def test_generator_that_was_killed_fails_every_trial_of_its_group(tmp_path: Path) -> None:
    text = OPEN.format(rounds=2, latency_s=2).replace('["gevent"]', '["eventlet", "gevent"]')
    with frozen(tmp_path, after_s=0.5, for_s=0, number=signal.SIGKILL):
        result = tried(text, tmp_path)
    assert result.ended == "complete"
    reasons = [present(trial.reason) for trial in result.trials]
    assert [each.startswith("the load generator ended with code -9") for each in reasons] == [
        True,
        True,
    ]
