"""When the load generator could explain a number, the number is not to be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from loadtests.arithmetic import validity
from loadtests.arithmetic.samples import NEVER, Nanoseconds
from loadtests.arithmetic.usage import Usage
from loadtests.scenarios.echo import SCENARIO

MS = 1_000_000
#: Metrics of latencies, of other families, and of no family.
ECHO = SCENARIO.metrics


def usage(*, generator: float = 10.0, server: float | None = 10.0) -> Usage:
    """Shares of one core over a second, in percent."""
    server_ns = None if server is None else round(server * 1e7)
    return Usage(1_000_000_000, round(generator * 1e7), server_ns)


def every(value_ns: int, count: int = 100) -> Nanoseconds:
    return np.full(count, value_ns, dtype=np.int64)


@pytest.mark.parametrize("percent", [0.0, 50.0, validity.BUSY_GENERATOR_PERCENT])
def test_generator_with_time_to_spare_explains_nothing(percent: float) -> None:
    assert validity.busy_generator(["throughput"], usage(generator=percent)) == {}


def test_busy_generator_may_be_what_limits() -> None:
    found = validity.busy_generator(["throughput", "server_cpu"], usage(generator=86.0))
    assert {"throughput", "server_cpu"} == found.keys()
    assert (
        "the load generator may be what limits here (86 % of its core used)" in found["throughput"]
    )


@pytest.mark.parametrize("percent", [None, 0.0, 50.0, validity.SATURATED_SERVER_PERCENT])
def test_server_that_keeps_up_or_is_not_ours_is_not_saturated(percent: float | None) -> None:
    assert validity.saturated_server(["latency_p50"], usage(server=percent)) == {}


def test_saturated_servers_latency_is_a_queue() -> None:
    found = validity.saturated_server(["latency_p50"], usage(server=99.0))
    assert "the offered load saturates the server" in found["latency_p50"]
    assert "offer less" in found["latency_p50"]


@pytest.mark.parametrize(
    ("latency_ms", "late_ms", "invalid", "reason"),
    [
        (10, 0, False, "on time"),
        (10, 2.5, False, "a quarter is still allowed"),
        (10, 2.6, True, "more than a quarter"),
        (0.2, 0.1, False, "a tenth of a millisecond is what waking up costs"),
        (0.2, 0.11, True, "more than that, of a fifth of a millisecond, is not"),
        (1, 0.25, False, "a quarter"),
        (1, 0.26, True, "more than a quarter"),
        (0.6, 0.6, True, "nothing but lateness"),
        (1000, 200, False, "much, but a small share"),
    ],
)
def test_late_sends_spoil_a_latency_that_they_are_much_of(
    latency_ms: float, late_ms: float, invalid: bool, reason: str
) -> None:
    found = validity.late_sends(
        ECHO,
        "latency",
        latency_ns=every(round(latency_ms * MS)),
        lateness_ns=every(round(late_ms * MS)),
    )
    assert invalid == ("latency_p50" in found), reason


def test_lateness_is_compared_at_the_same_quantile() -> None:
    lateness = every(0)
    lateness[:3] = 50 * MS
    found = validity.late_sends(
        ECHO,
        "latency",
        latency_ns=every(10 * MS),
        lateness_ns=lateness,
    )
    assert {"latency_p99", "latency_max"} == found.keys()
    assert "(50 ms, 500% of this number)" in found["latency_p99"]


def test_lateness_says_nothing_of_a_latency_that_is_not_known() -> None:
    unknown, nothing = every(NEVER), every(1, 0)
    late = every(50 * MS)
    assert validity.late_sends(ECHO, "latency", latency_ns=unknown, lateness_ns=late) == {}
    assert validity.late_sends(ECHO, "latency", latency_ns=nothing, lateness_ns=nothing) == {}


def test_quantile_among_the_lost_is_marked_and_others_are_not() -> None:
    values = {"latency_p50": 1.0, "latency_p99": None, "latency_max": None, "server_cpu": None}
    found = validity.lost_quantiles(ECHO, values, 3, 100)
    assert {"latency_p99", "latency_max"} == found.keys()
    assert "messages never arrived (3 of 100)" in found["latency_p99"]


def test_where_nothing_is_lost_nothing_is_marked() -> None:
    assert validity.lost_quantiles(ECHO, {"latency_p99": None}, 0, 100) == {}


def test_queue_that_outgrew_the_waiting_is_one_too() -> None:
    latency = np.asarray([10 * MS] * 50 + [90 * MS] * 20 + [NEVER] * 30)
    found = validity.growing_queue(
        ["latency_p50"], second_half=np.arange(100) >= 50, latency_ns=latency
    )
    assert "no median in the second" in found["latency_p50"]


@pytest.mark.parametrize("second", [False, True])
def test_single_message_has_not_grown(second: bool) -> None:
    halves = np.asarray([second])
    assert (
        validity.growing_queue(["latency_p50"], second_half=halves, latency_ns=every(MS, 1)) == {}
    )


def test_closed_loop_without_a_reply_has_no_rate() -> None:
    found = validity.silent_loop(["throughput"], answered=0, clients=4)
    assert "to any of 4 clients" in found["throughput"]
    assert validity.silent_loop(["throughput"], answered=1, clients=4) == {}


@pytest.mark.parametrize(("stragglers", "slowed"), [(0, False), (5, False), (6, True)])
def test_open_loops_backlog_spoils_the_closed_loop(stragglers: int, slowed: bool) -> None:
    found = validity.backlog(["throughput"], stragglers=stragglers, answered=100)
    assert slowed == ("throughput" in found)


@pytest.mark.parametrize(
    ("first_ms", "second_ms", "grew", "reason"),
    [
        (10, 25, False, "not more than twice as long and 5 ms"),
        (10, 26, True, "more than that"),
        (1, 6, False, "a busy second is not a queue"),
        (50, 40, False, "it shrinks"),
    ],
)
def test_latency_that_grows_under_a_steady_load_is_a_queue(
    first_ms: int, second_ms: int, grew: bool, reason: str
) -> None:
    latency = np.asarray([first_ms * MS] * 50 + [second_ms * MS - 1] * 50)
    shuffled = np.random.default_rng(1).permutation(100)
    found = validity.growing_queue(
        ["latency_p50"], second_half=shuffled >= 50, latency_ns=latency[shuffled]
    )
    assert grew == ("latency_p50" in found), reason


@pytest.mark.parametrize(("lag_ms", "slow"), [(2.5, False), (2.6, True)])
def test_replies_that_wait_to_be_read_slow_a_closed_loop_down(lag_ms: float, slow: bool) -> None:
    found = validity.slow_reading(
        ["throughput"], receive_lag_ns=every(round(lag_ms * MS)), round_trip_ns=10 * MS
    )
    assert slow == ("throughput" in found)
