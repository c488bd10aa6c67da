"""Leaving disturbed slices out flatters nobody, as long as nobody looks at what they say."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from loadtests.arithmetic.disturbance import Choice, Disturbance, Watched, choose, disturbance_of
from loadtests.arithmetic.usage import Usage
from tests.support.machine_speed import server_cpu_us

Floats = NDArray[np.float64]
#: Which slices of a trial count: given what disturbed them, and what they say.
Chooser = Callable[[Sequence[Disturbance | None], Floats], Choice]

TRUE_US = 200.0
SPREAD = 0.05
TRIALS = 800
ERRORS = 6
STOOD_STILL = Disturbance("the load generator stood still (for 100 ms)")
CROWDED = Disturbance("another process used the server's core (30 %)")


def by_cause(found: Sequence[Disturbance | None], _values: Floats) -> Choice:
    return choose(found)


def without_the_slowest(found: Sequence[Disturbance | None], values: Floats) -> Choice:
    """What is not done: as many as were disturbed, but those that look worst."""
    left_out = sum(each is not None for each in found)
    return Choice(tuple(sorted(np.argsort(values)[: max(1, len(values) - left_out)].tolist())))


def without_outliers(_found: Sequence[Disturbance | None], values: Floats) -> Choice:
    """What is not done either: those far above the median."""
    most = np.median(values) * (1 + SPREAD)
    return Choice(tuple(np.flatnonzero(values <= most).tolist()))


def everything(found: Sequence[Disturbance | None], _values: Floats) -> Choice:
    """As if nothing had happened."""
    return Choice(tuple(range(len(found))))


def numbers(
    slices: int, share: float, excess: float, chooser: Chooser = by_cause, seed: int = 1
) -> list[float]:
    """What many trials say whose number is to be trusted.

    Args:
        slices: of each.
        share: of the slices that are disturbed, whatever they would have said.
        excess: how much more CPU time a message takes then.
        chooser: of those that count.
        seed: of what happens.
    """
    rng = np.random.default_rng(seed)
    said = []
    for _ in range(TRIALS):
        disturbed = rng.random(slices) < share
        values = TRUE_US * rng.normal(1, SPREAD, slices) * np.where(disturbed, 1 + excess, 1)
        found = [STOOD_STILL if each else None for each in disturbed.tolist()]
        choice = chooser(found, values)
        if choice.doubt is None:
            pieces = [(Usage(10**9, 0, round(values[place] * 1e6)), 1000) for place in choice.kept]
            said.append(server_cpu_us(pieces))
    return said


def off(said: Sequence[float]) -> float:
    """How many of its standard errors the mean is from the truth, upwards."""
    return float((np.mean(said) - TRUE_US) / (np.std(said, ddof=1) / math.sqrt(len(said))))


@given(
    slices=st.integers(1, 12),
    share=st.floats(0, 0.6),
    excess=st.floats(-0.5, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_mean_over_trials_is_the_truth_without_disturbances(
    slices: int, share: float, excess: float, seed: int
) -> None:
    said = numbers(slices, share, excess, seed=seed)
    assert len(said) > 1
    assert abs(off(said)) < ERRORS


@pytest.mark.parametrize("chooser", [without_the_slowest, without_outliers])
def test_leaving_out_by_value_flatters_and_this_is_seen(chooser: Chooser) -> None:
    # Disturbances that did nothing at all: only the choice can be at fault.
    assert off(numbers(8, 0.3, 0.0, chooser)) < -2 * ERRORS
    assert abs(off(numbers(8, 0.3, 0.0))) < ERRORS


def test_leaving_nothing_out_is_seen_as_well() -> None:
    assert off(numbers(8, 0.3, 0.2, everything)) > 2 * ERRORS


@given(found=st.lists(st.sampled_from([None, None, STOOD_STILL, CROWDED]), min_size=1, max_size=20))
def test_trusted_number_holds_no_disturbed_slice_and_at_least_half_of_all(
    found: list[Disturbance | None],
) -> None:
    choice = choose(found)
    kept = [found[place] for place in choice.kept]
    assert list(choice.kept) == sorted(set(choice.kept))
    assert len(kept) >= len(found) / 2
    if choice.doubt is None:
        assert set(kept) == {None}
        assert len(kept) == found.count(None)
    else:
        assert len(kept) == len(found)
        assert found.count(None) < len(found) / 2


@given(
    found=st.lists(st.sampled_from([None, STOOD_STILL, CROWDED]), min_size=1, max_size=12),
    rng=st.randoms(),
)
def test_choice_does_not_depend_on_when_it_happened(
    found: list[Disturbance | None], rng: random.Random
) -> None:
    places = list(range(len(found)))
    rng.shuffle(places)
    one, other = choose(found), choose([found[place] for place in places])
    assert set(one.kept) == {places[place] for place in other.kept}
    # Of several causes the first is told; how many slices were disturbed is the same.
    assert (one.doubt or "").split(", ")[-1] == (other.doubt or "").split(", ")[-1]


_seconds = st.floats(0, 2)


@given(absent_s=_seconds, others_s=_seconds, waited_s=_seconds, stolen_s=_seconds, off_s=_seconds)
def test_what_was_worse_is_never_judged_milder(
    absent_s: float, others_s: float, waited_s: float, stolen_s: float, off_s: float
) -> None:
    beside: dict[str, float] = {"a": off_s}
    before = Watched(1.0, absent_s, 0.0, stolen_s, others_s, waited_s, beside)
    for worse in (
        replace(before, suspended_s=1.0),
        replace(before, absent_s=absent_s + stolen_s + 1),
        replace(before, others_s=others_s + 1),
        replace(before, waited_s=waited_s + 1),
        replace(before, off_turn_s=beside | {"b": 1.0}),
    ):
        assert disturbance_of(worse) is not None
    if disturbance_of(before) is not None:
        # Stolen time is nobody's fault, and explains nothing but a standstill.
        assert disturbance_of(replace(before, stolen_s=0.0)) is not None
