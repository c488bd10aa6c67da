"""What is said about everybody else while one client's handler works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.bystander import SCENARIO, Work
from reports.charts import kinds
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import EMPTY, short
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table, entry
from reports.sections.section import Section

NAME = SCENARIO.name
_P99 = "latency_p99"

_DOES = {
    Work.NONE: "nothing",
    Work.SLEEP: "waits as the mode provides for",
    Work.BLOCK: "waits so that the mode cannot see it",
    Work.COMPUTE: "computes",
    Work.EMIT: "sends many messages in a loop",
}
#: A p99 that is this share of the work above the calm one has waited for it.
_WAITED_SHARE = 0.5


def _by_cell(facts: Facts, metric: str) -> Mapping[Cell, Mapping[Work, Row]]:
    kinds = {kind.row: kind for kind in Work}
    found: dict[Cell, dict[Work, Row]] = {}
    for row in facts.own_rows:
        if row.metric.name == metric and row.row in kinds:
            found.setdefault(row.cell, {})[kinds[row.row]] = row
    return found


def _wanted(facts: Facts) -> bool:
    return bool(_by_cell(facts, _P99))


def _tables(facts: Facts) -> list[Table]:
    found = _by_cell(facts, _P99)
    works = [kind for kind in Work if any(kind in rows for rows in found.values())]
    lines = [
        (
            Entry(str(cell)),
            *(entry(rows[kind]) if kind in rows else Entry(EMPTY) for kind in works),
        )
        for cell, rows in found.items()
    ]
    head = ("cell", *(_DOES[kind] for kind in works))
    return [Table("Bystanders' latency p99, ms, while one handler …", head, tuple(lines))]


def _work_ms(facts: Facts) -> float:
    seconds = facts.setting(NAME, "work_s")
    return 1000 * (SCENARIO.options().work_s if seconds is None else seconds)


def _waits_for(facts: Facts, kind: Work) -> dict[Cell, str]:
    """Cells whose bystanders wait for a kind of work, and by how much."""
    seen: dict[Cell, str] = {}
    for cell, rows in _by_cell(facts, "rise_p99").items():
        row = rows.get(kind)
        if row is None or row.value is None or row.status is not Status.OK:
            continue
        if row.value > _WAITED_SHARE * _work_ms(facts):
            seen[cell] = f"{cell} by {short(row.value)} ms"
    return seen


def _everybody_waits(facts: Facts) -> Iterator[Finding]:
    """A handler that blocks holds everybody up."""
    for kind, advice in (
        (
            Work.BLOCK,
            "Have such calls run in a thread (gevent's threadpool, eventlet's tpool), use a driver "
            "that the mode patches, or serve with threads.",
        ),
        (
            Work.COMPUTE,
            "Have other processes compute (a task queue): threads share one interpreter, and event "
            "loops one thread.",
        ),
    ):
        seen = _waits_for(facts, kind)
        if seen:
            yield Finding(
                f"waits-for-{kind}",
                Severity.NOTE,
                f"While one client's handler {_DOES[kind]} for {_work_ms(facts):g} ms, the slow "
                f"1 % of everybody else's echoes take longer: {', '.join(seen.values())}.",
                advice,
                names(seen),
            )


def _chart(facts: Facts) -> Figure:
    return kinds.marks(_by_cell(facts, _P99), _DOES, "latency p99 of the others, ms")


SECTION = Section(
    scenario=NAME,
    title="Bystanders",
    meaning="What everybody else's echoes take while the handler of one client is at work.",
    headlines=(_P99, "rise_p99", "lost"),
    questions=(
        Question("least held up by a handler that blocks (p99)", Work.BLOCK.row, _P99),
        Question("least held up by a handler that computes (p99)", Work.COMPUTE.row, _P99),
    ),
    charts=(
        ChartKind(
            "bystander-latency",
            "Everybody else's latency by what one handler does",
            "The slow 1 % of the others' echoes; further left is better. The first line, where "
            "nobody works, is what the others are held against.",
            _chart,
            _wanted,
        ),
    ),
    checks=(_everybody_waits,),
    tables=_tables,
    note="Mean over trials.",
)
