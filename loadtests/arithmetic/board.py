"""What many users and processes have seen, by name, and the table of it. Pure: no Locust, no clock.

Locust's own statistics round to whole milliseconds below 100 and to two digits above. These are
distributions that add up exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import Any

from loadtests.arithmetic.distribution import Distribution
from loadtests.arithmetic.samples import Nanoseconds

#: Of the reports below; one that bears another number is refused.
FORMAT = 1


class Measure(StrEnum):
    """What was timed."""

    LATENCY = "latency"  #: from when the message was due to when the kernel had the answer
    SERVICE = "service time"  #: the same from when it really went out
    LATENESS = "lateness"  #: from when it was due to when its connection was given it
    RECEIVE_LAG = "receive lag"  #: from when the kernel had the answer to when it was read


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
class BoardLine:
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

    def rows(self) -> list[BoardLine]:
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


def _row(request_type: str, name: str, measure: Measure, tally: Tally) -> BoardLine:
    found = tally.distributions.get(measure, Distribution())
    first = measure is Measure.LATENCY
    # What was never answered is slower than everything that was: it must not make a p99 better.
    unanswered = tally.lost if measure in (Measure.LATENCY, Measure.SERVICE) else 0
    return BoardLine(
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


def lines(rows: Sequence[BoardLine]) -> list[str]:
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
