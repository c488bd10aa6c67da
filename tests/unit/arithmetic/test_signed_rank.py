"""The signed-rank test against R, against counting by hand, and against its own bounds."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.signed_rank import bounds, hodges_lehmann, p_greater, smallest_p
from tests.support import ROOT

FIXTURES = json.loads((ROOT / "tests/data/signed_rank.json").read_text(encoding="utf-8"))["cases"]


def as_in_r(expected: object) -> object:
    return pytest.approx(expected, rel=1e-9, abs=1e-12)


#: No two of one size, and none of size 0: what is measured.
CONTINUOUS = st.lists(
    st.floats(-1, 1).filter(lambda value: abs(value) > 1e-9), min_size=1, max_size=30, unique_by=abs
)
#: Many ties, many zeros.
ROUNDED = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=10)


def negated(values: list[float]) -> list[float]:
    return [-value for value in values]


def counted(values: list[float]) -> float:
    """The p by its definition: all ways to give signs to these sizes, counted."""
    sizes = [abs(value) for value in values]
    ranks = [
        sum(other < size for other in sizes) + (sum(other == size for other in sizes) + 1) / 2
        for size in sizes
    ]
    signed = [rank for rank, value in zip(ranks, values, strict=True) if value != 0]
    seen = sum(rank for rank, value in zip(ranks, values, strict=True) if value > 0)
    sums = [
        sum(itertools.compress(signed, chosen))
        for chosen in itertools.product((False, True), repeat=len(signed))
    ]
    return sum(each >= seen for each in sums) / len(sums)


@pytest.mark.parametrize("case", FIXTURES, ids=[str(len(case["values"])) for case in FIXTURES])
def test_r_says_the_same(case):
    values = case["values"]
    assert p_greater(values) == as_in_r(case["greater"])
    assert p_greater(negated(values)) == as_in_r(case["less"])
    assert hodges_lehmann(values) == as_in_r(case["estimate"])
    assert bounds(values) == as_in_r((case["lower"], case["upper"]))


def test_five_that_are_all_above_have_the_smallest_p_of_five():
    assert p_greater([1.0, 2.0, 3.0, 4.0, 5.0]) == smallest_p(5) == 1 / 32


def test_a_small_one_below_costs_less_than_a_large_one():
    assert p_greater([-1.0, 2.0, 3.0, 4.0, 5.0]) == 2 / 32
    assert p_greater([1.0, 2.0, 3.0, 4.0, -5.0]) == 10 / 32


@given(ROUNDED)
def test_ties_and_zeros_are_counted_out(values):
    assert p_greater(values) == pytest.approx(counted(values), rel=1e-12)


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0, 0.0]])
def test_without_a_sign_nothing_is_unlikely(values):
    assert p_greater(values) == 1.0


@given(CONTINUOUS, st.sampled_from([0.2, 0.05, 0.01]))
def test_test_and_bound_never_disagree(values, level):
    lower, upper = bounds(values, level)
    assert (p_greater(values) <= level) == (lower is not None and lower > 0)
    assert (p_greater(negated(values)) <= level) == (upper is not None and upper < 0)


@given(CONTINUOUS | ROUNDED)
def test_the_mirror_image_is_exact(values):
    lower, upper = bounds(values)
    mirrored = (None if upper is None else -upper, None if lower is None else -lower)
    assert mirrored == bounds(negated(values))
    assert -hodges_lehmann(values) == hodges_lehmann(negated(values))


@given(CONTINUOUS)
def test_the_estimate_lies_between_the_bounds(values):
    lower, upper = bounds(values)
    if lower is not None and upper is not None:
        assert lower <= hodges_lehmann(values) <= upper


@pytest.mark.parametrize(("count", "has"), [(0, False), (1, False), (4, False), (5, True)])
def test_bounds_want_as_many_values_as_can_reject(count, has):
    assert has == (smallest_p(count) <= 0.05)
    assert (bounds([0.1 * (1 + number) for number in range(count)])[0] is not None) == has


def test_values_that_are_all_equal_are_their_own_bounds():
    assert bounds([0.1] * 6) == (0.1, 0.1)
    assert p_greater([0.1] * 6) == smallest_p(6)


def test_a_hundred_values_keep_all_digits():
    values = [float(value) for value in range(1, 101)]
    assert p_greater(values) == pytest.approx(2.0**-100, rel=1e-12)
    assert p_greater(negated(values)) == 1.0


def test_a_hundred_values_come_near_the_normal_distribution():
    values = np.random.default_rng(1).normal(0.1, 1.0, 100)
    ranks = np.argsort(np.argsort(np.abs(values))) + 1
    z = (ranks[values > 0].sum() - 100 * 101 / 4 - 0.5) / math.sqrt(100 * 101 * 201 / 24)
    assert p_greater(values.tolist()) == pytest.approx(math.erfc(z / math.sqrt(2)) / 2, abs=1e-3)


@pytest.mark.parametrize("count", [6, 9])
def test_the_level_is_kept_where_nothing_is_to_be_found(count):
    draws = np.random.default_rng(2).standard_t(2, (4000, count))
    wrong = np.mean([p_greater(row.tolist()) <= 0.05 for row in draws])
    assert 0.03 <= wrong <= 0.06


@pytest.mark.parametrize("what", [p_greater, hodges_lehmann, bounds])
def test_what_is_no_number_is_refused(what):
    with pytest.raises(ValueError, match="finite"):
        what([0.1, math.nan])


def test_nothing_has_no_estimate():
    with pytest.raises(ValueError, match="one value"):
        hodges_lehmann([])


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1])
def test_a_level_is_a_probability(level):
    with pytest.raises(ValueError, match="level"):
        bounds([0.1, 0.2], level)
