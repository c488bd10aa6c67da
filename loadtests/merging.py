"""Latency distributions of many users and processes that add up exactly. Pure: no Locust, no clock.

Locust's own statistics round to whole milliseconds below 100 and to two digits above. These are
HdrHistograms: three significant figures from a nanosecond to an hour, and a sum of histograms is
the histogram of all their values, so that nothing is averaged when processes report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram

from loadtests.samples import Nanoseconds

#: Of the reports below; one that bears another number is refused.
FORMAT = 1

HOUR_NS = 3600 * 1_000_000_000
_SIGNIFICANT_FIGURES = 3
#: Values of so many bits have a counter of their own; of longer ones the lower bits are cut off.
_EXACT_BITS = 11


class Measure(StrEnum):
    """What was timed."""

    LATENCY = "latency"  #: from when the message was due to when the kernel had the answer
    SERVICE = "service time"  #: the same from when it really went out
    LATENESS = "lateness"  #: from when it was due to when its connection was given it
    RECEIVE_LAG = "receive lag"  #: from when the kernel had the answer to when it was read


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


@dataclass(slots=True)
class Tally:
    """What was seen of one name.

    Attributes:
        distributions: of what was timed.
        untimed: arrived, but there is no telling when they were due.
        in_flight: were still waited for when their user was stopped.
        lost: messages that nobody answered.
        failed: everything else that went wrong.
    """

    distributions: dict[Measure, Distribution] = field(default_factory=dict)
    untimed: int = 0
    in_flight: int = 0
    lost: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; times in milliseconds with microseconds' digits.

    A quantile is None where it falls among the lost. The counts from ``untimed`` on are None but
    for the latency, since they belong to the name and not to each of its measures.
    """

    type: str
    name: str
    measure: str
    count: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    max_ms: float | None
    untimed: int | None
    in_flight: int | None
    lost: int | None
    failed: int | None


class Board:
    """The tallies of all names, where a name belongs to a request type as Locust's entries do."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}

    def __bool__(self) -> bool:
        """Whether anything was seen."""
        return bool(self._tallies)

    def of(self, request_type: str, name: str) -> Tally:
        """The tally of a name; one that is new is empty."""
        return self._tallies.setdefault((request_type, name), Tally())

    def time(self, request_type: str, name: str, measure: Measure, values_ns: Nanoseconds) -> None:
        """Record times."""
        if len(values_ns):
            found = self.of(request_type, name).distributions
            found.setdefault(measure, Distribution()).record(values_ns)

    def clear(self) -> None:
        """Forget everything."""
        self._tallies.clear()

    def report(self) -> dict[str, Any]:
        """Everything, ready for JSON or MessagePack; ``add`` takes it."""
        return {
            "format": FORMAT,
            "names": [
                {
                    "type": request_type,
                    "name": name,
                    "untimed": tally.untimed,
                    "in_flight": tally.in_flight,
                    "lost": tally.lost,
                    "failed": tally.failed,
                    "measures": {
                        str(measure): {
                            "count": found.count,
                            "max_ns": found.longest_ns,
                            "histogram": found.encode(),
                        }
                        for measure, found in tally.distributions.items()
                    },
                }
                for (request_type, name), tally in self._tallies.items()
            ],
        }

    def take(self) -> dict[str, Any]:
        """The report of all that was seen since the last one."""
        result = self.report()
        self.clear()
        return result

    def add(self, report: dict[str, Any]) -> None:
        """Add what another process has seen.

        Raises:
            ValueError: the report is of another format.
        """
        if report.get("format") != FORMAT:
            raise ValueError(
                f"a latency report of format {report.get('format')!r}, expected {FORMAT}; "
                "do all processes run the same version?"
            )
        for found in report["names"]:
            tally = self.of(found["type"], found["name"])
            tally.untimed += found["untimed"]
            tally.in_flight += found["in_flight"]
            tally.lost += found["lost"]
            tally.failed += found["failed"]
            for measure, each in found["measures"].items():
                own = tally.distributions.setdefault(Measure(measure), Distribution())
                own.add(Distribution.decode(each["histogram"], each["max_ns"]))

    def rows(self) -> list[Row]:
        """The table, by name; a name's latency comes first and bears its counts."""
        return [
            _row(request_type, name, measure, tally)
            for (request_type, name), tally in sorted(self._tallies.items(), key=_by_name)
            for measure in Measure
            if measure in tally.distributions or measure is Measure.LATENCY
        ]


def _by_name(item: tuple[tuple[str, str], Tally]) -> tuple[str, str]:
    (request_type, name), _tally = item
    return name, request_type


def _row(request_type: str, name: str, measure: Measure, tally: Tally) -> Row:
    found = tally.distributions.get(measure, Distribution())
    first = measure is Measure.LATENCY
    # What was never answered is slower than everything that was: it must not make a p99 better.
    unanswered = tally.lost if measure in (Measure.LATENCY, Measure.SERVICE) else 0
    return Row(
        type=request_type,
        name=name,
        measure=str(measure),
        count=found.count,
        p50_ms=_ms(found.quantile_ns(0.5, unanswered)),
        p90_ms=_ms(found.quantile_ns(0.9, unanswered)),
        p99_ms=_ms(found.quantile_ns(0.99, unanswered)),
        p999_ms=_ms(found.quantile_ns(0.999, unanswered)),
        max_ms=_ms(found.longest_ns if found.count else None),
        untimed=tally.untimed if first else None,
        in_flight=tally.in_flight if first else None,
        lost=tally.lost if first else None,
        failed=tally.failed if first else None,
    )


def _ms(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 3)


#: Above the columns of a row.
TITLES = (
    *("type", "name", "measure", "count"),
    *("p50", "p90", "p99", "p99.9", "max"),
    *("untimed", "in flight", "lost", "failed"),
)
_TEXTS = 3


def lines(rows: Sequence[Row]) -> list[str]:
    """The table as text, times in milliseconds; ``-`` is no number, a quantile among the lost."""
    table = [TITLES, *(tuple(_text(each) for each in astuple(row)) for row in rows)]
    widths = [max(len(cells[place]) for cells in table) for place in range(len(TITLES))]
    return [
        "  ".join(
            cell.ljust(width) if place < _TEXTS else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in table
    ]


def _text(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
