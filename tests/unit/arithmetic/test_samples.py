"""Raw times to numbers: what never arrived counts, and nothing is interpolated."""

from __future__ import annotations

import math
from array import array
from fractions import Fraction

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import (
    NEVER,
    Audit,
    Nanoseconds,
    audit,
    durations,
    first_arrivals,
    milliseconds,
    quantile,
)

HOUR_NS = 3600 * 10**9


def ns(*values: int) -> Nanoseconds:
    return np.asarray(values, dtype=np.int64)


# --- quantile


@pytest.mark.parametrize(
    ("values", "q", "expected", "reason"),
    [
        ((15, 20, 35, 40, 50), 0.5, 35, "rank ceil(2.5) = 3"),
        ((50, 35, 20, 40, 15), 0.5, 35, "the order does not matter"),
        ((15, 20, 35, 40, 50), 0.4, 20, "exactly rank 2"),
        ((15, 20, 35, 40, 50), 0.41, 35, "just above rank 2 is rank 3"),
        ((15, 20, 35, 40, 50), 0.05, 15, "rank 1"),
        ((15, 20, 35, 40, 50), 1, 50, "the largest"),
        ((15, 20, 35, 40, 50), 0, 15, "the smallest, for want of a rank 0"),
        ((15, 20), 0.5, 15, "the lower of two: nothing is interpolated"),
        ((7,), 0.99, 7, "all of one"),
    ],
)
def test_quantile_is_the_nearest_rank(
    values: tuple[int, ...], q: float, expected: int, reason: str
) -> None:
    assert expected == quantile(ns(*values), q), reason


@given(st.lists(st.integers(0, HOUR_NS), min_size=1, max_size=200), st.sampled_from([50, 90, 99]))
def test_quantile_is_the_least_value_that_enough_do_not_exceed(
    values: list[int], percent: int
) -> None:
    enough = Fraction(percent, 100) * len(values)
    expected = min(v for v in values if sum(1 for each in values if each <= v) >= enough)
    assert expected == quantile(ns(*values), percent / 100)


@pytest.mark.parametrize("q", ["0.5", "0.9", "0.99"])
def test_no_rank_is_one_too_high_for_want_of_precision(q: str) -> None:
    counts = range(1, 20_000)
    expected = [math.ceil(Fraction(q) * count) - 1 for count in counts]
    ordered = np.arange(20_000, dtype=np.int64)
    # The value at a rank of 0, 1, 2, ... is the rank.
    assert [expected[n - 1] for n in range(1, 20_000, 97)] == [
        quantile(ordered[:n], float(q)) for n in range(1, 20_000, 97)
    ]


def test_quantile_of_nothing_is_nothing() -> None:
    assert quantile(ns(), 0.5) is None


def test_quantile_among_the_lost_is_not_known() -> None:
    assert quantile(ns(1, NEVER), 1) is None
    assert quantile(ns(NEVER, NEVER), 0.5) is None


def test_lost_reply_is_not_a_fast_reply() -> None:
    # Nine answered, one lost: the median of ten is the fifth, and the p90 the slowest answered.
    values = ns(NEVER, 9, 8, 7, 6, 5, 4, 3, 2, 1)
    assert (quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99)) == (5, 9, None)


def test_quantile_leaves_its_values_in_their_order() -> None:
    values = ns(3, 1, 2)
    quantile(values, 0.5)
    assert values.tolist() == [3, 1, 2]


def test_milliseconds_of_nothing_is_nothing() -> None:
    assert (milliseconds(None), milliseconds(1_500_000), milliseconds(0)) == (None, 1.5, 0.0)


# --- arrivals


def test_message_that_did_not_arrive_never_did() -> None:
    assert first_arrivals([0, 2], [10, 30], 3).tolist() == [10, NEVER, 30]


def test_second_copy_does_not_move_the_first() -> None:
    assert first_arrivals([0, 1, 0, 1, 0], [10, 15, 20, 25, 30], 2).tolist() == [10, 15]


def test_numbers_that_were_not_sent_are_left_alone() -> None:
    assert first_arrivals([-1, 1, 7, 0], [1, 2, 3, 5], 1).tolist() == [5]


def test_nothing_sent_and_nothing_arrived_are_arrays_too() -> None:
    assert first_arrivals([], [], 0).tolist() == []
    assert first_arrivals(array("q"), array("q"), 2).tolist() == [NEVER, NEVER]


@given(st.lists(st.tuples(st.integers(-2, 12), st.integers(0, 10**15)), max_size=60))
def test_first_arrivals_are_those_of_a_plain_loop(arrivals: list[tuple[int, int]]) -> None:
    expected = [NEVER] * 10
    for number, at_ns in arrivals:
        if 0 <= number < 10 and expected[number] == NEVER:
            expected[number] = at_ns
    numbers, times = [each[0] for each in arrivals], [each[1] for each in arrivals]
    assert expected == first_arrivals(numbers, times, 10).tolist()


def test_arrays_can_grow_after_they_were_looked_at() -> None:
    numbers, times = array("q", [0]), array("q", [5])
    first_arrivals(numbers, times, 1)
    numbers.append(1)
    times.append(6)
    assert first_arrivals(numbers, times, 2).tolist() == [5, 6]


def test_duration_to_never_is_never() -> None:
    assert durations(ns(10, 20, 30), ns(15, NEVER, 30)).tolist() == [5, NEVER, 0]


# --- audit


@pytest.mark.parametrize(
    ("numbers", "expected", "found", "reason"),
    [
        ([], [], Audit(0, 0, 0), "nothing was to come"),
        ([1, 2, 3], [1, 2, 3], Audit(0, 0, 0), "all is well"),
        ([], [1, 2], Audit(2, 0, 0), "all are missing"),
        ([1, 3], [1, 2, 3], Audit(1, 0, 0), "one is missing"),
        ([1, 1, 2], [1, 2], Audit(0, 1, 0), "a copy too many"),
        ([1, 1, 1, 2, 2], [1, 2], Audit(0, 3, 0), "three copies too many"),
        ([2, 1, 3], [1, 2, 3], Audit(0, 0, 1), "one came after a later one"),
        ([3, 1, 2], [1, 2, 3], Audit(0, 0, 2), "two came after a later one"),
        ([2, 3, 1], [1, 2, 3], Audit(0, 0, 1), "the late one is at fault, not those before"),
        ([1, 2, 1], [1, 2], Audit(0, 1, 0), "a late copy is a duplicate, not out of order"),
        ([0, 1, 9], [1], Audit(0, 0, 0), "what was not measured does not count"),
        ([9, 1, 2], [1, 2], Audit(0, 0, 0), "not in the order either"),
        ([5, 5, 3], [3, 4, 5], Audit(1, 1, 1), "all three at once"),
    ],
)
def test_every_copy_is_accounted_for(
    numbers: list[int], expected: list[int], found: Audit, reason: str
) -> None:
    assert found == audit(numbers, expected), reason


@given(st.lists(st.integers(0, 9), max_size=40))
def test_missing_and_duplicate_add_up(numbers: list[int]) -> None:
    found = audit(numbers, range(10))
    assert len(numbers) == 10 - found.missing + found.duplicate


# --- histograms


def decoded(encoded: str) -> HdrHistogram:
    return HdrHistogram.decode(encoded.encode())


@given(st.integers(1000, HOUR_NS))
def test_histogram_keeps_a_value_to_three_figures_or_a_microsecond(value: int) -> None:
    found = decoded(histogram(ns(value))).get_value_at_percentile(100)
    assert abs(found - value) <= max(1000, value / 1000)


def test_histogram_counts_each_value_where_it_is() -> None:
    found = decoded(histogram(ns(*[1_000_000] * 50, *[3_000_000] * 40, *[90_000_000] * 10)))
    values = [found.get_value_at_percentile(share) for share in (50, 90, 100)]
    assert values == pytest.approx([1_000_000, 3_000_000, 90_000_000], rel=1e-3)
    assert found.get_total_count() == 100


def test_histogram_holds_what_arrived_only() -> None:
    assert decoded(histogram(ns(1_000_000, NEVER, 2_000_000))).get_total_count() == 2


def test_histogram_of_nothing_is_a_histogram() -> None:
    assert decoded(histogram(ns())).get_total_count() == 0
    assert decoded(histogram(ns(NEVER))).get_total_count() == 0


def test_shortest_and_longest_values_are_counted_too() -> None:
    assert decoded(histogram(ns(0, 1, HOUR_NS, 2 * HOUR_NS))).get_total_count() == 4


def test_histograms_of_two_trials_add_up() -> None:
    first, second = histogram(ns(1_000_000, 2_000_000)), histogram(ns(3_000_000))
    both = decoded(first)
    both.add(decoded(second))
    assert histogram(ns(1_000_000, 2_000_000, 3_000_000)) == both.encode().decode()
