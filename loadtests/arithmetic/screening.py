"""Which comparisons of two arms are suspect and which are cleared: a screen, looked at often. Pure.

Base and head are treated alike: who swaps them gets the mirror image. Numbers are logarithms of
ratios turned so that above 0 head is worse (``worse_of``). A slowdown by ``detect`` is
``log1p(detect)`` there, a speed-up by as much its negative.

The screen tests without correction and again and again: it says only what is to be confirmed with
fresh pairs (``judging``), and what need not be measured any longer.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy.special import ndtri

from loadtests.arithmetic.holm import Key
from loadtests.arithmetic.power import fewest_pairs
from loadtests.arithmetic.signed_rank import bounds, hodges_lehmann, p_greater
from loadtests.record.words import Better

#: How often fresh pairs are to find a slowdown of just ``detect``.
CONFIRM_POWER = 0.95
#: Fresh pairs beyond those that could just reject if all went one way.
_SPARE = 2
#: For a spread that few pairs tell, and a test that is none of means.
_ALLOWANCE = 1.1


@dataclass(frozen=True, slots=True)
class Rule:
    """How it is decided.

    Attributes:
        detect: the slowdown that is to be found, as a share.
        level: of every test, and of all fresh tests of one direction together.
        first, step, most: pairs at the first look, between looks, and at the last.
        confirm_first, confirm_most: between them lies how many fresh pairs confirm a suspicion.
    """

    detect: float = 0.10
    level: float = 0.05
    first: int = 6
    step: int = 2
    most: int = 24
    confirm_first: int = 12
    confirm_most: int = 24

    def __post_init__(self) -> None:
        """Refuse what decides nothing.

        Raises:
            ValueError: numbers that contradict each other.
        """
        if not (self.detect > 0 and 0 < self.level < 0.5 and self.step >= 1):
            raise ValueError(f"no rule: {self}")
        if not (1 <= self.first <= self.most and 1 <= self.confirm_first <= self.confirm_most):
            raise ValueError(f"a first number of pairs above the most: {self}")

    @property
    def limit(self) -> float:
        """``detect`` as a logarithm."""
        return math.log1p(self.detect)

    @property
    def least(self) -> float:
        """The least estimate that counts, half of ``limit``: 1.0488 times for 10 %.

        Midway between no difference and ``detect``, and of the logarithm, so that it is as far in
        either direction. A slowdown of just ``detect`` passes unless noise takes half of it away;
        one that is far smaller is nobody's alarm, however many pairs prove it.
        """
        return self.limit / 2

    def looks_at(self, pairs: int) -> bool:
        """Whether so many pairs are looked at: the first, every ``step`` from there, the last."""
        if pairs == self.most:
            return True
        return self.first <= pairs < self.most and (pairs - self.first) % self.step == 0


class Standing(StrEnum):
    """What the screen makes of a comparison."""

    OPEN = "open"
    SLOWER = "slower"  #: suspected, and to be confirmed
    FASTER = "faster"  #: the same, the other way
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Screened:
    """Where the screen leaves a comparison.

    Attributes:
        standing: OPEN where more pairs are wanted, or where ``Rule.most`` have not settled it.
        pairs: the first so many decided it; all there are, where it is open.
    """

    standing: Standing
    pairs: int


def worse_of(base: float, head: float, better: Better) -> float:
    """How much worse head is, as a logarithm: above 0 it is.

    Args:
        base: its number.
        head: its number, in the same unit.
        better: which way the metric improves.

    Raises:
        ValueError: a number is not finite and above 0, or the metric improves in neither direction.
    """
    if better is Better.NEITHER or not (0 < base < math.inf and 0 < head < math.inf):
        raise ValueError(f"no better or worse of {base} and {head} ({better})")
    ratio = math.log(head / base)
    return ratio if better is Better.LOWER else -ratio


def look(worse: Sequence[float], rule: Rule) -> Standing:
    """What all these pairs say, if it is their turn to be looked at; else OPEN.

    SLOWER, a suspect: the one-sided p is at most ``level`` and the estimate at least
    ``Rule.least``. FASTER: the same of the negatives. CLEARED: both one-sided bounds lie within
    ``Rule.limit`` of 0. A suspect is none that is cleared, whatever its bounds.

    Args:
        worse: of each pair, see ``worse_of``.
        rule: how it is decided.
    """
    if not rule.looks_at(len(worse)):
        return Standing.OPEN
    estimate = hodges_lehmann(worse)
    if estimate >= rule.least and p_greater(worse) <= rule.level:
        return Standing.SLOWER
    if -estimate >= rule.least and p_greater(times(-1, worse)) <= rule.level:
        return Standing.FASTER
    return Standing.CLEARED if within(worse, rule) else Standing.OPEN


def screened(worse: Sequence[float], rule: Rule) -> Screened:
    """What the looks decide one after the other; the first that decides holds.

    The pairs of a cell go on while one of its metrics is open, and pairs drop out: of what was
    measured beyond its decision a comparison knows nothing.

    Args:
        worse: of each pair in the order of measuring, see ``worse_of``.
        rule: how it is decided.
    """
    for pairs in range(rule.first, min(len(worse), rule.most) + 1):
        standing = look(worse[:pairs], rule)
        if standing is not Standing.OPEN:
            return Screened(standing, pairs)
    return Screened(Standing.OPEN, min(len(worse), rule.most))


def pairs_to_confirm(
    worse: Mapping[Key, Sequence[float]], suspects: Collection[Key], rule: Rule, tests: int = 0
) -> int:
    """How many fresh pairs confirm these suspects: fixed before the first of them is measured.

    ((z(1 - level / tests) + z(0.95)) · s / log1p(detect))² · 1.1, rounded up to an even number,
    with the largest standard deviation s of their screens: so many find a slowdown of ``detect``
    with a power of 95 %, even where it is the first to be held against Holm's level (the sample
    size of a one-sided test of a mean).

    Args:
        worse: of the screen, by comparison.
        suspects: those that the same pairs are to confirm, in both directions.
        rule: how it is decided.
        tests: all suspects of the comparison, which share the level; these alone if fewer are said.

    Returns:
        From ``confirm_first`` to ``confirm_most``, and as many as can reject at all if the latter
        does allow it; 0 where there is no suspect.
    """
    if not suspects:
        return 0
    tests = max(tests, len(suspects))
    spreads = [spread(worse[key][: screened(worse[key], rule).pairs]) for key in suspects]
    needed = pairs_for(rule.limit, max(spreads), rule.level / tests, CONFIRM_POWER)
    # One pair that goes the other way, by little, is not to acquit.
    fewest = fewest_pairs(tests, rule.level) + _SPARE
    least = max(rule.confirm_first, needed, fewest)
    return min(even(least), rule.confirm_most)


def within(worse: Sequence[float], rule: Rule) -> bool:
    """Whether a difference of ``detect`` is excluded, in either direction."""
    low, high = bounds(worse, rule.level)
    return low is not None and high is not None and -rule.limit < low and high < rule.limit


def pairs_for(difference: float, deviation: float, level: float, power: float) -> int:
    """How many pairs a one-sided test of a mean takes, and a little more.

    Args:
        difference: of the logarithms, that is to be found.
        deviation: of a pair's.
        level: of the test.
        power: how often it is found.
    """
    quantiles = -float(ndtri(level)) + float(ndtri(power))
    return math.ceil((quantiles * deviation / difference) ** 2 * _ALLOWANCE)


def spread(worse: Sequence[float]) -> float:
    """Their standard deviation; 0 of one alone."""
    return statistics.stdev(worse) if len(worse) > 1 else 0.0


def even(pairs: int) -> int:
    """So many, or one more: two pairs are measured in mirrored order."""
    return pairs + pairs % 2


def times(sign: int, worse: Sequence[float]) -> list[float]:
    """The same, or with -1 as if base and head were swapped."""
    return [sign * value for value in worse]
