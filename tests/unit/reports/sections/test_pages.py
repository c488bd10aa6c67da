"""What is said about pages beside sockets: who holds them up, and what they wait for."""

from __future__ import annotations

from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Transport
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections.pages import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result


def run(p50: tuple[float | None, ...], mode: str = "eventlet", lost: float = 0) -> Result:
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for number, (sockets, value) in enumerate(zip((0, 50, 200), p50, strict=True)):
        row = f"pages:{sockets}"
        plan.append(planned(number, row, mode=mode, transport=Transport.WEBSOCKET, block=0))
        taken = measurement(row, page_p50=value, page_p99=value, lost=lost if sockets else 0)
        trials.append(ran(number, taken))
    return result(plan, trials)


def told(*arguments: object, **more: object) -> dict[str, str]:
    facts = facts_of(run(*arguments, **more))  # type: ignore[arg-type]
    return {str(each.kind): each.text for check in SECTION.checks for each in check(facts)}


def test_pages_that_stay_as_they_are_need_no_word() -> None:
    assert told((1.0, 1.2, 1.9)) == {}


def test_pages_that_take_longer_beside_sockets_are_told_with_both() -> None:
    assert told((1.0, 1.2, 5.0)) == {
        "pages-held-up": "Open sockets hold ordinary pages up: eventlet × websocket 5 ms beside "
        "200 sockets, 1 beside 0."
    }


def test_pages_that_do_not_come_are_told_before_slow_ones() -> None:
    assert told((1.0, 1.2, 5.0), lost=7)["pages-held-up"] == (
        "Open sockets hold ordinary pages up: eventlet × websocket loses 7 of them beside 50 "
        "sockets."
    )


def test_pages_that_wait_for_an_acknowledgement_are_told_with_the_cause() -> None:
    found = told((43.5, 43.6, 43.8), mode="gevent")
    assert found["pages-wait"].startswith(
        "A page waits while its server has time to spare: 43.5 ms in gevent × websocket."
    )
    assert told((43.5, 43.6, 43.8), mode="eventlet") == {}


def test_tables_and_chart_are_made() -> None:
    facts = facts_of(run((1.0, 1.2, 5.0)))
    assert SECTION.tables is not None
    assert [len(table.lines) for table in SECTION.tables(facts)] == [3, 3, 3]
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    assert "open sockets" in draw(kind, facts).svg
