"""What is said about bystanders: who waits for whose handler, and what to do."""

from __future__ import annotations

from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Transport
from loadtests.scenarios.bystander import Work
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections.bystander import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result


def run(p99: dict[str, dict[Work, float]]) -> Result:
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for mode, values in p99.items():
        for work, value in values.items():
            number = len(plan)
            plan.append(
                planned(number, work.row, mode=mode, transport=Transport.WEBSOCKET, block=0)
            )
            rise = None if work is Work.NONE else value - values[Work.NONE]
            trials.append(ran(number, measurement(work.row, latency_p99=value, rise_p99=rise)))
    return result(plan, trials)


HELD_UP = {Work.NONE: 3.0, Work.SLEEP: 3.1, Work.BLOCK: 101.0, Work.COMPUTE: 104.0}
FREE = {Work.NONE: 4.0, Work.SLEEP: 4.0, Work.BLOCK: 4.2, Work.COMPUTE: 20.0}


def told(p99: dict[str, dict[Work, float]]) -> dict[str, str]:
    facts = facts_of(run(p99))
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


def test_modes_that_wait_for_a_blocking_handler_are_named_with_how_long() -> None:
    found = told({"gevent": HELD_UP, "threading": FREE})
    assert found["waits-for-block"] == (
        "While one client's handler waits so that the mode cannot see it for 100 ms, the slow 1 % "
        "of everybody else's echoes take longer: gevent × websocket by 98 ms."
    )
    assert "gevent × websocket by 101 ms" in found["waits-for-compute"]


def test_where_nobody_waits_nothing_is_said() -> None:
    assert told({"threading": FREE}) == {}


def test_table_has_a_column_per_kind_of_work() -> None:
    assert SECTION.tables is not None
    (table,) = SECTION.tables(facts_of(run({"gevent": HELD_UP, "threading": FREE})))
    assert table.head == (
        "cell",
        "nothing",
        "waits as the mode provides for",
        "waits so that the mode cannot see it",
        "computes",
    )
    assert [line[3].text for line in table.lines] == ["101", "4.20"]


def test_chart_is_drawn() -> None:
    facts = facts_of(run({"gevent": HELD_UP, "threading": FREE}))
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    assert "computes" in draw(kind, facts).svg
