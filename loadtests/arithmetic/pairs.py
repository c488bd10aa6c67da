"""Identical servers against each other: how far apart chance alone sets two of them. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.arithmetic.estimates import CONFIDENCE, t_quantile

#: How often a difference of the stated size is to be found where there is one.
POWER = 0.8
_MOST_BLOCKS = 1000


@dataclass(frozen=True, slots=True)
class LogRatios:
    """What the pairs of several blocks say.

    Attributes:
        mean: of the logarithms of the ratios; 0 where both are the same.
        deviation: their standard deviation; about the share by which two of a pair differ.
        count: how many pairs there are.
    """

    mean: float
    deviation: float
    count: int

    @property
    def ratio(self) -> float:
        """The geometric mean of the ratios."""
        return math.exp(self.mean)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Student-t interval of that."""
        margin = t_quantile(CONFIDENCE, self.count - 1) * self.deviation / math.sqrt(self.count)
        return math.exp(self.mean - margin), math.exp(self.mean + margin)

    def blocks_for(self, difference: float) -> int | None:
        """How many blocks tell such a difference from nothing, four times out of five.

        Two-sided paired t-test at 5 % (G. Box, J. Hunter, W. Hunter, "Statistics for
        Experimenters", second edition, chapter 3), with t in place of the normal quantile of power.

        Args:
            difference: 0.1 for a tenth.

        Returns:
            None where a thousand would not do.
        """
        for count in range(2, _MOST_BLOCKS + 1):
            quantiles = t_quantile(CONFIDENCE, count - 1) + t_quantile(2 * POWER - 1, count - 1)
            if quantiles * self.deviation / math.sqrt(count) <= math.log1p(difference):
                return count
        return None


def log_ratios(pairs: Sequence[tuple[float, float]]) -> LogRatios:
    """From the two numbers of each pair.

    Raises:
        ValueError: fewer than two pairs, or a number that is not above 0.
    """
    if len(pairs) < 2:
        raise ValueError("a spread wants two pairs at least")
    logs = [math.log(second / first) for first, second in pairs]
    return LogRatios(statistics.fmean(logs), statistics.stdev(logs), len(logs))
