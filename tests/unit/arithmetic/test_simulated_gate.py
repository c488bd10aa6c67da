"""How often the whole procedure is wrong, and how often it finds what is there: simulated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from loadtests.arithmetic.screening import Rule
from loadtests.arithmetic.signed_rank import p_greater
from loadtests.arithmetic.simulated_gate import Arms, Noise, Order, Run, pairs, simulated
from loadtests.record.words import Verdict

#: Slowed: the metrics of one cell.
CELL = frozenset({0, 1, 2})


def runs(arms: Arms, rule: Rule, count: int, seed: int = 1) -> list[Run]:
    random = np.random.default_rng(seed)
    return [simulated(arms, rule, random) for _ in range(count)]


def most_by_chance(share: float, count: int) -> int:
    """How often something of that probability happens, but in one of a thousand such tests."""
    return int(stats.binom.ppf(0.999, count, share))


def false_alarms(noise: Noise, order: Order, deviation: float, count: int) -> int:
    found = runs(Arms(noise=noise, order=order, deviation=deviation), Rule(), count)
    return sum(bool(run.found(Verdict.SLOWER)) for run in found)


def allowed(noise: Noise, order: Order) -> float:
    """The level, and what ``Order`` says of pairs that share a toss."""
    shared = (noise, order) == (Noise.AUTOCORRELATED, Order.QUARTETS)
    return 0.065 if shared else 0.05


@pytest.mark.parametrize("deviation", [0.03, 0.15], ids=["quiet", "very noisy"])
@pytest.mark.parametrize("noise", list(Noise))
@pytest.mark.parametrize("order", list(Order))
def test_identical_arms_are_hardly_ever_called_slower(order, noise, deviation):
    alarms = false_alarms(noise, order, deviation, 100)
    assert alarms <= most_by_chance(allowed(noise, order), 100)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("deviation", [0.05, 0.10, 0.15])
@pytest.mark.parametrize("noise", list(Noise))
@pytest.mark.parametrize("order", list(Order))
def test_identical_arms_are_hardly_ever_called_slower_in_a_thousand_runs(order, noise, deviation):
    alarms = false_alarms(noise, order, deviation, 1000)
    assert alarms <= most_by_chance(allowed(noise, order), 1000)


@pytest.mark.parametrize("noise", list(Noise))
def test_a_toss_for_each_pair_keeps_the_level_whatever_the_noise_is_like(noise):
    """Of a single test of twelve pairs: 4.6 %, as ranks have it."""
    worse = pairs(Arms(comparisons=4000, noise=noise), 12, np.random.default_rng(1)).tolist()
    rejecting = sum(p_greater(row) <= 0.05 for row in worse)
    assert rejecting <= most_by_chance(0.0462, 4000)


@pytest.mark.parametrize(("slowdown", "rule"), [(0.10, Rule()), (0.05, Rule(detect=0.05))])
def test_a_slowdown_of_one_cell_is_found_where_servers_take_turns(slowdown, rule):
    """Of each of its metrics, not of just any."""
    found = runs(Arms(deviation=0.03, slowed=dict.fromkeys(CELL, slowdown)), rule, 100)
    for metric in CELL:
        assert sum(metric in run.found(Verdict.SLOWER) for run in found) >= 90


def test_what_is_slower_by_all_of_it_is_hardly_ever_excluded():
    found = runs(Arms(deviation=0.05, slowed=dict.fromkeys(CELL, 0.10)), Rule(), 100)
    missed = sum(bool(CELL & run.found(Verdict.EXCLUDED)) for run in found)
    assert missed <= most_by_chance(0.05, 100)


def test_a_faster_head_is_not_called_slower():
    found = runs(Arms(comparisons=10, slowed=dict.fromkeys(range(10), -0.10)), Rule(), 30)
    assert sum(len(run.found(Verdict.SLOWER)) for run in found) == 0
    assert sum(len(run.found(Verdict.FASTER)) for run in found) >= 0.9 * 300


def test_pairs_say_the_slowdown_that_is_there():
    worse = pairs(Arms(comparisons=2, slowed={1: 0.10}), 20_000, np.random.default_rng(1))
    assert worse.shape == (2, 20_000)
    assert worse.mean(axis=1).tolist() == pytest.approx([0.0, np.log(1.1)], abs=1e-3)


@pytest.mark.parametrize("noise", list(Noise))
@pytest.mark.parametrize("order", list(Order))
def test_a_pair_is_about_as_noisy_as_was_asked(order, noise):
    arms = Arms(comparisons=2000, deviation=0.05, noise=noise, order=order)
    worse = pairs(arms, 24, np.random.default_rng(1))
    drifting = (noise, order) == (Noise.DRIFTING, Order.QUARTETS)
    assert worse.std() == pytest.approx(0.05 * (1.1 if drifting else 1.0), rel=0.08)


def test_an_odd_number_of_pairs_is_that_many():
    for order in Order:
        worse = pairs(Arms(comparisons=3, order=order), 7, np.random.default_rng(1))
        assert worse.shape == (3, 7)


def test_a_run_says_what_it_took():
    (run,) = runs(Arms(comparisons=10, deviation=0.02, slowed={0: 0.2}), Rule(), 1)
    assert run.found(Verdict.SLOWER) == {0}
    assert run.settled[0] == 6
    assert run.screened[0] == max(run.settled[:5])
    assert run.confirmed == [12, 0]
