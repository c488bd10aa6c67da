"""Servers of known costs take turns: equal ones are equal, and what one costs more is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.run.executor import Subject
from tests.support.measuring import faulty, in_a_quiet_moment, tried
from tests.support.present import present

#: All of them gevent's servers, whatever they are called; in a closed loop with no time to spare.
TEXT = """
modes = ["eventlet", "gevent", "threading"]
transports = ["websocket"]
[echo]
clients = 10
rate_hz = 50
warmup_s = 0.2
latency_s = 1.2
throughput_s = 1.8
rounds = 6
"""
COSTS_US = 150
SUBJECTS = {
    "eventlet": Subject(mode="gevent", command=faulty("costs:0")),
    "gevent": Subject(mode="gevent", command=faulty("costs:0")),
    "threading": Subject(mode="gevent", command=faulty(f"costs:{COSTS_US}")),
}


@pytest.mark.timing
def test_equal_servers_are_equal_and_a_known_cost_is_found(tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        result = tried(TEXT, folder, subjects=SUBJECTS)
        cpu_us, throughput = {}, {}
        for trial in result.trials:
            (echo,) = trial.measurements
            assert echo.invalid.keys() & {"server_cpu", "throughput"} == set()
            mode = result.plan[trial.number].mode
            cpu_us[mode] = present(echo.metrics["server_cpu"])
            throughput[mode] = present(echo.metrics["throughput"])
        assert cpu_us["gevent"] / cpu_us["eventlet"] == pytest.approx(1, abs=0.05)
        assert throughput["gevent"] / throughput["eventlet"] == pytest.approx(1, abs=0.05)
        assert cpu_us["threading"] - cpu_us["gevent"] == pytest.approx(COSTS_US, rel=0.1)
        # A saturated server answers as many as its cost allows.
        dearer = cpu_us["threading"] / cpu_us["gevent"]
        assert throughput["gevent"] / throughput["threading"] == pytest.approx(dearer, rel=0.05)

    in_a_quiet_moment(check, tmp_path)
