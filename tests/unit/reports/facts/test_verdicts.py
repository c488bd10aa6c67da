"""One set of verdicts: what a ratio with its interval decides, and the words for it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from loadtests.record.words import Better, Verdict
from reports.facts.stats import Ratio
from reports.facts.verdicts import decide, excluded, phrase, slowdown, wanted

LOWER, HIGHER, NEITHER = Better.LOWER, Better.HIGHER, Better.NEITHER
SLOWER, FASTER, EXCLUDED, OPEN = (
    Verdict.SLOWER,
    Verdict.FASTER,
    Verdict.EXCLUDED,
    Verdict.INCONCLUSIVE,
)
SWAPPED = {SLOWER: FASTER, FASTER: SLOWER}


@pytest.mark.parametrize(
    ("ratio", "better", "verdict"),
    [
        (Ratio(1.12, 1.08, 1.16), LOWER, SLOWER),
        (Ratio(1.12, 1.08, 1.16), HIGHER, FASTER),
        (Ratio(0.88, 0.85, 0.91), HIGHER, SLOWER),
        (Ratio(0.88, 0.85, 0.91), LOWER, FASTER),
        # An interval that holds 1, and ends below the size, or beyond it.
        (Ratio(1.01, 0.97, 1.05), LOWER, EXCLUDED),
        (Ratio(1.04, 0.97, 1.12), LOWER, OPEN),
        (Ratio(0.97, 0.95, 1.02), HIGHER, EXCLUDED),
        (Ratio(0.97, 0.88, 1.02), HIGHER, OPEN),
        # Apart from 1, and too small to act upon.
        (Ratio(1.03, 1.01, 1.05), LOWER, EXCLUDED),
        (Ratio(0.98, 0.97, 0.99), LOWER, EXCLUDED),
        # No interval, no better: nothing.
        (Ratio(2.0, None, None), LOWER, OPEN),
        (Ratio(2.0, 1.9, 2.1), NEITHER, OPEN),
        (None, LOWER, OPEN),
        # A bound of infinity.
        (Ratio(2.0, 0.01, math.inf), LOWER, OPEN),
    ],
)
def test_a_slowdown_of_a_tenth_matters(
    ratio: Ratio | None, better: Better, verdict: Verdict
) -> None:
    assert decide(ratio, better, 0.10) is verdict


def test_without_a_size_any_difference_is_one() -> None:
    assert decide(Ratio(1.001, 1.0005, 1.002), LOWER) is SLOWER
    assert decide(Ratio(1.001, 0.999, 1.002), LOWER) is OPEN


numbers = some.floats(min_value=1e-3, max_value=1e3)


@given(
    ends=some.tuples(numbers, numbers, numbers).map(sorted),
    better=some.sampled_from([LOWER, HIGHER]),
    size=some.floats(min_value=0, max_value=1),
)
def test_swapping_base_and_head_mirrors_slower_and_faster(
    ends: list[float], better: Better, size: float
) -> None:
    low, value, high = ends
    one = decide(Ratio(value, low, high), better, size)
    other = decide(Ratio(1 / value, 1 / high, 1 / low), better, size)
    if Verdict.SLOWER in (one, other) or Verdict.FASTER in (one, other):
        # 1 / (1 / x) may be another number than x: not at the very edge of the size.
        worse = slowdown(value, better)
        if abs(max(worse, 1 / worse) / (1 + size / 2) - 1) > 1e-9 and low != 1 and high != 1:
            assert other is SWAPPED[one]


@given(
    logarithm=some.floats(-0.5, 0.5),
    margin=some.floats(1e-6, 1.0),
    size=some.floats(0.01, 1.0),
    count=some.integers(2, 20),
)
def test_as_many_as_are_wanted_decide_if_they_scatter_the_same(
    logarithm: float, margin: float, size: float, count: int
) -> None:
    found = Ratio(math.exp(logarithm), math.exp(logarithm - margin), math.exp(logarithm + margin))
    number = wanted(found, count, size)
    if decide(found, LOWER, size) is OPEN and number is not None:
        narrower = margin * math.sqrt(count / number)
        settled = Ratio(found.value, math.exp(logarithm - narrower), math.exp(logarithm + narrower))
        beyond = logarithm - narrower > 0 and found.value < 1 + size / 2
        assert decide(settled, LOWER, size) is not OPEN or beyond


def test_where_a_thousand_would_not_do_no_number_is_said() -> None:
    assert wanted(Ratio(1.0, 0.1, 10.0), 3, 0.1) is None
    assert wanted(Ratio(1.0, None, None), 1, 0.1) is None


@pytest.mark.parametrize(
    ("verdict", "ratio", "more", "words"),
    [
        (SLOWER, Ratio(1.12, 1.08, 1.16), {}, "1.12 × [1.08, 1.16], slower"),
        (FASTER, Ratio(0.9, 0.85, 0.94), {}, "0.90 × [0.85, 0.94], faster"),
        (FASTER, None, {}, "faster"),
        (EXCLUDED, None, {"bound": 0.08}, "no slowdown of 8 % or more"),
        (EXCLUDED, None, {"bound": 0.0791}, "no slowdown of 8 % or more"),
        (EXCLUDED, None, {"bound": 0.0742}, "no slowdown of 7.5 % or more"),
        (EXCLUDED, None, {"bound": 0.1201}, "no slowdown of 13 % or more"),
        (EXCLUDED, None, {"bound": 0.0}, "no slowdown"),
        (EXCLUDED, None, {}, "no slowdown of the stated size"),
        (OPEN, None, {"more": 18}, "inconclusive: about 18 pairs would tell"),
        (OPEN, None, {}, "inconclusive"),
    ],
)
def test_words(verdict: Verdict, ratio: Ratio | None, more: dict[str, float], words: str) -> None:
    assert phrase(verdict, ratio, **more) == words  # type: ignore[arg-type]


def test_what_is_excluded_is_the_worse_end_of_the_interval() -> None:
    assert excluded(Ratio(1.0, 0.95, 1.05), LOWER) == pytest.approx(0.05)
    assert excluded(Ratio(1.0, 0.8, 1.05), HIGHER) == pytest.approx(0.25)
    assert excluded(Ratio(0.9, 0.85, 0.95), LOWER) == 0
    assert excluded(Ratio(0.9, None, None), LOWER) is None
