"""Schedules: every due time follows from the start, the rate and the index alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.pacing import ConstantRate, Moments, at_random, staggered
from loadtests.arithmetic.samples import NEVER

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


@pytest.mark.parametrize(
    ("begin_ns", "end_ns", "due", "reason"),
    [
        (0, 100, 10, "the first is in, the last is not"),
        (0, 101, 11, "the one at the end is now before it"),
        (1, 101, 10, "as many in any time as long"),
        (1, 10, 0, "between two"),
        (10, 11, 1, "one alone"),
        (-50, 0, 0, "before the start"),
        (-50, 1, 1, "begun before the start"),
        (30, 30, 0, "no time at all"),
    ],
)
def test_sends_of_a_time_are_counted(begin_ns: int, end_ns: int, due: int, reason: str) -> None:
    # Every ten nanoseconds from 1000.
    schedule = ConstantRate(1000, SECOND / 10)
    assert due == schedule.due_between(1000 + begin_ns, 1000 + end_ns), reason


@given(
    st.floats(0.5, 1e5),
    st.integers(0, 10**18),
    st.integers(-(10**9), 10**9),
    st.integers(0, 300),
    st.integers(-3, 3),
)
def test_sends_are_counted_as_if_each_was_looked_at(
    rate_hz: float, start_ns: int, offset_ns: int, sends: int, nudge_ns: int
) -> None:
    schedule = ConstantRate(start_ns, rate_hz)
    # Just around a due time, where a guess would be off by one.
    end_ns = schedule.due_ns(sends) + nudge_ns
    begin_ns = min(start_ns + offset_ns, end_ns)
    each = [schedule.due_ns(index) for index in range(sends + 5)]
    assert sum(begin_ns <= due_ns < end_ns for due_ns in each) == schedule.due_between(
        begin_ns, end_ns
    )


@given(st.floats(0.5, 2000), st.integers(1, 60), st.lists(st.floats(0, 2), min_size=2, max_size=6))
def test_a_time_that_is_cut_has_the_same_sends_in_all(
    rate_hz: float, clients: int, cuts: list[float]
) -> None:
    moments = sorted(round(cut * SECOND) for cut in cuts)
    for schedule in staggered(0, rate_hz, clients):
        parts = sum(schedule.due_between(*part) for part in pairwise(moments))
        assert schedule.due_between(moments[0], moments[-1]) == parts


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


# --- sends of many people who know nothing of each other


def test_moments_are_due_as_they_are_given_and_then_never() -> None:
    schedule = Moments([5, 9, 9])
    assert [schedule.due_ns(index) for index in range(4)] == [5, 9, 9, NEVER]
    assert schedule.start_ns == 5
    assert schedule.due_between(5, 9) == 1
    assert schedule.due_between(0, 100) == 3


def test_schedule_without_moments_never_begins() -> None:
    assert Moments([]).start_ns == NEVER
    assert Moments([]).due_between(0, NEVER) == 0


def test_random_sends_come_as_a_poisson_process_does() -> None:
    found = at_random(7, 1000, 10, whole_ns=100 * SECOND, seed=1)
    moments = sorted(moment for schedule in found for moment in schedule.moments_ns)
    gaps = [(after - before) / 1e6 for before, after in pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    # A hundred thousand: the mean to 1 %, and the deviation of an exponential is its mean.
    assert mean == pytest.approx(1, rel=0.02)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.03)
    assert min(moments) >= 7
    assert max(moments) < 7 + 100 * SECOND


def test_random_sends_are_shared_among_all_clients() -> None:
    found = at_random(0, 1000, 10, whole_ns=100 * SECOND, seed=1)
    assert [len(each.moments_ns) for each in found] == pytest.approx([10_000] * 10, rel=0.05)


def test_random_sends_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    one, same, other = (at_random(0, 100, 3, whole_ns=SECOND, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other
