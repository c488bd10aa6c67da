"""How far apart chance alone sets two identical servers, and what that can tell apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from loadtests.arithmetic.pairs import LogRatios, log_ratios


def test_equal_numbers_have_the_ratio_one_and_no_spread():
    found = log_ratios([(100.0, 100.0), (250.0, 250.0), (7.0, 7.0)])
    assert (found.ratio, found.deviation, found.count) == (1.0, 0.0, 3)
    assert found.interval == (1.0, 1.0)


def test_the_speed_of_the_machine_does_not_count():
    steady = log_ratios([(100.0, 110.0), (100.0, 90.0), (100.0, 100.0)])
    drifting = log_ratios([(100.0, 110.0), (200.0, 180.0), (50.0, 50.0)])
    assert drifting.deviation == pytest.approx(steady.deviation)
    assert drifting.ratio == pytest.approx(steady.ratio)


def test_the_interval_is_students():
    logs = [0.01, -0.02, 0.03, 0.005]
    found = log_ratios([(1.0, math.exp(each)) for each in logs])
    low, high = stats.t.interval(0.95, 3, loc=np.mean(logs), scale=stats.sem(logs))
    assert found.interval == pytest.approx((math.exp(low), math.exp(high)))


@pytest.mark.parametrize("pairs", [[], [(1.0, 1.0)]])
def test_one_pair_has_no_spread_to_speak_of(pairs):
    with pytest.raises(ValueError, match="two pairs"):
        log_ratios(pairs)


@pytest.mark.parametrize(
    ("deviation", "difference", "blocks"),
    [(0.0, 0.02, 2), (0.03, 0.10, 3), (0.20, 0.02, 803)],
    ids=["no noise", "turns on a noisy machine", "one after the other on the same"],
)
def test_blocks_that_a_difference_takes(deviation, difference, blocks):
    assert LogRatios(0.0, deviation, 8).blocks_for(difference) == blocks


def test_more_blocks_than_anybody_runs_are_no_number():
    assert LogRatios(0.0, 0.5, 8).blocks_for(0.02) is None


def test_so_many_blocks_do_tell_it_four_times_out_of_five():
    """The rule against a simulation of what it promises."""
    deviation, difference = 0.05, 0.05
    blocks = LogRatios(0.0, deviation, 8).blocks_for(difference)
    assert blocks is not None
    random = np.random.default_rng(1)
    found = random.normal(math.log1p(difference), deviation, (20_000, blocks))
    margins = stats.t.ppf(0.975, blocks - 1) * found.std(axis=1, ddof=1) / math.sqrt(blocks)
    told = np.mean(found.mean(axis=1) > margins)
    assert 0.77 <= told <= 0.88
