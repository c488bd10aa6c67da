"""From raw times to quantiles and counts. Pure: arrays in, numbers out.

All times are nanoseconds of ``time.monotonic_ns`` in int64 arrays. What never arrived has the time
NEVER, so that it stays in every quantile's denominator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.record.words import Metric

Nanoseconds = NDArray[np.int64]

NEVER = int(np.iinfo(np.int64).max)


def first_arrivals(numbers: Sequence[int], times_ns: Sequence[int], sent: int) -> Nanoseconds:
    """When each of the messages 0 .. sent-1 arrived first; NEVER for those that did not.

    Args:
        numbers: of the arrivals, in the order in which they came; others than 0 .. sent-1 are
            ignored.
        times_ns: of the same arrivals.
        sent: how many messages there are.
    """
    result = np.full(sent, NEVER, dtype=np.int64)
    index = np.asarray(numbers, dtype=np.int64)
    times = np.asarray(times_ns, dtype=np.int64)
    known = (index >= 0) & (index < sent)
    # Backwards, so that the first of several arrivals is written last and stays.
    result[index[known][::-1]] = times[known][::-1]
    return result


def durations(begin_ns: Nanoseconds, end_ns: Nanoseconds) -> Nanoseconds:
    """End minus begin; NEVER where the end is."""
    never = end_ns == NEVER
    return np.where(never, NEVER, np.where(never, 0, end_ns) - begin_ns)


def quantile(values_ns: Nanoseconds, q: float) -> int | None:
    """The nearest-rank quantile: the least value that a share q of all values does not exceed.

    Exact, without interpolation (Hyndman and Fan 1996, definition 1).

    Returns:
        None where there is no value, or the quantile falls among those that never arrived.
    """
    if not len(values_ns):
        return None
    rank = max(math.ceil(q * len(values_ns)), 1) - 1
    value = int(np.partition(values_ns, rank)[rank])
    return None if value == NEVER else value


def quantiles_ms(
    metrics: Mapping[str, Metric], family: str, values_ns: Nanoseconds
) -> dict[str, float | None]:
    """The metrics of a family, from its samples, in milliseconds."""
    return {
        name: milliseconds(quantile(values_ns, metric.quantile))
        for name, metric in metrics.items()
        if metric.family == family and metric.quantile is not None
    }


def milliseconds(nanoseconds: int | None) -> float | None:
    """The same in milliseconds."""
    return None if nanoseconds is None else nanoseconds / 1e6


class Audit(NamedTuple):
    """What one recipient got of what it should have got; see the metrics of broadcast."""

    missing: int
    duplicate: int
    reordered: int


def audit(numbers: Sequence[int], expected: Sequence[int]) -> Audit:
    """Count what is missing, double and out of order in one recipient's stream of one publisher.

    Args:
        numbers: of the messages, in the order in which they came.
        expected: the numbers that count; others are ignored.
    """
    wanted = set(expected)
    seen: set[int] = set()
    duplicate = reordered = 0
    latest = -1
    for number in numbers:
        if number not in wanted:
            continue
        if number in seen:
            duplicate += 1
            continue
        seen.add(number)
        if number < latest:
            reordered += 1
        latest = max(latest, number)
    return Audit(missing=len(wanted) - len(seen), duplicate=duplicate, reordered=reordered)
