"""Echo: what its numbers are, and when they are not to be trusted, from raw times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loadtests.arithmetic.samples import NEVER, Nanoseconds
from loadtests.arithmetic.usage import Usage
from loadtests.record.results import Measurement
from loadtests.scenarios import echo
from loadtests.scenarios.echo import METRICS
from loadtests.scenarios.echo_loops import ClosedLoop, OpenLoop
from loadtests.scenarios.echoing import BothLoops
from tests.support.simulation import MS, SECOND


def ns(*values: int) -> Nanoseconds:
    return np.asarray(values, dtype=np.int64)


def usage(generator: float = 10, server: float | None = 10) -> Usage:
    server_ns = None if server is None else round(server * 1e7)
    return Usage(SECOND, round(generator * 1e7), server_ns)


def closed(answered: int, lost: int, used: Usage) -> ClosedLoop:
    return ClosedLoop(ns(*[0] * answered), 10, lost, used)


def opened(latency: Nanoseconds, **changes: Any) -> OpenLoop:
    here = ns(*[0] * int(np.count_nonzero(latency != NEVER)))
    arguments: dict[str, Any] = {
        "latency_ns": latency,
        "service_ns": latency,
        "in_second_half": np.arange(len(latency)) >= len(latency) / 2,
        "lateness_ns": np.zeros_like(latency),
        "receive_lag_ns": here,
        "usage": usage(),
    }
    return OpenLoop(**(arguments | changes))


def summarise(
    opened: OpenLoop,
    closed: ClosedLoop,
    server_mib: float | None,
    doubts: Mapping[str, str] | None = None,
) -> Measurement:
    lost = opened.lost + closed.lost
    return echo.summarise(BothLoops(opened, closed, lost, doubts or {}), server_mib)


def test_summary_holds_every_metric_of_the_table() -> None:
    found = summarise(opened(ns(MS)), closed(100, 0, usage()), 30.0)
    assert METRICS.keys() == found.metrics.keys()
    assert (found.invalid, found.unavailable) == ({}, {})


def test_lost_p99_is_invalid_and_says_why() -> None:
    latency = ns(*[MS] * 98, NEVER, NEVER)
    found = summarise(opened(latency), closed(100, 3, usage()), 30.0)
    assert (
        found.metrics["lost"],
        found.metrics["latency_p99"],
        found.metrics["latency_p90"],
    ) == (5, None, 1.0)
    assert {"latency_p99", "latency_max", "service_p99", "throughput"} == found.invalid.keys()
    assert "messages never arrived (2 of 100)" in found.invalid["latency_p99"]
    assert found.samples["latency"] == 100


def test_saturated_open_loop_spoils_latency_and_not_throughput() -> None:
    found = summarise(
        opened(ns(MS), usage=usage(server=99)), closed(100, 0, usage(server=100)), 30.0
    )
    assert {
        "latency_p50",
        "latency_p90",
        "latency_p99",
        "latency_max",
        "service_p50",
        "service_p99",
    } == found.invalid.keys()


def test_busy_generator_spoils_throughput_and_not_latency() -> None:
    found = summarise(opened(ns(MS)), closed(100, 0, usage(generator=90)), 30.0)
    assert {"throughput", "server_cpu"} == found.invalid.keys()


def test_rates_beside_a_backlog_or_without_replies_are_none() -> None:
    for loop in (closed(0, 10, usage()), replace(closed(20, 0, usage()), stragglers=30)):
        found = summarise(opened(ns(MS)), loop, 30.0)
        assert "throughput" in found.invalid
        assert "latency_p50" not in found.invalid


def test_late_sends_spoil_latency_and_not_service_time() -> None:
    found = summarise(
        opened(ns(10 * MS), service_ns=ns(4 * MS), lateness_ns=ns(6 * MS)),
        closed(100, 0, usage()),
        30.0,
    )
    assert {"latency_p50", "latency_p90", "latency_p99", "latency_max"} == found.invalid.keys()
    assert (
        found.metrics["latency_p50"],
        found.metrics["service_p50"],
        found.metrics["lateness_p99"],
    ) == (10.0, 4.0, 6.0)


def test_own_servers_cpu_is_unavailable_in_the_summary() -> None:
    found = summarise(
        opened(ns(MS), usage=usage(server=None)), closed(100, 0, usage(server=None)), None
    )
    assert {
        "server_cpu",
        "server_busy",
        "server_rss",
        "server_busy_open",
    } == found.unavailable.keys()


STOOD_STILL = "it stood still (1 of 2)"
TIMED = {"latency_p50", "latency_p90", "latency_p99", "latency_max", "service_p50", "service_p99"}
RATES = {"throughput", "server_cpu", "server_busy", "generator_cpu", "generator_busy"}


@pytest.mark.parametrize(
    ("doubts", "touched"),
    [
        ({"open": STOOD_STILL}, TIMED),
        ({"closed": STOOD_STILL}, RATES),
        ({"open": STOOD_STILL, "closed": STOOD_STILL}, TIMED | RATES),
    ],
)
def test_disturbed_slices_of_a_loop_spoil_what_is_made_from_them(
    doubts: dict[str, str], touched: set[str]
) -> None:
    found = summarise(opened(ns(*[MS] * 100)), closed(100, 0, usage()), 30.0, doubts)
    assert found.invalid == dict.fromkeys(touched, STOOD_STILL)
    assert touched == set(found.disturbed)


def test_what_was_lost_beside_disturbed_slices_is_not_put_down_to_the_machine() -> None:
    both = {"open": STOOD_STILL, "closed": STOOD_STILL}
    latency = ns(*[MS] * 98, NEVER, NEVER)
    found = summarise(opened(latency), closed(100, 0, usage()), 30.0, both)
    assert found.invalid.keys() == TIMED | RATES
    assert "never arrived" in found.invalid["latency_p99"]
    assert found.invalid["throughput"] == found.invalid["latency_p50"] == STOOD_STILL
    assert found.disturbed == [], "a report cannot do without this trial"


@pytest.mark.parametrize("loop", ["open", "closed"])
def test_message_lost_in_one_loop_keeps_a_disturbance_of_the_other_in_a_report(loop: str) -> None:
    in_open, in_closed = ns(*[MS] * 99, NEVER), ns(*[MS] * 100)
    for latency, lost in ((in_open, 0), (in_closed, 1)):
        found = summarise(opened(latency), closed(100, lost, usage()), 30.0, {loop: STOOD_STILL})
        assert found.metrics["lost"] == 1
        assert STOOD_STILL in found.invalid.values()
        assert found.disturbed == []


def test_late_sends_are_a_disturbance_and_a_lost_message_is_none() -> None:
    late = summarise(opened(ns(10 * MS), lateness_ns=ns(6 * MS)), closed(100, 0, usage()), 30.0)
    assert {"latency_p50", "latency_p90", "latency_p99", "latency_max"} == set(late.disturbed)
    lost = summarise(opened(ns(*[MS] * 98, NEVER, NEVER)), closed(100, 0, usage()), 30.0)
    assert lost.disturbed == []


@pytest.mark.parametrize(("late_ms", "sure"), [(0.6, True), (0.4, False)])
def test_only_much_lateness_is_surely_a_disturbance(late_ms: float, sure: bool) -> None:
    lateness_ns = ns(round(late_ms * MS))
    found = summarise(opened(ns(MS * 3 // 2), lateness_ns=lateness_ns), closed(100, 0, usage()), 30)
    assert "sends went out late" in found.invalid["latency_p99"]
    assert ("latency_p99" in found.disturbed) is sure


@pytest.mark.parametrize(("late_ms", "sure"), [(0.6, True), (0.4, False)])
def test_as_late_is_as_much_a_disturbance_where_the_number_stands(
    late_ms: float, sure: bool
) -> None:
    lateness_ns = ns(round(late_ms * MS))
    found = summarise(opened(ns(20 * MS), lateness_ns=lateness_ns), closed(100, 0, usage()), 30.0)
    assert (found.invalid, "latency_p99" in found.disturbed) == ({}, sure)


def test_late_sends_are_no_disturbance_of_what_the_server_spoiled() -> None:
    saturated = opened(ns(20 * MS), usage=usage(server=99), lateness_ns=ns(MS))
    found = summarise(saturated, closed(100, 0, usage()), 30.0)
    assert "saturates" in found.invalid["latency_p99"]
    assert found.disturbed == []


def test_reply_lost_in_the_closed_loop_spoils_throughput_and_not_latency() -> None:
    found = summarise(opened(ns(MS)), closed(100, 1, usage()), 30.0)
    assert {"throughput"} == found.invalid.keys()
    assert "(1 lost beside 100 that came)" in found.invalid["throughput"]
