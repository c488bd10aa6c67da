"""Servers of known costs take turns: equal ones are equal, and what one costs more is found."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from loadtests.record.results import Trial
from loadtests.run.subjects import Subject
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
#: After each turn of the open loop come three of the closed one.
TURNS = 4
COSTS_US = 400
SUBJECTS = {
    "eventlet": Subject(mode="gevent", command=faulty("costs:0")),
    "gevent": Subject(mode="gevent", command=faulty("costs:0")),
    "threading": Subject(mode="gevent", command=faulty(f"costs:{COSTS_US}")),
}


def costs_us(trial: Trial) -> list[float]:
    """Of its closed loop, slice by slice; not a number where one was left out."""
    return [
        math.nan if each.left_out else present(each.server_cpu_us)
        for place, each in enumerate(trial.generator.slices)
        if place % TURNS
    ]


@pytest.mark.long
@pytest.mark.timing
def test_equal_servers_are_equal_and_a_known_cost_is_found(tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        result = tried(TEXT, folder, subjects=SUBJECTS)
        found = {result.plan[trial.number].mode: trial for trial in result.trials}
        echoes = {mode: trial.measurements[0] for mode, trial in found.items()}
        cpu_us = {mode: present(echo.metrics["server_cpu"]) for mode, echo in echoes.items()}
        rates = {mode: present(echo.metrics["throughput"]) for mode, echo in echoes.items()}
        for echo in echoes.values():
            assert echo.invalid.keys() & {"server_cpu", "throughput"} == set()
        # What slices of one round differ by says how well a ratio can be known here.
        pairs = np.log(costs_us(found["gevent"])) - np.log(costs_us(found["eventlet"]))
        pairs = pairs[~np.isnan(pairs)]
        known_to = max(0.05, 4 * float(pairs.std(ddof=1)) / math.sqrt(len(pairs)))
        assert known_to < 0.5
        assert cpu_us["gevent"] / cpu_us["eventlet"] == pytest.approx(1, abs=known_to)
        assert rates["gevent"] / rates["eventlet"] == pytest.approx(1, abs=known_to)
        more_us = cpu_us["threading"] - cpu_us["gevent"]
        assert more_us == pytest.approx(COSTS_US, abs=known_to * cpu_us["threading"])
        # A saturated server answers as many as its cost allows.
        dearer = cpu_us["threading"] / cpu_us["gevent"]
        assert rates["gevent"] / rates["threading"] == pytest.approx(dearer, rel=0.05)

    in_a_quiet_moment(check, tmp_path)
