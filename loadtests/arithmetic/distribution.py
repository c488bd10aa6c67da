"""How often which time was seen: the one place that knows HdrHistogram. Pure.

Three significant figures from a nanosecond to an hour, which stands for all that is longer. A sum
of histograms is the histogram of all their values, so nothing is averaged when trials or processes
are taken together, and any HdrHistogram library reads what is stored.
"""

from __future__ import annotations

import binascii
import math
import zlib
from typing import NamedTuple

import numpy as np
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from loadtests.arithmetic.samples import NEVER, Nanoseconds

HOUR_NS = 3600 * 1_000_000_000
_SIGNIFICANT_FIGURES = 3
#: Values of so many bits have a counter of their own; of longer ones the lower bits are cut off.
_EXACT_BITS = 11


class Distribution:
    """How often which time was seen.

    Attributes:
        longest_ns: exact, where a quantile has three significant figures.
    """

    __slots__ = ("_histogram", "longest_ns")

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, HOUR_NS, _SIGNIFICANT_FIGURES)
        self.longest_ns = 0

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(self._histogram.total_count)

    def record(self, values_ns: Nanoseconds) -> None:
        """Add values; what is below a nanosecond or above an hour counts as that."""
        if not len(values_ns):
            return
        values = np.clip(values_ns, 1, HOUR_NS)
        self.longest_ns = max(self.longest_ns, int(values.max()))
        # A call of the library for each counter that is hit, not for each value.
        _, bits = np.frexp(values.astype(np.float64))  # exact: an hour has 42 bits
        cut = np.maximum(bits.astype(np.int64) - _EXACT_BITS, 0)
        hit, counts = np.unique((values >> cut) << cut, return_counts=True)
        for value, times in zip(hit.tolist(), counts.tolist(), strict=True):
            self._histogram.record_value(value, times)

    def add(self, other: Distribution) -> None:
        """Add all values of another."""
        self._histogram.add(other._histogram)
        self.longest_ns = max(self.longest_ns, other.longest_ns)

    def quantile_ns(self, q: float, missing: int = 0) -> int | None:
        """The nearest-rank quantile, to three significant figures.

        Args:
            q: from 0 to 1.
            missing: values that never came; they are beyond every value that did.

        Returns:
            None where there are no values, or the quantile falls among the missing.
        """
        rank = max(math.ceil(q * (self.count + missing)), 1)
        if rank > self.count:
            return None
        counters = np.frombuffer(self._histogram.counts, dtype=np.uint64)
        index = int(np.searchsorted(np.cumsum(counters), rank))
        value = self._histogram.get_value_from_index(index)
        return min(int(self._histogram.get_highest_equivalent_value(value)), self.longest_ns)

    def encode(self) -> str:
        """An HdrHistogram (V2, compressed, base64) that any such library reads."""
        return str(self._histogram.encode().decode())

    @classmethod
    def decode(cls, encoded: str, longest_ns: int) -> Distribution:
        """The distribution that was encoded."""
        result = cls()
        result._histogram.decode_and_add(encoded)
        result.longest_ns = longest_ns
        return result


class Counters(NamedTuple):
    """What a stored histogram holds: the counters that are above 0, by ascending value.

    Attributes:
        values_ns: shape (k,); the highest value that each counter stands for.
        counts: shape (k,).
    """

    values_ns: Nanoseconds
    counts: Nanoseconds


def histogram(values_ns: Nanoseconds) -> str:
    """The values that arrived, encoded; those that never did are left out."""
    found = Distribution()
    found.record(values_ns[values_ns != NEVER])
    return found.encode()


def counters(encoded: str) -> Counters:
    """The counters of an encoded histogram, of whatever range and precision.

    Raises:
        ValueError: it is none.
    """
    try:
        found = HdrHistogram.decode(encoded)
    except (
        HdrCookieException,
        HdrLengthException,
        binascii.Error,
        zlib.error,
        TypeError,
    ) as error:
        raise ValueError(f"not an HdrHistogram: {error}") from error
    counts = np.array(found.counts, dtype=np.int64)
    used = np.flatnonzero(counts)
    values = [
        found.get_highest_equivalent_value(found.get_value_from_index(int(index))) for index in used
    ]
    return Counters(np.array(values, dtype=np.int64), counts[used])
