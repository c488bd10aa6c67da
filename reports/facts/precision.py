"""How small a difference between cells a run could have told from chance."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.record.words import Better, Metric, Status
from reports.facts.rows import Row
from reports.facts.stats import Ratio

#: From here on a difference is told as a factor.
_TWICE = 1.0
#: Half-widths of logarithms; what is wider is no number any more.
_FURTHEST = 20.0


@dataclass(frozen=True, slots=True)
class Precision:
    """What the trials of one row name could have told apart in one metric.

    Attributes:
        difference: the smallest, as a share: 0.04 is 4 %.
    """

    metric: Metric
    difference: float

    def __str__(self) -> str:
        """``throughput 4 %``."""
        if self.difference >= _TWICE:
            return f"{self.metric.title} a factor of {1 + self.difference:.1f}"
        percents = 100 * self.difference
        return f"{self.metric.title} {percents:.0f} %" if percents >= 1 else self._finely(percents)

    def _finely(self, percents: float) -> str:
        return f"{self.metric.title} {max(percents, 0.1):.1f} %"


def told_apart(rows: Iterable[Row], names: Sequence[str]) -> list[Precision]:
    """What could have been told apart in some metrics; only those of which anything is known.

    Args:
        rows: of one row name.
        names: of metrics, in the order wanted.
    """
    ratios: dict[str, list[Ratio]] = {name: [] for name in names}
    metrics: dict[str, Metric] = {}
    for row in rows:
        wanted = row.metric.name in ratios and row.metric.better is not Better.NEITHER
        if wanted and row.status is Status.OK and row.standing:
            if row.standing.reference != row.cell:
                ratios[row.metric.name].append(row.standing.ratio)
            metrics[row.metric.name] = row.metric
    return [
        Precision(metrics[name], difference)
        for name, found in ratios.items()
        if (difference := smallest_difference(found)) is not None
    ]


def smallest_difference(ratios: Iterable[Ratio]) -> float | None:
    """Half the width of the ratios' 95 % intervals, the median of them, as a share.

    A cell that is further than that from the best has an interval that leaves out "the same".
    Widths are of logarithms, in which an interval lies evenly around its ratio.

    Args:
        ratios: of cells to the best.

    Returns:
        None where none has an interval.
    """
    widths = [
        math.log(one.high / one.low) / 2
        for one in ratios
        if one.low and one.high is not None and math.isfinite(one.high)
    ]
    return math.expm1(min(statistics.median(widths), _FURTHEST)) if widths else None
