"""What is said about latency under more and more load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.curve import ROWS, SCENARIO
from reports.charts import lines
from reports.charts.gallery import ChartKind
from reports.charts.lines import Series, lines_of
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.facts.tables import Table
from reports.sections.by_number import by_number
from reports.sections.section import Section

NAME = SCENARIO.name
_P50, _P99 = "latency_p50", "latency_p99"
#: A p99 so many times that of the lightest load is no longer that of a server with time to spare.
_BENT = 3.0


def _wanted(facts: Facts) -> bool:
    found = lines_of(facts, _P99, ROWS.number_of)
    return any(len(rates) > 1 for rates in found.values())  # one rate is no line


def bend(rows: Mapping[int, Row]) -> tuple[int, float] | None:
    """From which rate on a p99 is several times what it is at the lightest, and that p99 in ms.

    Args:
        rows: of the p99, by rate, the lightest first.

    Returns:
        None where it never is, or there is nothing to hold it against.
    """
    sound = [row.value for row in rows.values() if row.status is Status.OK and row.value]
    if not sound:
        return None
    for rate_hz, row in rows.items():
        if row.value is not None and row.value > _BENT * sound[0]:
            return rate_hz, row.value
    return None


def _bends(facts: Facts) -> Iterator[Finding]:
    """From which load on a cell's latency is another one."""
    seen: dict[Cell, str] = {}
    for cell, rows in lines_of(facts, _P99, ROWS.number_of).items():
        found = bend(rows)
        if found is not None:
            rate_hz, value = found
            seen[cell] = f"{cell} from {rate_hz:,}/s ({short(value)} ms)"
    if seen:
        yield Finding(
            "curve-bends",
            Severity.NOTE,
            f"The slow 1 % take more than {_BENT:g} times as long as under light load: "
            f"{', '.join(seen.values())}.",
            "Plan for a load below that: beyond it a little more load costs much more latency.",
            names(seen),
        )


def _tables(facts: Facts) -> list[Table]:
    found = (
        by_number(facts, ROWS.number_of, metric, caption, "messages/s")
        for caption, metric in (
            ("Latency p50 by load, ms", _P50),
            ("Latency p99 by load, ms", _P99),
        )
    )
    return [table for table in found if table.lines]


def _chart(facts: Facts) -> Figure:
    return lines.over(
        facts,
        ROWS.number_of,
        (Series(_P99, "p99"), Series(_P50, "p50", dotted=True)),
        "offered load, messages/s",
        "latency from the due time, ms",
    )


SECTION = Section(
    scenario=NAME,
    title="Latency under load",
    meaning="The same echo at one rate after another, at random moments, until it is too much.",
    charts=(
        ChartKind(
            "curve-latency",
            "Echo latency by offered load",
            "Solid lines are the slow 1 %, dotted ones the usual echo; lower is better, and where "
            "a line bends upwards a server's time to spare ends. A line ends with the first rate "
            "that its server could not keep up with, which is crossed out.",
            _chart,
            _wanted,
        ),
    ),
    checks=(_bends,),
    tables=_tables,
    note="Mean over trials; rates beyond what a server keeps up with have no number.",
)
