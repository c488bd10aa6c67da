"""Whether a run may decide anything: base against base, and trials that were invalid. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.arithmetic.holm import Key, rejected
from loadtests.arithmetic.signed_rank import p_greater

#: Hardly ever is a run declared unfit by chance: over all its metrics together.
CONTRAST_LEVEL = 0.01


@dataclass(frozen=True, slots=True)
class Contrasted:
    """What two bases make of one metric.

    Attributes:
        p: of the exact two-sided signed-rank test; 1 where there is no pair.
        rejected: whether the two differ, which they must not.
    """

    p: float
    rejected: bool


def contrasts(
    values: Mapping[Key, Sequence[float]], level: float = CONTRAST_LEVEL
) -> dict[Key, Contrasted]:
    """Whether base differs from base, by metric: then so may head by nothing but the measuring.

    Args:
        values: by metric, of every pair of two bases the logarithm of their ratio; over all cells.
        level: of all metrics together (``holm.rejected``). It takes
            ``power.fewest_pairs(2 * metrics, level)`` pairs to reject anything: at 1 % eight pairs
            of one metric, ten of each of five.
    """
    p_values = {key: _two_sided(pairs) for key, pairs in values.items()}
    differing = rejected(p_values, level)
    return {key: Contrasted(p, key in differing) for key, p in p_values.items()}


def head_invalidates(base_invalid: int, head_invalid: int, level: float = 0.05) -> bool:
    """Whether head's trials are invalid so much more often than base's that head is the reason.

    Trials come in pairs, so that either arm has as many. Were head no reason, each invalid trial
    would as likely be base's: the exact binomial test (of pairs of which just one is invalid, that
    of Q. McNemar, Psychometrika 12, 1947). At 5 % it takes five of head's beside none of base's,
    seven beside one, nine beside two: a difference that is always more than a trial or two.

    Args:
        base_invalid: how many trials of base; without pairs in which both are, which say nothing of
            the difference.
        head_invalid: how many of head, likewise.
        level: of this test; by the number of cells, where each of them is tested.
    """
    trials = base_invalid + head_invalid
    ways = sum(math.comb(trials, count) for count in range(head_invalid, trials + 1))
    return bool(ways / 2**trials <= level)


def _two_sided(values: Sequence[float]) -> float:
    either = min(p_greater(values), p_greater([-value for value in values]))
    return min(1.0, 2 * either)
