"""What is said about many messages at once."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Status, Transport
from loadtests.scenarios.burst import ROWS, SCENARIO
from reports.charts import lines
from reports.charts.gallery import ChartKind
from reports.charts.lines import Series, lines_of
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.facts.tables import Table
from reports.sections.by_number import by_number
from reports.sections.section import Section

NAME = SCENARIO.name

#: engineio.payload.Payload.max_decode_packets (4.15): of more packets in a POST it reads none.
_MOST_PACKETS = 16


def _wanted(facts: Facts) -> bool:
    return bool(lines_of(facts, "last_p50", ROWS.number_of))


def _vanish(facts: Facts) -> Iterator[Finding]:
    """Bursts that are not answered whole."""
    seen: dict[Cell, str] = {}
    smallest: dict[Cell, int] = {}
    for cell, rows in lines_of(facts, "answered", ROWS.number_of).items():
        for size, row in rows.items():
            if row.value is not None and row.value < 100 and row.status is Status.OK:
                seen[cell] = f"{cell} answers {short(row.value)} % of {size:,} at once"
                smallest[cell] = size
                break
    if not seen:
        return
    # The first goes alone; a POST with as many as are read is read.
    polling = all(
        cell.transport is Transport.POLLING and size > _MOST_PACKETS + 1
        for cell, size in smallest.items()
    )
    yield Finding(
        "bursts-vanish",
        Severity.WARNING,
        f"Messages that a client sends at once are lost: {'; '.join(seen.values())}."
        + (
            f" python-engineio reads no POST of more than {_MOST_PACKETS} packets, and answers "
            "200 OK all the same."
            if polling
            else ""
        ),
        "Set engineio.payload.Payload.max_decode_packets higher in the server's process, send one "
        "message with a list, or use WebSocket."
        if polling
        else "Look at the server's log, and send less at once.",
        names(seen),
    )


def _tables(facts: Facts) -> list[Table]:
    found = (
        by_number(facts, ROWS.number_of, metric, caption, "messages at once")
        for caption, metric in (
            ("Answered, %", "answered"),
            ("Until the last answer (p50), ms", "last_p50"),
        )
    )
    return [table for table in found if table.lines]


def _chart(facts: Facts) -> Figure:
    return lines.over(
        facts,
        ROWS.number_of,
        (Series("last_p50", "p50"),),
        "messages at once",
        "until the last answer, ms",
    )


SECTION = Section(
    scenario=NAME,
    title="Bursts",
    meaning="A client sends many messages at once: how many are answered, and until when all are.",
    headlines=("answered", "last_p50", "lost"),
    charts=(
        ChartKind(
            "burst-last",
            "Time until the last answer by messages at once",
            "From the first message to the last answer, the usual burst; lower is better. Where "
            "a line ends, messages of larger bursts were lost.",
            _chart,
            _wanted,
        ),
    ),
    checks=(_vanish,),
    tables=_tables,
    note="Mean over trials; a burst that is not answered whole has no last answer.",
)
