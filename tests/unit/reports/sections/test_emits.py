"""What is said about the server's own messages: who must not emit."""

from __future__ import annotations

from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Transport
from loadtests.scenarios.emits import By
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections.emits import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result


def run(task: float, native: float | None, missing: float = 0) -> Result:
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for number, (by, p50) in enumerate(((By.TASK, task), (By.NATIVE, native))):
        plan.append(planned(number, by.row, transport=Transport.WEBSOCKET, block=0))
        lost = missing if by is By.NATIVE else 0
        trials.append(ran(number, measurement(by.row, delivery_p50=p50, missing=lost)))
    return result(plan, trials)


def told(task: float, native: float | None, missing: float = 0) -> dict[str, str]:
    facts = facts_of(run(task, native, missing))
    return {str(each.kind): each.text for check in SECTION.checks for each in check(facts)}


def test_thread_that_is_as_quick_as_a_task_needs_no_word() -> None:
    assert told(2, 2.5) == {}
    assert told(1, 4) == {}, "three milliseconds are no lag"


def test_thread_whose_messages_come_late_is_told_with_both_times() -> None:
    found = told(2, 900)["native-threads-emit-late"]
    assert "gevent × websocket: 900 ms instead of 2." in found


def test_thread_whose_messages_do_not_come_is_told_with_how_many() -> None:
    assert (
        "gevent × websocket: 40 copies did not come"
        in (told(2, None, missing=40)["native-threads-emit-late"])
    )


def test_tables_have_a_column_for_each_that_emits() -> None:
    assert SECTION.tables is not None
    tables = SECTION.tables(facts_of(run(2, 900)))
    assert [table.head for table in tables] == [
        ("cell", "a background task", "a thread of the system")
    ] * 3


def test_chart_is_drawn() -> None:
    facts = facts_of(run(2, 900))
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    assert "a background task" in draw(kind, facts).svg
