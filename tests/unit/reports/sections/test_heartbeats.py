"""Heartbeats: what is predicted of those that were not measured, their cost, what to choose."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Window
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect import windows
from reports.sections.disconnect.choices import CLIENTS as PROMISED
from reports.sections.disconnect.choices import LIMITS_S, Cost, choices, costs
from reports.sections.disconnect.clients import departures
from reports.sections.disconnect.settings import ASKED, HeartbeatSetting, Point, points
from reports.sections.disconnect.tables import tables
from reports.summary import Summary, summarise
from tests.unit.reports.builder import measurement, planned, ran, result
from tests.unit.reports.disconnect_builder import Faults, disconnects
from tests.unit.reports.matrix import realistic

NONE = Faults()


@pytest.fixture(scope="module")
def full() -> Summary:
    return summarise(disconnects())


def heartbeats(summary: Summary) -> list[Point]:
    groups = departures(summary.outcomes, summary.own_rows)
    return points(summary.result, groups, summary.own_rows)


def test_what_was_not_measured_is_predicted_and_says_so(full: Summary) -> None:
    cell = [one for one in heartbeats(full) if str(one.cell) == "gevent × polling"]
    assert {str(one.heartbeat): one.measured for one in cell} == {
        "1/1": True,
        "2/2": True,
        "5/5": False,
        "10/5": True,
        "25/20": False,
    }
    (defaults,) = [one for one in cell if one.heartbeat == HeartbeatSetting(*ASKED[0])]
    assert defaults.window is not None
    assert (round(defaults.window.earliest_s), round(defaults.window.latest_s)) == (20, 65)
    last = tables(full)[-1]
    assert last.caption.startswith("Predicted, not measured")
    assert [line[0].text for line in last.lines] == ["5/5 s, predicted", "25/20 s, predicted"]
    assert str(last.lines[1][1]) == "20 to 65 s middle 43 s"


def test_prediction_for_eventlet_over_websocket_has_its_own_rule(full: Summary) -> None:
    (one,) = [
        one
        for one in heartbeats(full)
        if str(one.cell) == "eventlet × websocket" and str(one.heartbeat) == "25/20"
    ]
    assert one.window == Window(20.0, 45.0, ["transport close", "ping timeout"])


def test_a_heartbeat_costs_its_cpu_once_per_interval() -> None:
    run = disconnects(sweep=("10/5",), server=False, modes=("gevent",), faults=NONE)
    summary = summarise(run)
    measured = {
        str(one.heartbeat): one.cpu_permille
        for one in heartbeats(summary)
        if one.cell.transport is Transport.POLLING
    }
    assert measured["10/5"] == pytest.approx(0.1 * (measured["1/1"] or 0), rel=0.4)
    assert measured["25/20"] == pytest.approx((measured["1/1"] or 0) / 25)


def test_the_cost_of_a_heartbeat_is_where_most_clients_had_it() -> None:
    few, many = (
        msgspec.structs.replace(
            ran(number, msgspec.structs.replace(measurement(row), metrics={"server_cpu": cpu_us})),
            generator=GeneratorFacts(connections=connections),
        )
        for number, row, connections, cpu_us in (
            (0, "disconnect:freeze", 21, 900.0),
            (1, "disconnect:freeze:10/5:1000", 1000, 500.0),
        )
    )
    plan = [planned(0, "disconnect:freeze"), planned(1, "disconnect:freeze:10/5:1000")]
    (cost,) = costs([summarise(result(plan, [few, many]))]).values()
    assert cost == Cost(1000, 500.0)


def test_a_server_of_ones_own_has_no_prediction_and_no_cost() -> None:
    run = disconnects(sweep=(), server=False, modes=("mine",), faults=NONE)
    bare = [
        msgspec.structs.replace(
            trial,
            server={},
            measurements=[
                msgspec.structs.replace(one, metrics=one.metrics | {"server_cpu": None})
                for one in trial.measurements
            ],
        )
        for trial in run.trials
    ]
    found = heartbeats(summarise(msgspec.structs.replace(run, trials=bare)))
    assert {(str(one.heartbeat), one.measured, one.cpu_permille) for one in found} == {
        ("1/1", True, None)
    }


def test_a_result_that_does_not_tell_its_heartbeat_predicts_nothing() -> None:
    assert heartbeats(summarise(realistic(blocks=1, scenarios=("disconnect",)))) == []


def test_every_choice_keeps_its_limit_even_if_all_clients_go_at_once() -> None:
    found = choices()
    # With whole seconds of interval nothing keeps two seconds for so many.
    assert {one.limit_s for one in found} == set(LIMITS_S) - {2}
    for one in found:
        interval_s, timeout_s = one.heartbeat.interval_s, one.heartbeat.timeout_s
        assert windows.longest_s(interval_s, timeout_s, PROMISED) <= one.limit_s
        assert interval_s == int(interval_s) >= 1
        assert max(one.usual.latest_s, one.eventlet.latest_s) < one.limit_s


def test_of_two_choices_one_forgives_more_and_one_costs_less() -> None:
    for limit_s in LIMITS_S[1:]:
        forgiving, cheap = [one.heartbeat for one in choices() if one.limit_s == limit_s]
        assert forgiving.timeout_s > cheap.timeout_s
        assert forgiving.messages_per_minute > cheap.messages_per_minute
