"""Stored HdrHistograms -> arrays that can be drawn.

Distributions are merged, percentiles never averaged. A merged distribution shows the shape of what
messages met; its percentiles carry no interval, since messages are not the unit of replication.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from reports.errors import ReportError
from reports.rows import Outcome

_NS_PER_MS = 1e6
Floats = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often each value occurred.

    Attributes:
        values_ms: shape (k,), ascending, each once; of the histogram's resolution.
        counts: shape (k,), all above 0.
    """

    values_ms: Floats
    counts: Floats

    @property
    def total(self) -> float:
        """How many samples there are."""
        return float(self.counts.sum())

    def at(self, quantiles: Floats) -> Floats:
        """The smallest value that at least this share of the samples does not exceed, in ms.

        Args:
            quantiles: shares from 0 to 1, any shape; the result has the same.
        """
        targets = numpy.maximum(numpy.ceil(quantiles * self.total), 1)
        positions = numpy.searchsorted(numpy.cumsum(self.counts), targets)
        found: Floats = self.values_ms[numpy.minimum(positions, len(self.values_ms) - 1)]
        return found


def distribution_of(outcomes: Sequence[Outcome], family: str) -> Distribution | None:
    """The distribution of all trials of a cell together; None where no trial has one.

    Raises:
        ReportError: a stored histogram cannot be decoded.
    """
    found = trial_distributions(outcomes, family)
    return merged(found) if found else None


def trial_distributions(outcomes: Sequence[Outcome], family: str) -> list[Distribution]:
    """The distribution of every trial that has a non-empty one, in the order of trials.

    Raises:
        ReportError: a stored histogram cannot be decoded.
    """
    found = []
    for outcome in outcomes:
        text = outcome.measurement.distributions.get(family) if outcome.measurement else None
        if text:
            where = f"trial {outcome.planned.number}, {family}"
            distribution = decoded(text, where)
            if distribution.total:
                found.append(distribution)
    return found


def decoded(text: str, where: str) -> Distribution:
    """Decode an HdrHistogram of nanoseconds (V2, compressed, base64).

    Args:
        text: as it stands in the result file.
        where: what to call it in an error.

    Raises:
        ReportError: it is none.
    """
    try:
        histogram = HdrHistogram.decode(text)
    except (
        HdrCookieException,
        HdrLengthException,
        binascii.Error,
        zlib.error,
        TypeError,
        ValueError,
    ) as error:
        raise ReportError(
            f"the result is damaged: {where} is not an HdrHistogram; run the experiment again"
        ) from error
    counts = numpy.array(histogram.counts, dtype=numpy.float64)
    used = numpy.flatnonzero(counts)
    values = [
        histogram.get_highest_equivalent_value(histogram.get_value_from_index(int(index)))
        for index in used
    ]
    return Distribution(numpy.array(values, dtype=numpy.float64) / _NS_PER_MS, counts[used])


def merged(distributions: Sequence[Distribution]) -> Distribution:
    """One distribution of all samples.

    Concatenating values is HdrHistogram's own ``add`` without its wish that both have one range.
    """
    values = numpy.concatenate([one.values_ms for one in distributions])
    counts = numpy.concatenate([one.counts for one in distributions])
    unique, positions = numpy.unique(values, return_inverse=True)
    return Distribution(unique, numpy.bincount(positions, weights=counts).astype(numpy.float64))


def density(distribution: Distribution, edges_ms: Floats) -> Floats:
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
