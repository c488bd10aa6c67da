"""All cells at one server: a broadcast reaches all of its clients, so no others may be there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loadtests.arithmetic import validity
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import parse
from loadtests.run.plan import plan
from loadtests.run.schedule import in_groups
from loadtests.run.subjects import Subject, running
from loadtests.scenarios.broadcast import METRICS

TEXT = """
name = "one"
modes = ["gevent"]
blocks = 2
[echo]
clients = 2
rate_hz = 10
latency_s = 1
throughput_s = 1
[broadcast]
recipients = 2
publishers = 1
rate_hz = 10
measure_s = 1
"""


@pytest.mark.parametrize(
    ("subjects", "together"),
    [
        ({}, {"echo": 2, "broadcast": 2}),
        ({"gevent": running("http://a")}, {"echo": 2, "broadcast": 1}),
    ],
)
def test_cells_take_turns_unless_one_would_hear_the_other(
    tmp_path: Path, subjects: dict[str, Subject], together: dict[str, int]
) -> None:
    experiment = parse(TEXT, "one.toml")
    executor = ProcessExecutor(experiment, tmp_path, subjects=subjects)
    groups = list(in_groups(plan(experiment, executor.room)))
    assert {(group[0].scenario, len(group)) for group in groups} == set(together.items())
    assert sum(map(len, groups)) == 2 * 2 * 2


@pytest.mark.parametrize("latency_ns", [0, -5_000_000])
def test_server_that_sent_before_it_was_asked_breaks_nothing(latency_ns: int) -> None:
    found = validity.late_sends(
        METRICS,
        "delivery",
        latency_ns=np.array([latency_ns], dtype=np.int64),
        lateness_ns=np.array([1_000_000], dtype=np.int64),
    )
    assert {why.partition("(")[2] for why in found.values()} == {"1 ms)"}
