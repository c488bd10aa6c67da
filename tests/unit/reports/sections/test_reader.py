"""What is said about a client that stops reading."""

from __future__ import annotations

from loadtests.record.results import Result
from loadtests.record.words import Transport
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections.reader import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result


def run(
    *,
    kept: float = 1.0,
    grown: float = 0.1,
    undetected: float = 0,
    calm_p99: float = 5.0,
    rise: float = 0.3,
) -> Result:
    plan = [
        planned(number, row, mode="gevent", transport=Transport.WEBSOCKET, block=0)
        for number, row in enumerate(("reader:reads", "reader:stops"))
    ]
    reads = measurement("reader:reads", delivery_p99=calm_p99, kept_rss=grown)
    stops = measurement(
        "reader:stops",
        delivery_p99=calm_p99 + rise,
        rise_p99=rise,
        kept_rss=kept,
        undetected=undetected,
    )
    return result(plan, [ran(0, reads), ran(1, stops)])


def told(found: Result) -> dict[str, str]:
    facts = facts_of(found)
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


def test_server_that_keeps_what_is_not_read_is_named_with_how_much() -> None:
    assert "gevent × websocket 15.4 MiB" in told(run(kept=15.4))["gathers-for-reader"]


def test_server_that_grows_for_everybody_does_not_keep_it_for_the_one() -> None:
    assert "gathers-for-reader" not in told(run(kept=9.0, grown=6.0))


def test_reader_that_was_not_given_up_is_told() -> None:
    assert "gevent × websocket" in told(run(undetected=1))["reader-not-given-up"]


def test_others_that_wait_are_told_by_how_much() -> None:
    assert "by 40 ms" in told(run(rise=40.0))["others-wait-for-reader"]


def test_little_of_it_is_not_worth_a_word() -> None:
    assert told(run()) == {}
    # A tenth more of a slow p99 is no waiting for anybody.
    assert told(run(calm_p99=90.0, rise=9.0)) == {}


def test_chart_is_drawn() -> None:
    facts = facts_of(run())
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    assert "gevent" in draw(kind, facts).svg
