"""Two that took turns, round by round: what the machine does to a round it does to both."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.rounds import log_ratio
from tests.support.machine_speed import Machine, Shape, both, drift, step, throttle, wave
from tests.support.present import present

numbers = st.dictionaries(st.integers(0, 20), st.floats(1e-3, 1e6), min_size=3, max_size=12)


@given(base=numbers, ratio=st.floats(0.01, 100))
def test_whatever_each_round_was_like_a_constant_ratio_is_found(
    base: Mapping[int, float], ratio: float
) -> None:
    other = {number: value * ratio for number, value in base.items()}
    assert log_ratio(base, other) == pytest.approx(math.log(ratio), abs=1e-9)


@given(base=numbers, other=numbers)
def test_the_other_way_is_the_opposite(
    base: Mapping[int, float], other: Mapping[int, float]
) -> None:
    found, back = log_ratio(base, other), log_ratio(other, base)
    assert (found is None) == (back is None)
    if found is not None:
        assert found == pytest.approx(-present(back), abs=1e-9)


def test_a_round_that_the_machine_spoiled_for_one_of_them_hardly_moves_it() -> None:
    base = dict.fromkeys(range(8), 10.0)
    other = dict.fromkeys(range(8), 11.0) | {3: 90.0}
    assert math.exp(present(log_ratio(base, other))) == pytest.approx(1.1)


def test_only_rounds_that_both_have_count() -> None:
    base = {0: 1.0, 1: 1.0, 2: 1.0, 3: 500.0}
    other = {0: 2.0, 1: 2.0, 2: 2.0, 4: 1e-3}
    assert math.exp(present(log_ratio(base, other))) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("base", "other"),
    [
        ({}, {}),
        ({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0}),
        ({0: 1.0, 1: 1.0, 2: 1.0}, {3: 1.0, 4: 1.0, 5: 1.0}),
        ({0: 1.0, 1: 1.0, 2: 0.0}, {0: 1.0, 1: 1.0, 2: 1.0}),
    ],
    ids=["nothing", "two rounds", "none in common", "a zero"],
)
def test_too_little_says_nothing(base: Mapping[int, float], other: Mapping[int, float]) -> None:
    assert log_ratio(base, other) is None


#: What three cells cost, of which the second is compared with the first.
COSTS_US = (100.0, 120.0, 300.0)
TRUE = math.log(COSTS_US[1] / COSTS_US[0])
BLOCKS, ROUNDS, SLICE_S, PAUSE_S = 200, 7, 0.25, 0.07


def in_turns(shape: Shape, seed: int) -> tuple[list[float], list[float]]:
    """Each block's logarithm of the ratio: round by round, and of the two medians of all slices."""
    rng = np.random.default_rng(seed)
    by_round, of_medians = [], []
    machine = Machine(shape, BLOCKS * ROUNDS * 3 * (SLICE_S + PAUSE_S) + 1, 0.03, rng)
    for _ in range(BLOCKS):
        found: list[dict[int, float]] = [{}, {}, {}]
        order = [0, 1, 2]
        for number in range(ROUNDS):
            if number % 2 == 0:
                rng.shuffle(order)
            for cell in order if number % 2 == 0 else order[::-1]:
                used, messages = machine.saturate(COSTS_US[cell], SLICE_S)
                found[cell][number] = present(used.server_ns) / messages
                machine.pass_time(PAUSE_S)
        by_round.append(present(log_ratio(found[0], found[1])))
        base, other = (statistics.median(each.values()) for each in found[:2])
        of_medians.append(math.log(other / base))
    return by_round, of_medians


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(drift(0.0005), id="drifts"),
        pytest.param(step(300, 0.5), id="steps"),
        pytest.param(wave(3.1, 0.4), id="comes and goes"),
        pytest.param(throttle(3.7, 0.4), id="is fast and slow in turns"),
        pytest.param(both(throttle(9.1, 0.4), wave(1.3, 0.2)), id="does both"),
    ],
)
def test_ratio_is_unbiased_whatever_the_machines_speed_does(shape: Shape) -> None:
    by_round, _ = in_turns(shape, 5)
    error = statistics.stdev(by_round) / math.sqrt(BLOCKS)
    assert statistics.fmean(by_round) == pytest.approx(TRUE, abs=3.5 * error)


def test_on_a_machine_of_two_speeds_medians_scatter_and_rounds_agree() -> None:
    """What this is for: the two speeds of the README's machine, for a second or two each."""
    by_round, of_medians = in_turns(throttle(6.3, 0.4), 5)
    assert statistics.stdev(by_round) < statistics.stdev(of_medians) / 2
