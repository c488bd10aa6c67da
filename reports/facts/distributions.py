"""Stored HdrHistograms -> arrays that can be drawn.

Distributions are merged, percentiles never averaged. A merged distribution shows the shape of what
messages met; its percentiles carry no interval, since messages are not the unit of replication.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy
from numpy.typing import NDArray

from loadtests.arithmetic.distribution import counters
from reports.facts.errors import ReportError
from reports.facts.rows import RowTrial

_NS_PER_MS = 1e6
Floats = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """How often each value occurred.

    Attributes:
        values_ms: shape (k,), ascending, each once; of the histogram's resolution.
        counts: shape (k,), all above 0.
        expected: how many samples there would be had nothing been lost; at least their sum.
    """

    values_ms: Floats
    counts: Floats
    expected: float

    @property
    def total(self) -> float:
        """How many samples there are."""
        return float(self.counts.sum())

    @property
    def arrived(self) -> float:
        """The share of what was expected that there is: where its percentiles end."""
        return self.total / self.expected if self.expected else 0.0

    def at(self, quantiles: Floats) -> Floats:
        """The smallest value that at least this share of what was expected does not exceed, in ms.

        What was lost is slower than everything that arrived, as in
        ``loadtests.arithmetic.samples.quantile``.

        Args:
            quantiles: shares from 0 to 1, any shape; the result has the same, and NaN where the
                quantile falls among what was lost.
        """
        # Rounded first: 0.07 * 100 is 7.000000000000001, and its rank is 7.
        targets = numpy.maximum(numpy.ceil(numpy.round(quantiles * self.expected, 6)), 1)
        positions = numpy.searchsorted(numpy.cumsum(self.counts), targets)
        found: Floats = numpy.append(self.values_ms, numpy.nan)[positions]
        return found


def distribution_of(outcomes: Sequence[RowTrial], family: str) -> Shape | None:
    """The distribution of all trials of a cell together; None where no trial has one.

    Raises:
        ReportError: a stored histogram cannot be decoded.
    """
    found = _stored(outcomes, family)
    together = merged(found) if found else None
    return together if together and together.total else None


def trial_distributions(outcomes: Sequence[RowTrial], family: str) -> list[Shape]:
    """The distribution of every trial that has a non-empty one, in the order of trials.

    Raises:
        ReportError: a stored histogram cannot be decoded.
    """
    return [one for one in _stored(outcomes, family) if one.total]


def _stored(outcomes: Sequence[RowTrial], family: str) -> list[Shape]:
    """Those of all trials, the empty ones too: a trial that lost everything has lost something."""
    found = []
    for outcome in outcomes:
        if outcome.measurement and (text := outcome.measurement.distributions.get(family)):
            where = f"trial {outcome.planned.number}, {family}"
            found.append(decoded(text, where, outcome.measurement.samples.get(family, 0)))
    return found


#: A distribution is drawn several times; so many are those of a large run.
@lru_cache(maxsize=512)
def decoded(text: str, where: str, expected: int = 0) -> Shape:
    """Decode an HdrHistogram of nanoseconds (V2, compressed, base64).

    Args:
        text: as it stands in the result file.
        where: what to call it in an error.
        expected: how many samples there would be had nothing been lost; as many as it holds if
            that is more.

    Raises:
        ReportError: it is none.
    """
    try:
        found = counters(text)
    except ValueError as error:
        raise ReportError(
            f"the result is damaged: {where} is not an HdrHistogram; run the experiment again"
        ) from error
    counts = found.counts.astype(numpy.float64)
    return Shape(
        found.values_ns.astype(numpy.float64) / _NS_PER_MS,
        counts,
        max(float(expected), float(counts.sum())),
    )


def merged(distributions: Sequence[Shape]) -> Shape:
    """One distribution of all samples.

    Concatenating values is HdrHistogram's own ``add`` without its wish that both have one range.
    """
    values = numpy.concatenate([one.values_ms for one in distributions])
    counts = numpy.concatenate([one.counts for one in distributions])
    unique, positions = numpy.unique(values, return_inverse=True)
    weights = numpy.bincount(positions, weights=counts).astype(numpy.float64)
    return Shape(unique, weights, sum(one.expected for one in distributions))


def density(distribution: Shape, edges_ms: Floats) -> Floats:
    """Samples per bin, smoothed, its highest point 1.

    Meant for logarithmic bins. The smoothing (a triangle of five bins) only takes away the
    histogram's own steps.

    Args:
        distribution: of any range; what lies outside the bins is not shown.
        edges_ms: shape (k + 1,), ascending.

    Returns:
        Shape (k,).
    """
    heights, _ = numpy.histogram(distribution.values_ms, edges_ms, weights=distribution.counts)
    kernel = numpy.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
    smooth = numpy.convolve(heights, kernel, mode="same")
    peak = float(smooth.max())
    found: Floats = smooth / peak if peak else smooth
    return found
