"""What is said about many connections: what each takes, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.connections import SCENARIO
from reports.charts import dots, whiskers
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell, Row, row_names
from reports.facts.run import Facts
from reports.sections.section import Section

NAME = SCENARIO.name
#: Memory per client that came and went, from which on it is told, KiB, where trials agree on it.
_LEAK_KIB = 4.0


def _rows(facts: Facts, metric: str) -> list[Row]:
    return [row for row in facts.own_rows if row.row == NAME and row.metric.name == metric]


def _wanted(facts: Facts) -> bool:
    return NAME in row_names(facts.rows)


def _memory(facts: Facts) -> Figure:
    return dots.points(facts, NAME, "connection_rss", "KiB of the server per connection")


def _keeps(facts: Facts) -> Iterator[Finding]:
    """Memory that does not come back."""
    seen: dict[Cell, str] = {}
    for row in _rows(facts, "left_behind"):
        estimate = row.estimate
        if row.status is not Status.OK or estimate is None or estimate.low is None:
            continue  # a single trial does not say whether it is more than chance
        if estimate.low > _LEAK_KIB:
            seen[row.cell] = f"{row.cell} {short(estimate.value)} KiB"
    if seen:
        yield Finding(
            "keeps-memory",
            Severity.WARNING,
            "Memory is not given back for each client that came and went: "
            f"{', '.join(seen.values())}.",
            "Look for what your handlers keep by session id, and whether disconnect removes it.",
            names(seen),
        )


def _refuses(facts: Facts) -> Iterator[Finding]:
    """Not all could connect."""
    seen: dict[Cell, str] = {}
    for (row, cell), outcomes in facts.own_outcomes.items():
        notes = [
            note
            for outcome in outcomes
            if outcome.measurement and (note := outcome.measurement.notes.get("connected"))
        ]
        if row == NAME and notes:
            seen[cell] = f"{cell}: {notes[0]}"
    if seen:
        yield Finding(
            "no-room",
            Severity.NOTE,
            f"A server had no room for all clients: {'; '.join(seen.values())}.",
            "Raise its limit of connections (eventlet's max_size, gunicorn's worker_connections "
            "or threads) or run more processes.",
            names(seen),
        )


SECTION = Section(
    scenario=NAME,
    title="Connections",
    meaning="What it takes to have many clients, and what is left of them when they have gone.",
    headlines=("connects", "connect_p99", "connection_rss", "server_cpu", "left_behind"),
    questions=(
        Question("least memory per connection", NAME, "connection_rss"),
        Question("most clients connected per second", NAME, "connects"),
    ),
    charts=(
        ChartKind(
            "connections-memory",
            "Memory of the server per connection",
            "What each further idle connection takes, a slope over the steps; further left is "
            f"better. {whiskers.READING}",
            _memory,
            _wanted,
        ),
    ),
    checks=(_keeps, _refuses),
)
