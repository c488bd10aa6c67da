"""Numbers of trials -> estimate and interval.

The unit of replication is the trial, never the message: messages of one trial share a server
process, a generator process and the machine's mood of that minute, so they are not independent
and more of them do not make n larger (A. Georges, D. Buytaert, L. Eeckhout, "Statistically
rigorous Java performance evaluation", OOPSLA 2007, section 3; T. Kalibera, R. Jones, "Rigorous
benchmarking in reasonable time", ISMM 2013).
"""

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
    # The quantile of scipy.stats.t, without the second and a half that scipy.stats takes to load.
    quantile = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
    margin = quantile * statistics.stdev(values) / math.sqrt(count)
    return Estimate(mean, max(0.0, mean - margin), mean + margin, count)


def overlap(one: Estimate, other: Estimate) -> bool | None:
    """Whether two intervals share a point; None where one of them has no interval.

    Intervals that do not overlap are a sufficient sign of a difference, not a necessary one: the
    rule errs towards "not distinguishable" (N. Schenker, J. Gentleman, "On judging the significance
    of differences by examining the overlap between confidence intervals", The American Statistician
    55, 2001).
    """
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None
    return one.low <= other.high and other.low <= one.high
