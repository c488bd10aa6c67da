"""Turns are fair: on a machine that changes its speed every cell meets all of it alike.

The bounds come from the simulation itself: a mean over blocks that is further from the truth than
six of its standard errors is no chance (less than one in ten million).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loadtests.run.turns import order_of
from tests.support.machine_speed import (
    Block,
    Floats,
    Load,
    Machine,
    Order,
    Shape,
    both,
    drift,
    step,
    throttle,
    wave,
)

#: True costs, far apart: what a cell costs is not to matter.
COSTS_US = {"a": 150.0, "b": 400.0, "c": 900.0, "d": 370.0}
BLOCK = Block(COSTS_US)
BLOCKS = 100
ERRORS = 6
NOISE = 0.01

loads = pytest.mark.parametrize("load", [Machine.saturate, Machine.offer], ids=["closed", "open"])

_depths = st.floats(0.02, 0.35)
_phases = st.floats(0, 1)
#: From a fifth of a slice to twice as long as a whole trial.
_periods_s = st.floats(math.log(BLOCK.slice_s / 5), math.log(2 * BLOCK.lasts_s)).map(math.exp)
simple = st.one_of(
    st.builds(drift, st.floats(0.0, 0.03)),
    st.builds(step, st.floats(0, BLOCK.lasts_s), st.floats(0.5, 1.5)),
    st.builds(wave, _periods_s, _depths, _phases),
    st.builds(throttle, _periods_s, _depths, _phases),
)
shapes = simple | st.builds(both, simple, simple)


def always_alike(labels: list[str], _number: int, _seed: int) -> list[str]:
    """The order that is not to be had: the same in every round."""
    return labels


def machine(block: Block, shape: Shape) -> Machine:
    return Machine(shape, block.lasts_s + 1, NOISE, np.random.default_rng(1))


def in_turns(block: Block, shape: Shape, order: Order = order_of, blocks: int = BLOCKS) -> Floats:
    """Logarithms of measured over true cost: a row for each block, a column for each cell."""
    one, rows = machine(block, shape), []
    for seed in range(blocks):
        one.now_s = 0
        found = block.in_turns(one, order, seed)
        rows.append([math.log(found[label] / cost) for label, cost in block.costs_us.items()])
    return np.array(rows)


def one_after_the_other(block: Block, shape: Shape) -> Floats:
    """The same of trials that have all their load at once, in a random order."""
    one, rows = machine(block, shape), []
    for seed in range(BLOCKS):
        one.now_s = 0
        order = random.Random(seed).sample(list(block.costs_us), len(block.costs_us))
        found = block.one_after_the_other(one, order)
        rows.append([math.log(found[label] / cost) for label, cost in block.costs_us.items()])
    return np.array(rows)


def ratios(errors: Floats) -> list[Floats]:
    """Over blocks, how far the logarithm of a ratio is from the truth, for each two cells."""
    return [errors[:, one] - errors[:, two] for one, two in combinations(range(errors.shape[1]), 2)]


def off(ratio: Floats) -> float:
    """How many of its standard errors the mean is from the truth."""
    return float(abs(ratio.mean()) / (ratio.std(ddof=1) / math.sqrt(len(ratio))))


def spread(errors: Floats) -> float:
    """The greatest standard deviation of a ratio."""
    return max(float(ratio.std(ddof=1)) for ratio in ratios(errors))


# --- no bias


@loads
@settings(max_examples=settings().max_examples // 2)
@example(shape=drift(0.02))
@example(shape=wave(BLOCK.round_s, 0.3))
@example(shape=throttle(2 * BLOCK.round_s, 0.3, 0.1))
@given(shape=shapes)
def test_no_ratio_is_biased_whatever_the_machine_does(load: Load, shape: Shape) -> None:
    errors = in_turns(Block(COSTS_US, load=load), shape)
    assert max(map(off, ratios(errors))) < ERRORS


@loads
@given(shape=simple, start=st.permutations(sorted(COSTS_US)), rounds=st.integers(1, 7))
def test_it_does_not_matter_who_started_first_or_how_many_rounds_there_are(
    load: Load, shape: Shape, start: list[str], rounds: int
) -> None:
    costs_us = {label: COSTS_US[label] for label in start}
    errors = in_turns(Block(costs_us, rounds=rounds, load=load), shape)
    assert max(map(off, ratios(errors))) < ERRORS


@pytest.mark.parametrize("shape", [drift(0.01), wave(BLOCK.round_s, 0.1), step(8, 0.8)])
def test_an_order_that_never_changes_is_biased_and_this_is_seen(shape: Shape) -> None:
    assert max(map(off, ratios(in_turns(BLOCK, shape, always_alike)))) > 2 * ERRORS


def test_turns_of_unequal_length_cost_no_more_than_the_drift_within_their_difference() -> None:
    # What a cell waits for after its slice, as polling does, has its slices lie a bit earlier.
    longest_s, per_s = 0.3, 0.01
    uneven = Block(COSTS_US, drains_s={"a": 0.0, "b": 0.02, "c": longest_s, "d": 0.1})
    for ratio in ratios(in_turns(uneven, drift(per_s), blocks=400)):
        error = ratio.std(ddof=1) / math.sqrt(len(ratio))
        slowest = 1 - per_s * uneven.lasts_s
        assert abs(ratio.mean()) < per_s * longest_s / 2 / slowest + ERRORS * error


# --- little spread


@loads
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(drift(0.01), id="grows warm"),
        pytest.param(step(9, 0.8), id="slower from then on"),
        pytest.param(wave(8 * BLOCK.round_s, 0.2), id="eight rounds"),
        pytest.param(wave(25 * BLOCK.round_s, 0.3), id="longer than a trial"),
        pytest.param(throttle(15 * BLOCK.round_s, 0.3, 0.2), id="throttled"),
    ],
)
def test_what_changes_slowly_spreads_ratios_far_less_than_trials_one_after_the_other(
    load: Load, shape: Shape
) -> None:
    block = Block(COSTS_US, load=load)
    assert spread(in_turns(block, shape)) < spread(one_after_the_other(block, shape)) / 5


@given(shape=st.builds(wave, _periods_s, _depths, _phases))
def test_what_is_in_step_with_the_rounds_spreads_them_no_more_than_half_as_many_slices(
    shape: Shape,
) -> None:
    # A round and its mirror image may meet the same speeds; the next two have another order.
    times_s = np.arange(0, BLOCK.lasts_s, 0.01)
    of_slices = float(np.log(shape(times_s)).std())
    drawn_without_return = math.sqrt(len(COSTS_US) / (len(COSTS_US) - 1))
    bound = drawn_without_return * of_slices * math.sqrt(2 / (BLOCK.rounds / 2))
    noise = NOISE * math.sqrt(2 / BLOCK.rounds)
    # A standard deviation from so many blocks is itself known to a fourteenth.
    assert spread(in_turns(BLOCK, shape)) < 1.5 * math.hypot(bound, noise)


# --- the order itself


@given(cells=st.integers(1, 9), number=st.integers(0, 50), seed=st.integers(0, 2**32 - 1))
def test_in_each_two_rounds_everybody_is_as_early_as_late(
    cells: int, number: int, seed: int
) -> None:
    labels = [f"cell {place}" for place in range(cells)]
    one, other = (order_of(labels, 2 * number + half, seed) for half in (0, 1))
    assert sorted(one) == sorted(other) == labels
    assert {one.index(label) + other.index(label) for label in labels} == {cells - 1}


def test_every_order_comes_equally_often() -> None:
    labels, count = ["a", "b", "c"], 3000
    found = Counter(tuple(order_of(labels, 2 * number, 7)) for number in range(count))
    expected = count / math.factorial(len(labels))
    assert set(found) == set(permutations(labels))
    # Six standard deviations of a binomial count.
    assert max(abs(each - expected) for each in found.values()) < ERRORS * math.sqrt(expected)


def test_nobody_follows_the_same_cell_more_often_than_another() -> None:
    labels, count = ["a", "b", "c", "d"], 3000
    turns: list[str] = []
    for number in range(count):
        turns += order_of(labels, number, 7)
    # Its mirror image begins a round with whom the one before it ended with.
    followers = Counter(pairwise(turns))
    pairs = [followers[one, two] for one in labels for two in labels if one != two]
    expected = sum(pairs) / len(pairs)
    assert max(abs(each - expected) for each in pairs) < ERRORS * math.sqrt(2 * expected)
