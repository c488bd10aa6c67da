"""A measurement that was disturbed says so, and nothing that only looks like it."""

from __future__ import annotations

import pytest

from loadtests.record.results import Measurement

STOOD_STILL = "the load generator stood still (for 900 ms, 2 of 3 slices)"
TOUCHED = ("latency_p50", "latency_p99", "throughput", "server_cpu")
MEASUREMENT = Measurement(
    row="echo",
    metrics={"latency_p50": 1500.0, "latency_p99": None, "throughput": 3.0, "server_cpu": None},
    invalid={
        "latency_p50": "latency grew while the load stayed the same: offer less",
        "latency_p99": "longer than was waited for: messages never arrived (3 of 9)",
    },
    unavailable={"server_cpu": "the server was not started by this run"},
    disturbed=["latency_p50"],
)


def test_cause_takes_the_place_of_what_it_looks_like_where_there_is_a_number() -> None:
    found = MEASUREMENT.disturbed_by(STOOD_STILL, TOUCHED, lost=0)
    assert found.invalid == {
        "latency_p50": STOOD_STILL,
        "latency_p99": "longer than was waited for: messages never arrived (3 of 9)",
        "throughput": STOOD_STILL,
    }
    assert found.disturbed == ["latency_p50", "throughput"]
    assert found.metrics == MEASUREMENT.metrics
    assert found.unavailable == MEASUREMENT.unavailable


def test_what_was_not_disturbed_stays_as_it_is() -> None:
    assert MEASUREMENT.disturbed_by(None, TOUCHED, lost=0) is MEASUREMENT
    assert MEASUREMENT.disturbed_by(None, TOUCHED, lost=3) is MEASUREMENT


def test_only_what_was_touched_is_disturbed_beside_what_already_was() -> None:
    found = MEASUREMENT.disturbed_by(STOOD_STILL, ["throughput", "volume"], lost=0)
    assert found.invalid == MEASUREMENT.invalid | {"throughput": STOOD_STILL}
    assert found.disturbed == ["latency_p50", "throughput"]


@pytest.mark.parametrize("names", [TOUCHED, ("throughput",)])
def test_trial_that_lost_a_message_is_doubtful_and_a_report_may_not_leave_it_out(
    names: tuple[str, ...],
) -> None:
    found = MEASUREMENT.disturbed_by(STOOD_STILL, names, lost=1)
    assert found.invalid == MEASUREMENT.disturbed_by(STOOD_STILL, names, lost=0).invalid
    assert found.disturbed == [], "not even what was disturbed before"


def test_clients_that_were_lost_are_no_disturbance_that_a_report_may_leave_out() -> None:
    lost = "clients lost their connection: disconnected by the server (1 of 3)"
    found = MEASUREMENT.disturbed_by(STOOD_STILL, TOUCHED, lost=0).distrusted(lost)
    assert found.disturbed == []
    assert found.invalid == {
        "latency_p50": lost,
        "latency_p99": "longer than was waited for: messages never arrived (3 of 9)",
        "throughput": lost,
    }


def test_a_servers_own_fault_is_said_beside_lost_clients() -> None:
    saturated = {"throughput": "replies were lost"}
    found = Measurement("echo", {"throughput": 1.0, "lost": 3.0}, invalid=saturated)
    assert found.distrusted("why").invalid == {"throughput": "replies were lost", "lost": "why"}
    assert found.distrusted("why", above_all=True).invalid == {"throughput": "why", "lost": "why"}
