"""What is said about how much load a server bears."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.bearing import Kind
from loadtests.scenarios.capacity import SCENARIO
from loadtests.scenarios.climbing import FULL_PERCENT
from reports.charts import dots, whiskers
from reports.charts.gallery import ChartKind
from reports.facts.best import Question, leaders
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import EMPTY, short
from reports.facts.rows import Cell, Row, row_names
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table, entry, metric_label
from reports.sections.section import Section

NAME = SCENARIO.name

_OF = {Kind.ECHO: "echoes per second", Kind.BROADCAST: "recipients of a broadcast"}
_SHOWN = ("capacity", "latency_p99", "server_cpu", "server_rss")
#: What a note ends with: one trial's figures.
_FIGURES = re.compile(r" \([^()]*\)$")


def _rows(facts: Facts, kind: Kind, metric: str) -> list[Row]:
    return [row for row in facts.own_rows if row.row == kind.row and row.metric.name == metric]


def _ended_by(facts: Facts, kind: Kind, cell: Cell) -> str:
    """What ended the searches of a cell, the most frequent first."""
    outcomes = facts.own_outcomes.get((kind.row, cell), ())
    notes = [
        _FIGURES.sub("", note)
        for outcome in outcomes
        if outcome.measurement and (note := outcome.measurement.notes.get("capacity"))
    ]
    return "; ".join(note for note, _ in Counter(notes).most_common())


def _tables(facts: Facts) -> list[Table]:
    return [_table(facts, kind) for kind in Kind if kind.row in row_names(facts.own_rows)]


def _table(facts: Facts, kind: Kind) -> Table:
    columns = {name: _rows(facts, kind, name) for name in _SHOWN}
    ahead = leaders(columns["capacity"])
    lines = []
    for place, row in enumerate(columns["capacity"]):
        numbers = [
            entry(rows[place], strong=name == "capacity" and row.cell in ahead)
            for name, rows in columns.items()
        ]
        ended = _ended_by(facts, kind, row.cell) or EMPTY
        lines.append((Entry(str(row.cell)), *numbers, Entry(ended)))
    head = [metric_label(rows[0].metric) for rows in columns.values()]
    return Table(
        f"Capacity, {_OF[kind]}", ("cell", *head, "what ended it"), tuple(lines), wordy=True
    )


def _wanted(kind: Kind, facts: Facts) -> bool:
    return kind.row in row_names(facts.rows)


def _echo(facts: Facts) -> Figure:
    return dots.points(facts, Kind.ECHO.row, "capacity", "echoes per second within the limit")


def _broadcast(facts: Facts) -> Figure:
    return dots.points(facts, Kind.BROADCAST.row, "capacity", "recipients within the limit")


def _at_least(facts: Facts) -> Iterator[Finding]:
    """What was found is the generator's end, or the search's, and not the server's."""
    for kind in Kind:
        seen = [
            row
            for row in _rows(facts, kind, "capacity")
            if row.status is Status.INVALID
            and row.value is not None
            and any(reason.startswith("at least this") for reason in row.reasons)
        ]
        if seen:
            yield Finding(
                "at-least",
                Severity.WARNING,
                f"The capacity in {_OF[kind]} was not reached: "
                + ", ".join(f"{row.cell} bears {short(row.value or 0)} at least" for row in seen)
                + ".",
                "Raise most_hz or most_recipients of [capacity], or give the load generator a "
                "faster core.",
                names(row.cell for row in seen),
            )


def _waits(facts: Facts) -> Iterator[Finding]:
    """A server is too slow before its core is full: it waits for something."""
    seen: dict[Cell, str] = {}
    for kind in Kind:
        for row in _rows(facts, kind, "capacity"):
            busy = facts.value(kind.row, row.cell, "server_busy")
            slow = "with the server's core not full" in _ended_by(facts, kind, row.cell)
            if slow and row.status is Status.OK and busy is not None and busy < FULL_PERCENT:
                seen[row.cell] = f"{row.cell} at {short(row.value or 0)} ({short(busy)} % busy)"
    if seen:
        yield Finding(
            "slow-before-full",
            Severity.NOTE,
            "The limit of latency is reached while the server's core is not full: "
            f"{', '.join(seen.values())}.",
            "More processes of the same kind would bear more each only if they wait less: look at "
            "what the answers wait for (bursts, a delayed acknowledgement, a lock) before you add "
            "cores.",
            names(seen),
        )


def _refuses(facts: Facts) -> Iterator[Finding]:
    """Connections were refused or lost before latency got too long."""
    seen: dict[Cell, str] = {}
    for kind in Kind:
        for row in _rows(facts, kind, "capacity"):
            ended = _ended_by(facts, kind, row.cell)
            if "connections were lost or refused" in ended and row.value is not None:
                seen[row.cell] = f"{row.cell} at {short(row.value)} ({ended})"
    if seen:
        yield Finding(
            "refuses-connections",
            Severity.NOTE,
            f"A limit of the server ends it, not its speed: {'; '.join(seen.values())}.",
            "Raise that limit (eventlet's server has max_size, 1,024 connections by default; "
            "gunicorn has worker_connections) or run more processes.",
            names(seen),
        )


_CHARTS = (
    ChartKind(
        "capacity-echo",
        "Echoes per second within the limit of latency",
        "The highest load, sent at random moments, whose p99 stays within the limit; further right "
        f"is better. {whiskers.READING}",
        _echo,
        lambda facts: _wanted(Kind.ECHO, facts),
    ),
    ChartKind(
        "capacity-broadcast",
        "Recipients within the limit of latency",
        "The largest number of clients that have 99 of 100 copies of each broadcast within the "
        f"limit; further right is better. {whiskers.READING}",
        _broadcast,
        lambda facts: _wanted(Kind.BROADCAST, facts),
        (Kind.BROADCAST.row, "capacity"),
    ),
)

SECTION = Section(
    scenario=NAME,
    title="Capacity",
    meaning="The highest load that a server bears with 99 of 100 answers in time and none lost.",
    headlines=("capacity", "latency_p99", "server_busy", "server_rss"),
    questions=(
        Question("most echoes per second in time", Kind.ECHO.row, "capacity"),
        Question("most recipients of a broadcast in time", Kind.BROADCAST.row, "capacity"),
    ),
    charts=_CHARTS,
    checks=(_at_least, _waits, _refuses),
    tables=_tables,
    note=(
        "In time is within 50 ms over WebSocket and 200 ms over long-polling, if the experiment "
        "says nothing else."
    ),
)
