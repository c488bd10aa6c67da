"""What a number of pairs can find at all, to be said before anything is measured. Pure."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from loadtests.arithmetic.signed_rank import bounds, hodges_lehmann, smallest_p

#: Draws behind ``detectable``: its shares are right to about two hundredths of themselves.
_DRAWS, _MOST_AVERAGES = 2000, 600_000


def can_reject(pairs: int, comparisons: int, level: float = 0.05) -> bool:
    """Whether so many pairs can prove anything where so many comparisons share a level.

    An exact signed-rank test has no p below 2⁻ⁿ, and Holm's first step asks for ``level`` by the
    number of tests.

    Args:
        pairs: of each comparison.
        comparisons: tested together, one at least.
        level: of all together.
    """
    return smallest_p(pairs) <= level / comparisons


def fewest_pairs(comparisons: int, level: float = 0.05) -> int:
    """The smallest number of pairs that ``can_reject``.

    Args:
        comparisons: tested together, one at least.
        level: of all together.
    """
    return next(pairs for pairs in range(1, 1100) if can_reject(pairs, comparisons, level))


def detectable(
    pairs: int,
    deviation: float,
    *,
    power: float = 0.8,
    least: float = 0.0,
    level: float = 0.05,
) -> float | None:
    """The slowdown that so many fresh pairs convict of with such a power, as a share.

    Simulated from normal noise, always with the same draws: in each, the test rejects from the
    difference on that lifts the lower bound to 0, and the estimate is large enough from the one on
    that lifts it to ``least``; the quantile of the larger of both is what is asked for.

    Args:
        pairs: of the confirmation, not of the screen, which looks more often and finds more.
        deviation: standard deviation of the logarithm of a pair's ratio; 0.03 for 3 %.
        power: how often it is found.
        least: the least estimate that counts, as a logarithm (``Rule.least``).
        level: of this one test: ``Rule.level`` by the number of suspects.

    Returns:
        None where so few pairs can never reject.

    Raises:
        ValueError: a power that is not between 0 and 1, or a deviation below 0.
    """
    if not (0 < power < 1 and deviation >= 0):
        raise ValueError(f"no power: {power}, or no deviation: {deviation}")
    if not can_reject(pairs, 1, level):
        return None
    lows, estimates = _standard(pairs, level)
    wanted = np.maximum(-lows * deviation, least - estimates * deviation)
    return float(np.expm1(max(0.0, np.quantile(wanted, power))))


@lru_cache(maxsize=64)
def _standard(pairs: int, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower bounds and estimates of samples of so many standard normal numbers."""
    averages = pairs * (pairs + 1) // 2
    draws = max(200, min(_DRAWS, _MOST_AVERAGES // averages))
    samples = np.random.default_rng(20261101).standard_normal((draws, pairs)).tolist()
    lows = [low for low in (bounds(sample, level)[0] for sample in samples) if low is not None]
    return np.array(lows), np.array([hodges_lehmann(sample) for sample in samples])
