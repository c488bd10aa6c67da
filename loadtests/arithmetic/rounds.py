"""Two that took turns, compared round by round. Pure.

A machine's speed may change by half from one second to the next, and slices of one round lie
closer together than all slices of a trial. A median over messages of both speeds is at the one or
at the other by chance, for each cell by its own. So each round gives a ratio, and what the two
differ by is what most rounds agree on: those in which the speed changed in between are far off on
either side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from loadtests.arithmetic.signed_rank import hodges_lehmann

#: With fewer there is nothing that most of them agree on.
FEWEST = 3
#: Less than anything measured, in whatever unit.
_NOTHING = 1e-15


def log_ratio(base: Mapping[int, float], other: Mapping[int, float]) -> float | None:
    """The logarithm of how many times as much ``other`` has, over their common rounds.

    Hodges and Lehmann's estimate of the rounds' logarithms: as good as their mean where nothing
    disturbs them, and not moved far by a quarter of them that something does.

    Args:
        base: number of the round -> what its slice alone came to.
        other: the same of whoever took turns with it.

    Returns:
        None where they have too few rounds in common, or a number is not above 0.
    """
    common = base.keys() & other.keys()
    if len(common) < FEWEST:
        return None
    pairs = [(base[number], other[number]) for number in common]
    if any(min(pair) <= _NOTHING for pair in pairs):
        return None
    return hodges_lehmann([math.log(two / one) for one, two in pairs])
