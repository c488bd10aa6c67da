"""What is said about ordinary pages beside open sockets."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.pages import ROWS, SCENARIO
from reports.charts import lines
from reports.charts.gallery import ChartKind
from reports.charts.lines import Series, lines_of
from reports.facts.acknowledgement import DELAYED_ACK_MS, PYWSGI_MODES
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.facts.tables import Table
from reports.sections.by_number import by_number
from reports.sections.section import Section

NAME = SCENARIO.name
#: A page that takes so many times as long beside sockets as without.
_SLOWER = 2.0


def _wanted(facts: Facts) -> bool:
    return bool(lines_of(facts, "page_p50", ROWS.number_of))


def _held_up(facts: Facts) -> Iterator[Finding]:
    """Pages that take much longer beside open sockets, or do not come any more."""
    seen: dict[Cell, str] = {}
    lost = lines_of(facts, "lost", ROWS.number_of)
    for cell, rows in lines_of(facts, "page_p50", ROWS.number_of).items():
        sound = {n: row.value for n, row in rows.items() if row.status is Status.OK and row.value}
        first = min(sound, default=None)
        for sockets, row in rows.items():
            missing = lost[cell][sockets].value
            if missing:
                seen[cell] = f"{cell} loses {short(missing)} of them beside {sockets:,} sockets"
                break
            value = row.value
            if first is not None and value and value > _SLOWER * sound[first]:
                seen[cell] = (
                    f"{cell} {short(value)} ms beside {sockets:,} sockets, {short(sound[first])} "
                    f"beside {first:,}"
                )
                break
    if seen:
        yield Finding(
            "pages-held-up",
            Severity.NOTE,
            f"Open sockets hold ordinary pages up: {'; '.join(seen.values())}.",
            "Serve sockets and pages by different processes, or raise the number of threads above "
            "that of the sockets (gunicorn's threads hold a WebSocket each).",
            names(seen),
        )


def _waits(facts: Facts) -> Iterator[Finding]:
    """Pages that wait for a delayed acknowledgement, as answers over long-polling do."""
    low, high = DELAYED_ACK_MS
    seen: dict[Cell, str] = {}
    for cell, rows in lines_of(facts, "page_p50", ROWS.number_of).items():
        row = next(iter(rows.values()))
        if cell.mode in PYWSGI_MODES and row.value is not None and low <= row.value <= high:
            seen[cell] = f"{short(row.value)} ms in {cell}"
    if seen:
        yield Finding(
            "pages-wait",
            Severity.NOTE,
            f"A page waits while its server has time to spare: {', '.join(seen.values())}. As over "
            "long-polling: gevent's pywsgi writes head and body separately without TCP_NODELAY, so "
            "the body waits for the client's delayed acknowledgement on every connection that is "
            "kept alive, as browsers keep them.",
            "Serve the same application under gunicorn's gevent worker, which does not have it.",
            names(seen),
        )


def _tables(facts: Facts) -> list[Table]:
    found = (
        by_number(facts, ROWS.number_of, metric, caption, "open sockets")
        for caption, metric in (
            ("Page p50, ms", "page_p50"),
            ("Page p99, ms", "page_p99"),
            ("Pages per second", "throughput"),
        )
    )
    return [table for table in found if table.lines]


def _chart(facts: Facts) -> Figure:
    return lines.over(
        facts,
        ROWS.number_of,
        (Series("page_p99", "p99"), Series("page_p50", "p50", dotted=True)),
        "open sockets",
        "a page, ms",
    )


SECTION = Section(
    scenario=NAME,
    title="Pages beside sockets",
    meaning="How long an ordinary page of the same process takes while sockets are open.",
    headlines=("page_p50", "page_p99", "throughput", "lost"),
    questions=(Question("quickest page beside 200 sockets (p50)", ROWS.row(200), "page_p50"),),
    charts=(
        ChartKind(
            "pages-latency",
            "A page by number of open sockets",
            "Solid lines are the slow 1 %, dotted ones the usual page; lower is better. Sockets "
            "say nothing but heartbeats meanwhile.",
            _chart,
            _wanted,
        ),
    ),
    checks=(_held_up, _waits),
    tables=_tables,
    note="Mean over trials.",
)
