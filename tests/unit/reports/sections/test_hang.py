"""What is said about a handler that hangs."""

from __future__ import annotations

from loadtests.record.results import Result
from loadtests.record.words import Transport
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections.hang import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result


def run(dropped: float) -> Result:
    plan = [planned(0, "hang", mode="gevent", transport=Transport.WEBSOCKET, block=0)]
    return result(plan, [ran(0, measurement("hang", dropped=dropped))])


def told(found: Result) -> dict[str, str]:
    facts = facts_of(found)
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


def test_clients_that_were_thrown_out_are_counted() -> None:
    assert told(run(7))["hang-drops"] == (
        "While one handler blocks for 3 s, idle clients lose their connection, of 20: "
        "gevent × websocket 7."
    )


def test_where_nobody_is_dropped_nothing_is_said() -> None:
    assert told(run(0)) == {}


def test_chart_is_drawn() -> None:
    facts = facts_of(run(7))
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    assert "gevent" in draw(kind, facts).svg
