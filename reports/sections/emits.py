"""What is said about messages that the server sends by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.emits import SCENARIO, By, by_of
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

_WHO = {
    By.TASK: "a background task",
    By.THREAD: "threading.Thread",
    By.NATIVE: "a thread of the system",
}
#: A delivery that takes so many times as long as a background task's, and so much longer.
_SLOWER, _SLOWER_MS = 2.0, 5.0


def _by_cell(facts: Facts, metric: str) -> Mapping[Cell, Mapping[By, Row]]:
    found: dict[Cell, dict[By, Row]] = {}
    for row in facts.own_rows:
        by = by_of(row.row)
        if by is not None and row.metric.name == metric:
            found.setdefault(row.cell, {})[by] = row
    return found


def _tables(facts: Facts) -> list[Table]:
    return [
        _table(facts, metric, caption)
        for metric, caption in (
            ("delivery_p50", "Delivery p50, ms, when it is emitted by …"),
            ("delivery_p99", "Delivery p99, ms, when it is emitted by …"),
            ("missing", "Copies missing, when it is emitted by …"),
        )
        if _by_cell(facts, metric)
    ]


def _table(facts: Facts, metric: str, caption: str) -> Table:
    found = _by_cell(facts, metric)
    who = [by for by in By if any(by in rows for rows in found.values())]
    lines = [
        (Entry(str(cell)), *(entry(rows[by]) if by in rows else Entry(EMPTY) for by in who))
        for cell, rows in found.items()
    ]
    return Table(caption, ("cell", *(_WHO[by] for by in who)), tuple(lines))


def _wanted(facts: Facts) -> bool:
    return bool(_by_cell(facts, "delivery_p99"))


def _chart(facts: Facts) -> Figure:
    return kinds.marks(_by_cell(facts, "delivery_p99"), _WHO, "delivery p99, ms")


def _native(facts: Facts) -> Iterator[Finding]:
    """What is emitted from outside of the loop comes late, or not at all."""
    seen: dict[Cell, str] = {}
    missing = _by_cell(facts, "missing")
    for cell, rows in _by_cell(facts, "delivery_p50").items():
        task, native = rows.get(By.TASK), rows.get(By.NATIVE)
        if native is None:
            continue
        lost = missing[cell][By.NATIVE].value
        if lost:
            seen[cell] = f"{cell}: {short(lost)} copies did not come"
        elif task is not None and task.value and native.value and native.status is Status.OK:
            slower = native.value - task.value
            if native.value > _SLOWER * task.value and slower > _SLOWER_MS:
                seen[cell] = f"{cell}: {short(native.value)} ms instead of {short(task.value)}"
    if seen:
        yield Finding(
            "native-threads-emit-late",
            Severity.WARNING,
            "What is emitted from a thread of the operating system comes late or not at all: "
            f"{'; '.join(seen.values())}. The loop that writes to clients does not learn of it "
            "until something else wakes it.",
            "Emit from a background task (socketio.start_background_task), or from another process "
            "through a message queue; in a library's callback, hand the message to such a task.",
            names(seen),
        )


SECTION = Section(
    scenario=NAME,
    title="Emits of the server's own",
    meaning="Messages that the server sends by its own schedule, and when they reach clients.",
    headlines=("delivery_p50", "delivery_p99", "emit_late_p99", "missing"),
    questions=(
        Question(
            "quickest from a background task to its clients (p50)", By.TASK.row, "delivery_p50"
        ),
    ),
    charts=(
        ChartKind(
            "emits-delivery",
            "Delivery of the server's own messages by who emits them",
            "The slow 1 % of all copies, from when each message was due; further left is better.",
            _chart,
            _wanted,
        ),
    ),
    checks=(_native,),
    tables=_tables,
    note="Mean over trials; from when each message was due.",
)
