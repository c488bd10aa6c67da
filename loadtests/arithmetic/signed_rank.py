"""Wilcoxon's signed-rank test, exactly, with the estimate and the bounds that belong to it. Pure.

F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1, 1945. Under the
hypothesis every value is as likely as its negative; nothing else is assumed of how they are
distributed. R's ``wilcox.test(exact=TRUE, conf.int=TRUE)`` gives the same
(tests/data/signed_rank.R).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]


def p_greater(values: Sequence[float]) -> float:
    """How likely values are to lie as far above 0 as these where they lie around 0.

    Equal sizes share the mean of their ranks, and a zero is ranked and then left out, since it has
    no sign (J. Pratt, "Remarks on zeros and ties in the Wilcoxon signed rank procedures", Journal
    of the American Statistical Association 54, 1959): so the sum of ranks is the number of
    ``bounds``' averages above 0. Given those ranks the probability is exact, ties or not.

    Args:
        values: in any unit; as many as a hundred take milliseconds.

    Returns:
        The one-sided p, from ``smallest_p`` to 1; 1 where there is no value but zeros. That values
        lie below 0 is the same of their negatives.

    Raises:
        ValueError: a value is no finite number.
    """
    array = _finite(values)
    sizes = np.abs(array)
    ordered = np.sort(sizes)
    # Twice the mean of the ranks that equal sizes take up, which is a whole number.
    ranks = np.searchsorted(ordered, sizes) + np.searchsorted(ordered, sizes, "right") + 1
    tail = _tail(tuple(np.sort(ranks[array != 0]).tolist()))
    return float(tail[int(ranks[array > 0].sum())])


def hodges_lehmann(values: Sequence[float]) -> float:
    """The median of all averages of two values, each value with itself among them.

    J. Hodges and E. Lehmann, "Estimates of location based on rank tests", Annals of Mathematical
    Statistics 34, 1963: where the signed-rank test sees as much above as below.

    Args:
        values: one at least.

    Returns:
        In the values' unit.

    Raises:
        ValueError: there is no value, or one that is no finite number.
    """
    if not len(values):
        raise ValueError("an estimate wants one value at least")
    return float(np.median(_averages(_finite(values))))


def bounds(values: Sequence[float], level: float = 0.05) -> tuple[float | None, float | None]:
    """What the test excludes from below and from above.

    The lower bound is the least shift of which, once it is subtracted, ``p_greater`` is no longer
    at most ``level``: it is above 0 if and only if ``p_greater(values) <= level``. The upper one is
    its mirror image. They are two of the averages in order (M. Hollander, D. Wolfe, E. Chicken,
    "Nonparametric Statistical Methods", third edition, section 3.3). Where sizes are equal they are
    those of ranks without ties, and only then can test and bound differ by a step.

    Args:
        values: in any unit.
        level: how often a bound may be wrong, each for itself.

    Returns:
        Lower and upper, in the values' unit; None where so few values exclude nothing at all.

    Raises:
        ValueError: a value is no finite number, or ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level is between 0 and 1, not {level}")
    array = _finite(values)
    place = _place(len(array), level)
    if place is None:
        return None, None
    averages = np.sort(_averages(array))
    return float(averages[place]), float(averages[-1 - place])


def smallest_p(count: int) -> float:
    """The p of so many values that are all above 0: no exact test of them has a smaller one."""
    return 2.0**-count


def _finite(values: Sequence[float]) -> _Floats:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("a value is no finite number")
    return array


def _averages(array: _Floats) -> _Floats:
    """Of every two values, each with itself among them; in no order."""
    first, second = _pairs(len(array))
    averages: _Floats = (array[first] + array[second]) / 2
    return averages


@lru_cache(maxsize=128)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(count)


@lru_cache(maxsize=256)
def _tail(ranks: tuple[int, ...]) -> _Floats:
    """By sum of ranks: how likely that sum or a larger one is, each rank being in it or not."""
    chances = np.ones(1)
    for rank in ranks:
        longer = np.zeros(len(chances) + rank)
        longer[: len(chances)] = chances
        longer[rank:] += chances
        chances = longer / 2
    # Summed from the rare end, where digits would be lost.
    tail: _Floats = np.minimum(chances[::-1].cumsum()[::-1], 1.0)
    return tail


@lru_cache(maxsize=256)
def _place(count: int, level: float) -> int | None:
    """Which of the averages in ascending order is the lower bound, from 0."""
    tail = _tail(tuple(range(1, count + 1)))
    rejecting = np.flatnonzero(tail <= level)
    return len(tail) - 1 - int(rejecting[0]) if len(rejecting) else None
