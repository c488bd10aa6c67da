"""What is said about a handler that blocks for longer than a heartbeat: who is thrown out."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.hang import SCENARIO
from reports.charts import dots, whiskers
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell, row_names
from reports.facts.run import Facts
from reports.sections.section import Section

NAME = SCENARIO.name


def _wanted(facts: Facts) -> bool:
    return NAME in row_names(facts.rows)


def _chart(facts: Facts) -> Figure:
    return dots.points(facts, NAME, "dropped", "idle clients that lost their connection")


def _drops(facts: Facts) -> Iterator[Finding]:
    """Clients that were there and were lost all the same."""
    seen: dict[Cell, str] = {}
    for row in facts.own_rows:
        named = row.row == NAME and row.metric.name == "dropped"
        if named and row.status is Status.OK and row.value:
            seen[row.cell] = f"{row.cell} {short(row.value)}"
    if seen:
        options = SCENARIO.options()
        hang_s, clients = (
            facts.setting(NAME, name) or getattr(options, name) for name in ("hang_s", "clients")
        )
        yield Finding(
            "hang-drops",
            Severity.WARNING,
            f"While one handler blocks for {hang_s:g} s, idle clients lose their connection, of "
            f"{clients:g}: {', '.join(seen.values())}.",
            "Keep ping_timeout well above the longest a handler may block, or have it block in a "
            "thread of its own.",
            names(seen),
        )


SECTION = Section(
    scenario=NAME,
    title="A handler that hangs",
    meaning="Who loses the connection while one handler blocks for longer than ping_timeout.",
    headlines=("dropped", "dropped_by_server", "answer_p50", "answer_max"),
    questions=(Question("fewest thrown out while a handler hangs", NAME, "dropped"),),
    charts=(
        ChartKind(
            "hang-dropped",
            "Clients lost while a handler hung",
            f"Idle clients, none of which was gone; further left is better. {whiskers.READING}",
            _chart,
            _wanted,
        ),
    ),
    checks=(_drops,),
)
