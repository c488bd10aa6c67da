"""What is said about a client that stops reading: what gathers for it, and who else notices."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.reader import SCENARIO
from loadtests.scenarios.reader_numbers import Reads
from reports.charts import dots, whiskers
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell, Row, row_names
from reports.facts.run import Facts
from reports.sections.section import Section

NAME = SCENARIO.name
_STOPS = Reads.STOPS.row
#: Memory that gathers for one reader beyond what does while all read, from which on it is told.
_MUCH_MIB = 4.0
#: The others' p99 has risen by so much of what it is while all read, and by so many milliseconds.
_RISEN_SHARE, _RISEN_MS = 0.5, 5.0


def _rows(facts: Facts, row: str, metric: str) -> dict[Cell, Row]:
    return {
        each.cell: each
        for each in facts.own_rows
        if each.row == row and each.metric.name == metric and each.status is Status.OK
    }


def _wanted(facts: Facts) -> bool:
    return _STOPS in row_names(facts.rows)


def _chart(facts: Facts) -> Figure:
    return dots.points(facts, _STOPS, "kept_rss", "MiB kept by the server for one reader")


def _gathers(facts: Facts) -> Iterator[Finding]:
    """Memory that one client costs by not reading."""
    calm = _rows(facts, Reads.READS.row, "kept_rss")
    seen: dict[Cell, str] = {}
    for cell, row in _rows(facts, _STOPS, "kept_rss").items():
        before = (calm[cell].value if cell in calm else None) or 0.0
        if row.value is not None and row.value - before > _MUCH_MIB:
            seen[cell] = f"{cell} {short(row.value)} MiB"
    if seen:
        yield Finding(
            "gathers-for-reader",
            Severity.WARNING,
            "While one client does not read, the server keeps what is for it, and nothing bounds "
            f"that but the heartbeat: {', '.join(seen.values())}.",
            "Shorten ping_interval and ping_timeout, broadcast less than a slow client can take, "
            "or have clients fetch what is large.",
            names(seen),
        )


def _never_given_up(facts: Facts) -> Iterator[Finding]:
    """A reader that nobody misses."""
    seen: dict[Cell, str] = {}
    for cell, row in _rows(facts, _STOPS, "undetected").items():
        if row.value:
            seen[cell] = str(cell)
    if seen:
        yield Finding(
            "reader-not-given-up",
            Severity.WARNING,
            "A client that does not read was not given up when its heartbeat had long been due: "
            f"{', '.join(seen.values())}.",
            "Look in the server's log for what kept its ping from being missed; until then it "
            "keeps everything that is for this client.",
            names(seen),
        )


def _others_wait(facts: Facts) -> Iterator[Finding]:
    """Others who wait since one does not read."""
    calm = _rows(facts, Reads.READS.row, "delivery_p99")
    seen: dict[Cell, str] = {}
    for cell, row in _rows(facts, _STOPS, "rise_p99").items():
        before = calm[cell].value if cell in calm else None
        if row.value is None or before is None:
            continue
        if row.value > max(_RISEN_MS, _RISEN_SHARE * before):
            seen[cell] = f"{cell} by {short(row.value)} ms"
    if seen:
        yield Finding(
            "others-wait-for-reader",
            Severity.WARNING,
            "While one client does not read, the slow 1 % of everybody else's copies take longer: "
            f"{', '.join(seen.values())}.",
            "Look for a send that waits: a mode that writes to one client after the other lets "
            "the slowest hold up all.",
            names(seen),
        )


SECTION = Section(
    scenario=NAME,
    title="A client that stops reading",
    meaning="What gathers for it in the server, when it is given up, and what all others notice.",
    headlines=("kept_rss", "left_rss", "given_up", "delivery_p99", "rise_p99"),
    questions=(Question("least kept for a client that does not read", _STOPS, "kept_rss"),),
    charts=(
        ChartKind(
            "reader-memory",
            "Memory kept for one client that does not read",
            "By how much the server's memory has grown when it gives the client up; further left "
            f"is better. {whiskers.READING}",
            _chart,
            _wanted,
        ),
    ),
    checks=(_gathers, _never_given_up, _others_wait),
)
