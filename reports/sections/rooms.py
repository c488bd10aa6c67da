"""What is said about rooms: what a copy costs by size of the room, and joining and leaving."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.rooms import MOVING, ROWS, SCENARIO
from reports.charts import lines
from reports.charts.gallery import ChartKind
from reports.charts.lines import Series, lines_of
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.facts.tables import Table, headline_tables
from reports.sections.by_number import by_number
from reports.sections.section import Section

NAME = SCENARIO.name
#: A message to one member that costs so many times a copy to many: emitting itself is what costs.
_DEARER = 3.0


def _wanted(facts: Facts) -> bool:
    return bool(lines_of(facts, "server_cpu", ROWS.number_of))


def _stray(facts: Facts) -> Iterator[Finding]:
    """Copies that came to clients outside of a room."""
    seen: dict[Cell, str] = {}
    for cell, rows in lines_of(facts, "stray", ROWS.number_of).items():
        strays = sum(row.value or 0.0 for row in rows.values())
        if strays:
            seen[cell] = f"{cell} {short(strays)}"
    if seen:
        yield Finding(
            "stray-copies",
            Severity.WARNING,
            f"Copies came to clients that were not in the room: {', '.join(seen.values())}.",
            "Look at who joins which room; that is a fault of the server.",
            names(seen),
        )


def _first_copy(facts: Facts) -> Iterator[Finding]:
    """What a message costs beside its copies."""
    seen: dict[Cell, str] = {}
    for cell, rows in lines_of(facts, "server_cpu", ROWS.number_of).items():
        sound = {size: row for size, row in rows.items() if row.status is Status.OK and row.value}
        if len(sound) < 2:
            continue
        least, most = min(sound), max(sound)
        alone, among = sound[least].value or 0.0, sound[most].value or 0.0
        if alone > _DEARER * among:
            seen[cell] = (
                f"{cell} {short(alone)} µs for a copy in a room of {least:,} and {short(among)} in "
                f"one of {most:,}"
            )
    if seen:
        yield Finding(
            "emitting-costs",
            Severity.NOTE,
            f"A message costs more than its copies: {'; '.join(seen.values())}.",
            "One message to a room is cheaper than one to each of its members: let the server "
            "fan out.",
            names(seen),
        )


def _tables(facts: Facts) -> list[Table]:
    found = [
        by_number(facts, ROWS.number_of, metric, caption, "in the room")
        for caption, metric in (
            ("Server CPU per copy, µs", "server_cpu"),
            ("Last recipient (p50), ms", "last_recipient_p50"),
        )
    ]
    moving = [row for row in facts.own_rows if row.row == MOVING]
    found += headline_tables(moving, ("moves", "server_cpu"))
    return [table for table in found if table.lines]


def _cost(facts: Facts) -> Figure:
    return lines.over(
        facts,
        ROWS.number_of,
        (Series("server_cpu", "server CPU per copy"),),
        "members in the room",
        "server CPU per copy, µs",
    )


SECTION = Section(
    scenario=NAME,
    title="Rooms",
    meaning="A message to a room of some among many members, and joining and leaving one.",
    headlines=("server_cpu", "last_recipient_p50", "missing"),
    questions=(Question("most joins and leaves per second", MOVING, "moves"),),
    charts=(
        ChartKind(
            "rooms-cost",
            "Server CPU per copy by size of the room",
            "What a copy of a message costs the server in a room of so many; lower is better. To "
            "the left is what emitting itself costs.",
            _cost,
            _wanted,
        ),
    ),
    checks=(_stray, _first_copy),
    tables=_tables,
    note="Mean over trials.",
)
