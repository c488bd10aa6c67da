"""The verdicts on two arms: what the screen cleared, and what fresh pairs convict of. Pure.

A verdict of slower or faster rests on fresh pairs alone, whose number is fixed before: one exact
test of each suspect, corrected for how many there are. So neither looking often nor testing much
makes an identical head slower more often than ``Rule.level``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.arithmetic.holm import Key, rejected
from loadtests.arithmetic.power import fewest_pairs
from loadtests.arithmetic.screening import (
    Rule,
    Screened,
    Standing,
    even,
    pairs_for,
    screened,
    spread,
    times,
    within,
)
from loadtests.arithmetic.signed_rank import bounds, hodges_lehmann, p_greater
from loadtests.record.gate import Evidence
from loadtests.record.words import Better, Verdict

#: How often a number of pairs that is named to a reader is to be enough.
_WANTED_POWER = 0.8
#: A slowdown as large as this is not worth saying that it is excluded: a doubling.
_MOST_EXCLUDED = 1.0
_MOST_PAIRS = 1000

_SUSPECT = {Standing.SLOWER: Verdict.SLOWER, Standing.FASTER: Verdict.FASTER}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a comparison came to.

    Attributes:
        verdict: SLOWER and FASTER are proven by fresh pairs. EXCLUDED: a slowdown of ``detect`` and
            a speed-up of as much are, by the screen, or by the fresh pairs of what it suspected.
        standing: of the screen.
        screen: of the pairs that decided there; None where there is none.
        fresh: of those that a suspicion was to be confirmed with; None without one.
        excluded: the slowdown that the upper bound of what the verdict rests on excludes, as a
            share of base; 0 where even none is, None where it would be a doubling or more.
        wanted_pairs: about how many would settle what is inconclusive; None for anything else,
            where even a thousand would not, and where too few are there to tell.
    """

    verdict: Verdict
    standing: Standing
    screen: Evidence | None
    fresh: Evidence | None
    excluded: float | None
    wanted_pairs: int | None


def evidence(worse: Sequence[float], better: Better, level: float = 0.05) -> Evidence | None:
    """What pairs say, in the metric's own direction: of a rate that fell by a tenth, 0.9.

    Args:
        worse: of each pair, see ``worse_of``.
        better: which way the metric improves.
        level: of each bound.

    Returns:
        None where there is no pair.
    """
    if not worse:
        return None
    sign = -1 if better is Better.HIGHER else 1
    low, high = bounds(times(sign, worse), level)
    return Evidence(
        pairs=len(worse),
        ratio=math.exp(sign * hodges_lehmann(worse)),
        low=None if low is None else math.exp(low),
        high=None if high is None else math.exp(high),
        p_slower=p_greater(worse),
        p_faster=p_greater(times(-1, worse)),
    )


def judge(
    worse: Mapping[Key, Sequence[float]],
    fresh: Mapping[Key, Sequence[float]],
    better: Mapping[Key, Better],
    rule: Rule,
) -> dict[Key, Judged]:
    """The verdict of every comparison.

    A suspect is convicted where the fresh pairs' exact one-sided p passes Holm's procedure over all
    suspects of its direction, and their estimate is at least ``Rule.least``. One that has no fresh
    pairs counts among them, and is inconclusive.

    Args:
        worse: of the screen, by comparison, in the order of measuring; see ``worse_of``.
        fresh: of the pairs that confirm. What is not suspected may be among them, and is ignored.
        better: which way each metric improves.
        rule: how it is decided.
    """
    screens = {key: screened(values, rule) for key, values in worse.items()}
    convicted = {
        **_convicted(screens, fresh, Standing.SLOWER, rule),
        **_convicted(screens, fresh, Standing.FASTER, rule),
    }
    return {
        key: _judged(
            worse[key][: screen.pairs],
            fresh.get(key, ()) if screen.standing in _SUSPECT else None,
            screen.standing,
            convicted.get(key),
            better[key],
            rule,
        )
        for key, screen in screens.items()
    }


def _convicted(
    screens: Mapping[Key, Screened],
    fresh: Mapping[Key, Sequence[float]],
    direction: Standing,
    rule: Rule,
) -> dict[Key, Verdict]:
    """The suspects of one direction that fresh pairs convict."""
    sign = 1 if direction is Standing.SLOWER else -1
    suspects = {
        key: times(sign, fresh.get(key, ()))
        for key, screen in screens.items()
        if screen.standing is direction
    }
    proven = rejected({key: p_greater(pairs) for key, pairs in suspects.items()}, rule.level)
    return {
        key: _SUSPECT[direction] for key in proven if hodges_lehmann(suspects[key]) >= rule.least
    }


def _judged(
    screen: Sequence[float],
    fresh: Sequence[float] | None,
    standing: Standing,
    convicted: Verdict | None,
    better: Better,
    rule: Rule,
) -> Judged:
    """One comparison, of whose fresh pairs it is known whether they convict; None if no suspect."""
    decisive = fresh or screen
    if convicted is not None:
        verdict = convicted
    elif standing is Standing.CLEARED or (fresh and within(fresh, rule)):
        verdict = Verdict.EXCLUDED
    else:
        verdict = Verdict.INCONCLUSIVE
    return Judged(
        verdict=verdict,
        standing=standing,
        screen=evidence(screen, better, rule.level),
        fresh=evidence(fresh or (), better, rule.level),
        excluded=_excluded(decisive, rule),
        wanted_pairs=_wanted(decisive, rule) if verdict is Verdict.INCONCLUSIVE else None,
    )


def _excluded(worse: Sequence[float], rule: Rule) -> float | None:
    _, high = bounds(worse, rule.level)
    share = math.inf if high is None else max(0.0, math.expm1(high))
    return share if share < _MOST_EXCLUDED else None


def _wanted(worse: Sequence[float], rule: Rule) -> int | None:
    """About how many pairs would settle it, if the difference is as large as it seems now."""
    if len(worse) < 2:
        return None
    seems, noise = abs(hodges_lehmann(worse)), spread(worse)
    ways = []
    if seems < rule.limit:
        ways.append(pairs_for(rule.limit - seems, noise, rule.level, _WANTED_POWER))
    if seems >= rule.least:
        ways.append(pairs_for(seems, noise, rule.level, _WANTED_POWER))
    # As many as there were did not do.
    wanted = max(even(min(ways)), even(len(worse) + 1), fewest_pairs(1, rule.level))
    return wanted if wanted <= _MOST_PAIRS else None
