"""Several load generators: real processes of Locust's distributed mode, and one that dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil

from loadtests.record.results import Trial
from loadtests.record.words import Status
from tests.support.measuring import faulty, in_a_quiet_moment, measured, tried
from tests.support.present import present
from tests.support.waiting import until

#: Clients that do not come out even, and two servers that take turns.
EXPERIMENT = """
generators = 2
modes = ["gevent", "threading"]
transports = ["websocket"]
[echo]
clients = 5
rate_hz = 100
latency_s = 1
throughput_s = 0.5
warmup_s = 0.1
[broadcast]
recipients = 5
publishers = 3
rate_hz = 20
measure_s = 0.5
warmup_s = 0.1
"""
DELAY_MS = 30


def test_known_delay_is_found_by_clients_of_two_processes(tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        result = measured(EXPERIMENT, folder, faulty(f"delays:{DELAY_MS / 1000}"))
        assert len(result.trials) == 4
        for trial in result.trials:
            assert trial.generator.generators == 2
            (found,) = trial.measurements
            if found.row == "echo":
                assert found.samples["latency"] == 100
                assert DELAY_MS <= present(found.metrics["latency_p50"]) < DELAY_MS + 20
                assert found.metrics["lost"] == 0
            else:
                # Ten broadcasts to each of five.
                assert found.samples == {"delivery": 50, "last_recipient": 10}
                assert found.metrics["missing"] == found.metrics["duplicate"] == 0

    in_a_quiet_moment(check, tmp_path)


def test_recipients_are_connected_in_all_processes_as_they_are_needed(tmp_path: Path) -> None:
    text = """
        generators = 3
        modes = ["gevent"]
        transports = ["polling"]
        [capacity]
        kinds = ["broadcast"]
        most_recipients = 20
        steps = 2
    """
    (trial,) = measured(text, tmp_path).trials
    (found,) = trial.measurements
    assert found.metrics["capacity"] == 20
    assert trial.generator.generators == 3


def test_load_generator_that_dies_is_the_reason_of_its_trials(tmp_path: Path) -> None:
    text = EXPERIMENT.replace("latency_s = 1", "latency_s = 30").partition("[broadcast]")[0]
    stopper = threading.Thread(target=_kill_one_of_both)
    stopper.start()
    result = tried(text, tmp_path)
    stopper.join()
    assert {trial.status for trial in result.trials} == {Status.FAILED}
    assert all("of 2 has ended or stands still" in _reason(trial) for trial in result.trials)
    until(lambda: not _workers(), "workers still run")


def _reason(trial: Trial) -> str:
    return present(trial.reason)


def _workers() -> list[psutil.Process]:
    """The workers among this test's processes."""
    return [
        each for each in psutil.Process().children(recursive=True) if "--worker" in _command(each)
    ]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _kill_one_of_both() -> None:
    until(lambda: len(_workers()) == 2, "no two workers")
    # To the master, and half of both servers' clients.
    until(lambda: all(_connections(each) > 5 for each in _workers()), "not connected", 60)
    time.sleep(2)  # the first of many turns has begun
    os.kill(_workers()[0].pid, signal.SIGKILL)


def _connections(process: psutil.Process) -> int:
    return sum(each.status == psutil.CONN_ESTABLISHED for each in process.net_connections("tcp"))
