"""Numbers of trials -> a mean with its interval. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the trials of one cell say about one metric, in the metric's unit.

    Attributes:
        value: mean over trials.
        low: lower end of the 95 % interval, never below 0; None with fewer than two trials.
        high: its upper end; None with fewer than two trials.
        trials: how many numbers stand behind it.
    """

    value: float
    low: float | None
    high: float | None
    trials: int


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and two-sided 95 % Student-t interval over trials.

    The interval is ``mean ± t(0.975, n-1) * s / sqrt(n)`` (Student, "The probable error of a mean",
    Biometrika 6, 1908; Georges et al. 2007, section 3.2, for few runs of a benchmark). Every
    metric here is non-negative, so a lower end below 0 says nothing and is cut there.

    Args:
        values: one number per trial, all in one unit, at least one.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("an estimate needs at least one trial")
    count = len(values)
    mean = statistics.fmean(values)
    if count < 2:
        return Estimate(mean, None, None, count)
    margin = margin_of(values)
    return Estimate(mean, max(0.0, mean - margin), mean + margin, count)


def margin_of(values: Sequence[float]) -> float:
    """Half the width of the two-sided 95 % Student-t interval of the mean of two or more values."""
    return (
        t_quantile(CONFIDENCE, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    )


def t_quantile(confidence: float, freedom: float) -> float:
    """The two-sided quantile of Student's t with so many degrees of freedom."""
    # The quantile of scipy.stats.t, without the second and a half that scipy.stats takes to load.
    return float(stdtrit(freedom, (1 + confidence) / 2))
