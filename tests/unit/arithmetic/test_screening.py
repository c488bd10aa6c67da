"""The screen: when it looks, what makes a suspect, what is cleared, how many pairs confirm."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.screening import (
    Rule,
    Screened,
    Standing,
    look,
    pairs_to_confirm,
    screened,
    worse_of,
)
from loadtests.record.words import Better

RULE = Rule()
#: Pairs that agree to within a thousandth, so that only where they lie counts.
STEADY = [0.0005 * (number % 5 - 2) + 0.00001 * number for number in range(24)]
MIRRORED = {Standing.SLOWER: Standing.FASTER, Standing.FASTER: Standing.SLOWER}
WORSE = st.lists(st.floats(-0.3, 0.3), min_size=0, max_size=26)


def around(worse: float, pairs: int = 6) -> list[float]:
    return [worse + noise for noise in STEADY[:pairs]]


@pytest.mark.parametrize(
    ("worse", "standing"),
    [
        (0.0, Standing.CLEARED),
        (math.log1p(0.04), Standing.CLEARED),
        (math.log1p(0.06), Standing.SLOWER),
        (math.log1p(0.50), Standing.SLOWER),
        (-math.log1p(0.04), Standing.CLEARED),
        (-math.log1p(0.06), Standing.FASTER),
    ],
)
def test_half_of_what_is_to_be_found_divides_suspect_from_cleared(worse, standing):
    assert look(around(worse), RULE) is standing


def test_a_large_estimate_without_proof_is_open():
    assert look([0.2, 0.2, 0.2, 0.2, 0.2, -0.3], RULE) is Standing.OPEN


def test_no_difference_is_not_cleared_while_the_bounds_are_wide():
    assert look([0.2, -0.2, 0.1, -0.1, 0.15, -0.15], RULE) is Standing.OPEN


def test_the_bound_that_clears_is_a_logarithm_and_so_the_same_either_way():
    # Of six pairs, the upper bound is the third largest average of two: here the second pair.
    for sign in (1, -1):
        for bound, standing in ((0.0953, Standing.CLEARED), (0.0954, Standing.OPEN)):
            pairs = [-0.05, -0.04, -0.03, 0.01, bound, bound + 0.02]
            assert look([sign * value for value in pairs], RULE) is standing


@pytest.mark.parametrize(
    ("pairs", "looks"),
    [(0, False), (5, False), (6, True), (7, False), (8, True), (24, True), (26, False)],
)
def test_it_looks_at_six_pairs_and_after_every_two(pairs, looks):
    assert RULE.looks_at(pairs) == looks
    if pairs <= 24:
        assert (look(around(0.5, pairs), RULE) is Standing.SLOWER) == looks


def test_the_last_pair_is_always_looked_at():
    assert Rule(first=6, step=4, most=12).looks_at(12)


def test_the_first_look_that_decides_holds_whatever_comes_later():
    assert screened(around(0.0) + around(0.5, 18), RULE) == Screened(Standing.CLEARED, 6)


def test_a_dropped_pair_does_not_keep_it_from_being_looked_at():
    assert screened(around(0.0, 7), RULE) == Screened(Standing.CLEARED, 6)


def test_what_the_most_pairs_do_not_settle_stays_open():
    undecided = [(-1) ** number * (number + 1) / 24 for number in range(30)]
    assert screened(undecided, RULE) == Screened(Standing.OPEN, 24)


@given(WORSE)
def test_swapping_base_and_head_mirrors_the_screen(worse):
    found, swapped = screened(worse, RULE), screened([-value for value in worse], RULE)
    assert swapped.standing is MIRRORED.get(found.standing, found.standing)
    assert swapped.pairs == found.pairs


@given(WORSE)
def test_the_screen_is_the_same_while_it_goes_on_and_afterwards(worse):
    """A look at the pairs so far, as the runner takes it, is what all of them are judged by."""
    looks = [look(worse[:pairs], RULE) for pairs in range(min(len(worse), RULE.most) + 1)]
    deciding = [standing for standing in looks if standing is not Standing.OPEN]
    assert screened(worse, RULE).standing is next(iter(deciding), Standing.OPEN)


def test_no_suspect_takes_no_pairs():
    assert pairs_to_confirm({"a": around(0.0)}, [], RULE) == 0


def test_little_noise_takes_the_fewest_pairs_and_much_the_most():
    assert pairs_to_confirm({"a": around(0.2)}, ["a"], RULE) == 12
    assert pairs_to_confirm({"a": [0.1, 0.9] * 3}, ["a"], RULE) == 24


def test_the_noisiest_suspect_says_how_many():
    noisy = [0.02, 0.22] * 3
    screens = {"quiet": around(0.2), "noisy": noisy, "noisy and cleared": [0.1, 0.9] * 3}
    # s = 0.1095, z(1 - 0.05/2) = 1.960: ((1.960 + 1.645) · 0.1095 / 0.0953)² · 1.1 = 18.9
    assert pairs_to_confirm(screens, ["quiet", "noisy"], RULE) == 20


def test_so_many_suspects_take_as_many_pairs_as_can_reject():
    screens = {str(number): around(0.2) for number in range(300)}
    # 13 can just reject, if all go one way; two more, and an even number.
    assert pairs_to_confirm(screens, list(screens), RULE) == 16


def test_suspects_elsewhere_share_the_level():
    screens = {"a": around(0.2)}
    assert pairs_to_confirm(screens, ["a"], RULE, tests=300) == 16


@pytest.mark.parametrize(
    ("better", "worse"), [(Better.LOWER, math.log(1.1)), (Better.HIGHER, -math.log(1.1))]
)
def test_more_of_what_should_be_less_is_worse(better, worse):
    assert worse_of(100.0, 110.0, better) == pytest.approx(worse)


@pytest.mark.parametrize(
    ("base", "head", "better"),
    [
        (0.0, 1.0, Better.LOWER),
        (1.0, 0.0, Better.LOWER),
        (1.0, -1.0, Better.LOWER),
        (math.nan, 1.0, Better.LOWER),
        (1.0, math.inf, Better.LOWER),
        (1.0, 1.0, Better.NEITHER),
    ],
)
def test_what_has_no_ratio_or_no_direction_is_refused(base, head, better):
    with pytest.raises(ValueError, match="no better or worse"):
        worse_of(base, head, better)


@pytest.mark.parametrize(
    "numbers",
    [
        {"detect": 0.0},
        {"level": 0.5},
        {"step": 0},
        {"first": 0},
        {"first": 10, "most": 8},
        {"confirm_first": 26},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(numbers):
    with pytest.raises(ValueError, match=r"no rule|first number"):
        Rule(**numbers)
