"""What a number of pairs can find, said beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loadtests.arithmetic.power import can_reject, detectable, fewest_pairs
from loadtests.arithmetic.screening import Rule
from loadtests.arithmetic.signed_rank import hodges_lehmann, p_greater


def found(pairs: int, noise: float, power: float = 0.8) -> float:
    """What is to be found by enough pairs."""
    slowdown = detectable(pairs, noise, power=power)
    assert slowdown is not None
    return slowdown


@pytest.mark.parametrize(
    ("comparisons", "level", "pairs"),
    [(1, 0.05, 5), (6, 0.05, 7), (30, 0.05, 10), (60, 0.05, 11), (144, 0.05, 12), (2, 0.01, 8)],
)
def test_the_fewest_pairs_that_can_prove_anything(comparisons, level, pairs):
    assert fewest_pairs(comparisons, level) == pairs
    assert can_reject(pairs, comparisons, level)
    assert not can_reject(pairs - 1, comparisons, level)


def test_three_pairs_can_never_reject():
    assert not can_reject(3, 1)
    assert detectable(3, 0.03) is None


def test_pairs_that_are_too_few_for_so_many_suspects_find_nothing():
    assert detectable(8, 0.03, level=0.05 / 30) is None


def test_without_noise_the_least_that_counts_is_found():
    assert detectable(12, 0.0, least=Rule().least) == pytest.approx(math.expm1(Rule().least))
    assert detectable(12, 0.0) == 0.0


def test_more_noise_hides_more_and_more_pairs_hide_less():
    assert found(12, 0.06) > found(12, 0.03) > found(24, 0.03)
    assert found(12, 0.06) == pytest.approx(2 * found(12, 0.03), rel=0.05)


def test_more_power_takes_a_larger_difference():
    assert found(12, 0.03, power=0.95) > found(12, 0.03, power=0.8)


@pytest.mark.parametrize(
    ("pairs", "noise", "suspects", "power"), [(12, 0.08, 1, 0.8), (12, 0.03, 30, 0.95)]
)
def test_so_large_a_slowdown_is_found_so_often(pairs, noise, suspects, power):
    """Against other draws than its own."""
    rule = Rule()
    level = rule.level / suspects
    slowdown = detectable(pairs, noise, power=power, least=rule.least, level=level)
    assert slowdown is not None
    draws = np.random.default_rng(5).normal(math.log1p(slowdown), noise, (4000, pairs)).tolist()
    told = [p_greater(row) <= level and hodges_lehmann(row) >= rule.least for row in draws]
    assert power - 0.03 <= np.mean(told) <= power + 0.03


@pytest.mark.parametrize(("noise", "power"), [(-0.1, 0.8), (0.03, 1.0), (0.03, 0.0)])
def test_what_is_no_power_is_refused(noise, power):
    with pytest.raises(ValueError, match="power"):
        detectable(12, noise, power=power)
