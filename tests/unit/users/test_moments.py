"""From which moment a time of one's own counts."""

from __future__ import annotations

import pytest

from loadtests.users import moments

SECOND_NS = 10**9
BEGUN_NS = 5_000 * SECOND_NS
ARRIVED_NS = 5_010 * SECOND_NS
APART_NS = 1_795_000_000 * SECOND_NS


@pytest.mark.parametrize("before_ns", [0, 1, 9 * SECOND_NS, 30 * SECOND_NS])
def test_moment_until_the_arrival_counts_as_it_is(before_ns):
    due_ns = ARRIVED_NS - before_ns
    assert moments.due(due_ns, ARRIVED_NS, BEGUN_NS) == due_ns
    assert moments.due_by_wall(due_ns + APART_NS, APART_NS, ARRIVED_NS, BEGUN_NS) == due_ns


@pytest.mark.parametrize("since_ns", [ARRIVED_NS + 100_000, ARRIVED_NS + APART_NS])
def test_moment_after_the_arrival_is_no_latency_of_nothing(since_ns):
    with pytest.raises(ValueError, match=r"after its event has arrived: .* since_wall_ns"):
        moments.due(since_ns, ARRIVED_NS, BEGUN_NS)
    with pytest.raises(ValueError, match="after its event has arrived"):
        moments.due(ARRIVED_NS + 1, ARRIVED_NS, BEGUN_NS)
    with pytest.raises(ValueError, match="clocks of different hosts differ"):
        moments.due_by_wall(since_ns + APART_NS, APART_NS, ARRIVED_NS, BEGUN_NS)


@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "microseconds"])
def test_moment_in_another_unit_is_refused(unit):
    factor = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3}[unit]
    with pytest.raises(ValueError, match="before this user's session began"):
        moments.due(ARRIVED_NS // factor, ARRIVED_NS, BEGUN_NS)
    wall_ns = (ARRIVED_NS + APART_NS) // factor
    with pytest.raises(ValueError, match="no time of day in nanoseconds"):
        moments.due_by_wall(wall_ns, APART_NS, ARRIVED_NS, BEGUN_NS)


def test_message_that_waited_while_its_recipient_connected_is_timed():
    """A server that lags delivers what was sent before a late user was there."""
    since_ns = BEGUN_NS - 20 * SECOND_NS
    assert moments.due(since_ns, ARRIVED_NS, BEGUN_NS) == since_ns


def test_time_of_day_is_never_more_exact_than_its_clocks():
    """A float of seconds is worth 0.2 microseconds, and two clocks were compared twice."""
    since_ns = ARRIVED_NS + APART_NS + 20_000
    assert moments.due_by_wall(since_ns, APART_NS, ARRIVED_NS, BEGUN_NS) == ARRIVED_NS
