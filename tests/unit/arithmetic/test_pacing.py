"""Schedules: every due time follows from the start, the rate and the index alone."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.pacing import ConstantRate, staggered

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("rate_hz", "index", "due_ns", "reason"),
    [
        (1, 0, 7, "the first is due at the start"),
        (1, 1, 7 + SECOND, "one a second"),
        (4, 6, 7 + 1_500_000_000, "four a second"),
        (3, 1, 7 + 333_333_333, "to the nanosecond"),
        (3, 2, 7 + 666_666_667, "rounded, not cut off"),
        (3, 3, 7 + SECOND, "without an error that adds up"),
        (0.1, 1, 7 + 10 * SECOND, "slower than once a second"),
        (3, 3_000_000, 7 + 1_000_000 * SECOND, "not after a million seconds either"),
    ],
)
def test_due_time_follows_from_rate_and_index(
    rate_hz: float, index: int, due_ns: int, reason: str
) -> None:
    assert due_ns == ConstantRate(7, rate_hz).due_ns(index), reason


@given(st.integers(1, 10_000), st.integers(0, 10**7))
def test_due_time_is_never_off_by_more_than_a_nanosecond(rate_hz: int, index: int) -> None:
    exact = Fraction(index * SECOND, rate_hz)
    assert abs(ConstantRate(0, rate_hz).due_ns(index) - exact) <= 1


@given(st.floats(0.01, 1e5), st.integers(0, 10**6))
def test_due_times_never_go_back(rate_hz: float, index: int) -> None:
    schedule = ConstantRate(0, rate_hz)
    assert schedule.due_ns(index) <= schedule.due_ns(index + 1)


def test_all_clients_together_send_evenly() -> None:
    schedules = staggered(5 * SECOND, 100, 4)
    due = sorted(schedule.due_ns(index) for schedule in schedules for index in range(3))
    assert [5 * SECOND + index * 10_000_000 for index in range(12)] == due


def test_each_client_has_its_share_of_the_rate() -> None:
    assert [each.rate_hz for each in staggered(0, 100, 4)] == [25.0, 25.0, 25.0, 25.0]


def test_one_client_has_the_whole_rate_from_the_start() -> None:
    assert [ConstantRate(9, 50)] == staggered(9, 50, 1)


@given(st.floats(0.1, 10_000), st.integers(1, 50))
def test_last_client_begins_before_the_first_sends_again(rate_hz: float, clients: int) -> None:
    schedules = staggered(0, rate_hz, clients)
    assert schedules[-1].start_ns <= schedules[0].due_ns(1)
    assert [each.start_ns for each in schedules] == sorted(each.start_ns for each in schedules)
