"""What a ratio with its interval decides between a base and a head. Pure.

One set of verdicts for everything that is compared: the cells of a run ("Best at"), two stored
runs, and the arms of a gate, whose verdicts come with their own test (loadtests.record.gate) and
have their words from here.
"""

from __future__ import annotations

import math

from loadtests.record.words import Better, Verdict
from reports.facts.numbers import times
from reports.facts.stats import Ratio

#: The slowdown that matters where nobody says another, as a share.
SIZE = 0.10
#: So many more measurements are advice; more than these are none.
_MOST = 1000


def slowdown(ratio: float, better: Better) -> float:
    """How many times as slow: the ratio itself, or its inverse where more is better.

    The inverse, and not what is missing to 1: a throughput of 0.91 × means 1.10 × the time for each
    message. So base and head swapped give the inverse, whichever way a metric improves.
    """
    return 1 / ratio if better is Better.HIGHER else ratio


def decide(found: Ratio | None, better: Better, size: float = 0.0) -> Verdict:
    """Faster, slower, a slowdown excluded, or none of these.

    Faster and slower are mirrored exactly when base and head are swapped. They want an interval
    without 1 and at least half of the size that matters: less is nothing to act upon, and it is the
    half since an estimate of something as large as the size falls below it half of the time.

    Args:
        found: head by base.
        better: which way the metric improves; where it has none, nothing is decided.
        size: the slowdown that matters, as a share; 0 where any difference does.
    """
    if found is None or found.low is None or found.high is None or better is Better.NEITHER:
        return Verdict.INCONCLUSIVE
    estimate, enough = slowdown(found.value, better), 1 + size / 2
    if found.apart and estimate > 1 and estimate >= enough:
        return Verdict.SLOWER
    if found.apart and estimate < 1 and 1 / estimate >= enough:
        return Verdict.FASTER
    bound = excluded(found, better)
    return Verdict.EXCLUDED if bound is not None and bound < size else Verdict.INCONCLUSIVE


def excluded(found: Ratio, better: Better) -> float | None:
    """The least slowdown that the interval excludes, as a share: its worse end.

    Returns:
        0 where it excludes any; None where it has no end, or nothing is better.
    """
    if found.low is None or found.high is None or better is Better.NEITHER:
        return None
    return max(0.0, slowdown(found.low if better is Better.HIGHER else found.high, better) - 1)


def wanted(found: Ratio, count: int, size: float) -> int | None:
    """About how many measurements would settle it, if they scatter as these do.

    An interval of logarithms no wider than the size's cannot hold both 1 and the size, so that it
    decides either way; its width goes with the root of the number.

    Args:
        found: what so many say.
        count: how many.
        size: the slowdown that matters, as a share, above 0.

    Returns:
        None where there is no interval, or a thousand would not do.
    """
    if found.low is None or found.high is None or not found.low > 0 or math.isinf(found.high):
        return None
    number = count * (math.log(found.high / found.low) / math.log1p(size)) ** 2
    return max(count + 1, math.ceil(number)) if number <= _MOST else None


def phrase(
    verdict: Verdict,
    found: Ratio | None,
    *,
    bound: float | None = None,
    more: int | None = None,
    noun: str = "pairs",
) -> str:
    """A verdict in words: ``1.12 × [1.08, 1.16], slower``, ``no slowdown of 8 % or more``.

    Args:
        verdict: that of ``decide``, or of a gate.
        found: head by base.
        bound: the slowdown that is excluded, as a share.
        more: about how many measurements would settle it.
        noun: what these are.
    """
    match verdict:
        case Verdict.SLOWER | Verdict.FASTER:
            return str(verdict) if found is None else f"{times(found)}, {verdict}"
        case Verdict.EXCLUDED:
            return _none_of(bound)
        case Verdict.INCONCLUSIVE:
            return (
                "inconclusive" if more is None else f"inconclusive: about {more} {noun} would tell"
            )


def _none_of(bound: float | None) -> str:
    if bound is None:
        return "no slowdown of the stated size"
    # Up, so that what is said is excluded indeed.
    shown = math.ceil(round(bound * 1000, 6)) / 10
    shown = shown if shown < 10 else math.ceil(round(bound * 100, 6))
    return f"no slowdown of {shown:g} % or more" if shown else "no slowdown"
