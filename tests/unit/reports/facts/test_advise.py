"""Advice: a measurement says yes to lighter loads, no to heavier ones, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.record.words import Transport
from loadtests.run.experiment import parse
from reports.facts.advise import advise, kept_by
from reports.facts.advise_words import NAMES, TOML, WORDS, rate, spelled, time
from reports.facts.asked import asked, in_sum, to_measure
from reports.facts.loads import (
    Advice,
    CellKnown,
    Decision,
    Grounds,
    Keeping,
    Known,
    Need,
    Needs,
)
from reports.facts.rows import Cell

CELL = Cell("gevent", Transport.WEBSOCKET)
SETTINGS = (
    Keeping(5, 2, 0.6, "ping_interval=2 and ping_timeout=0.6"),
    Keeping(10, 3, 2, "ping_interval=3 and ping_timeout=2"),
)


def known(clients: int, rate_hz: float, low: float, value: float, high: float) -> Known:
    """A p99 that was measured."""
    return Known(
        told="its p99",
        clients=clients,
        rate_hz=rate_hz,
        at_least_ms=low,
        value_ms=value,
        at_most_ms=high,
    )


def cell(need: Need = Need.ECHO, *points: Known, **more: Any) -> CellKnown:
    return CellKnown(CELL, {need: points}, **({"cost_us": {}} | more))


def said(needs: Needs, what: CellKnown, need: Need) -> Advice:
    [answer] = advise(needs, [what], SETTINGS)
    return next(one for one in answer.advice if one.need is need)


def echo(*points: Known, clients: int = 40, echo_hz: float = 5, p99_ms: float = 100) -> Advice:
    """What is said of 200 echoes a second of 40 clients within 100 ms."""
    needs = Needs(clients=clients, echo_hz=echo_hz, p99_ms=p99_ms)
    return said(needs, cell(Need.ECHO, *points), Need.ECHO)


@pytest.mark.parametrize(
    ("point", "decision", "grounds"),
    [
        (known(40, 200, 80, 90, 100), Decision.MET, Grounds.HELD),
        (known(50, 300, 80, 90, 100), Decision.MET, Grounds.HELD),
        (known(40, 200, 101, 110, 120), Decision.NOT_MET, Grounds.BEYOND_TIME),
        (known(30, 100, 101, 110, 120), Decision.NOT_MET, Grounds.BEYOND_TIME),
        (known(40, 200, 80, 90, 101), Decision.NOT_MEASURED, Grounds.UNDECIDED),
        (known(40, 200, 99, 110, 120), Decision.NOT_MEASURED, Grounds.UNDECIDED),
        (known(20, 200, 80, 90, 100), Decision.NOT_MEASURED, Grounds.FEWER),
        (known(40, 199, 80, 90, 100), Decision.NOT_MEASURED, Grounds.SLOWER),
        (known(39, 199, 80, 90, 100), Decision.NOT_MEASURED, Grounds.OTHER),
        (known(41, 200, 101, 110, 120), Decision.NOT_MEASURED, Grounds.OTHER),
        (known(40, 201, 101, 110, 120), Decision.NOT_MEASURED, Grounds.OTHER),
        (Known(told="", clients=40, rate_hz=200), Decision.NOT_MEASURED, Grounds.DISTRUSTED),
        (
            Known(told="", clients=40, rate_hz=200, value_ms=3),
            Decision.NOT_MEASURED,
            Grounds.UNDECIDED,
        ),
        (
            Known(told="", clients=40, rate_hz=200, overloaded=True),
            Decision.NOT_MET,
            Grounds.OVERLOADED,
        ),
        (
            Known(told="", clients=40, rate_hz=400, overloaded=True),
            Decision.NOT_MEASURED,
            Grounds.OTHER,
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_one_measurement_decides_no_more_than_it_can(
    point: Known, decision: Decision, grounds: Grounds
) -> None:
    found = echo(point)
    assert (found.decision, found.grounds) == (decision, grounds)


def test_nothing_measured_is_said_to_be_that() -> None:
    found = echo()
    assert (found.decision, found.grounds) == (Decision.NOT_MEASURED, Grounds.NOTHING)
    assert found.text == "This run did not measure it."


def test_not_met_says_by_how_much() -> None:
    assert "10 ms beyond the limit" in echo(known(40, 200, 101, 110, 120)).text


def test_the_limit_itself_is_kept_by_a_p99_of_just_that() -> None:
    assert echo(known(40, 200, 100, 100, 100)).decision is Decision.MET


def test_the_limit_itself_is_missed_where_a_search_ended_at_it() -> None:
    end = Known(told="", clients=40, rate_hz=100, at_least_ms=100, value_ms=100, bears=90)
    found = echo(end)
    assert (found.decision, found.grounds) == (Decision.NOT_MET, Grounds.BEYOND_LOAD)
    assert "asked is 2.22 times as much" in found.text


def test_measurements_that_contradict_each_other_decide_nothing() -> None:
    found = echo(known(40, 400, 1, 2, 3), known(40, 100, 101, 110, 120))
    assert (found.decision, found.grounds) == (Decision.NOT_MEASURED, Grounds.DISAGREE)


def test_the_measurement_nearest_to_what_is_asked_is_told() -> None:
    points = [known(40, hz, 1, 2, 3) for hz in (800, 200, 400)]
    told = [Known(**{**as_fields(one), "told": f"at {one.rate_hz:g}"}) for one in points]
    assert echo(*told).text == "At 200."


def as_fields(point: Known) -> dict[str, Any]:
    return {name: getattr(point, name) for name in Known.__dataclass_fields__}


def test_fewer_clients_at_the_same_rate_are_shown_and_are_no_proof() -> None:
    found = echo(known(40, 1000, 1, 2, 3), clients=500, echo_hz=2)
    assert found.decision is Decision.NOT_MEASURED
    assert "with fewer clients: its p99. With 500 not measured." in found.text


def test_more_than_a_core_is_not_met_by_arithmetic_and_less_is_never_met() -> None:
    needs = Needs(clients=100, echo_hz=100, p99_ms=50)
    dear = said(needs, cell(cost_us={Need.ECHO: 101.0}), Need.ECHO)
    assert (dear.decision, dear.grounds) == (Decision.NOT_MET, Grounds.ARITHMETIC)
    assert "about 101 % of one core" in dear.text
    assert "(arithmetic)" in dear.text
    cheap = said(needs, cell(cost_us={Need.ECHO: 100.0}), Need.ECHO)
    assert cheap.decision is Decision.NOT_MEASURED
    assert "about 100 % of one core" in cheap.text


def test_arithmetic_contradicts_no_measurement() -> None:
    what = cell(Need.ECHO, known(100, 10_000, 1, 2, 3), cost_us={Need.ECHO: 500.0})
    found = said(Needs(clients=100, echo_hz=100, p99_ms=50), what, Need.ECHO)
    assert found.decision is Decision.MET
    assert "core" not in found.text


def test_a_broadcast_costs_each_of_its_copies() -> None:
    needs = Needs(clients=1000, broadcast_hz=20, p99_ms=50)
    found = said(needs, cell(cost_us={Need.BROADCAST: 51.0}), Need.BROADCAST)
    assert found.grounds is Grounds.ARITHMETIC
    assert "102 %" in found.text


def test_both_loads_at_once_are_never_said_to_be_measured() -> None:
    needs = Needs(clients=100, echo_hz=1, broadcast_hz=1, p99_ms=50)
    points = {Need.ECHO: [known(100, 100, 1, 2, 3)], Need.BROADCAST: [known(100, 1, 1, 2, 3)]}
    clients = Known(told="", clients=100, at_most_ms=0, at_least_ms=0, value_ms=0)
    costs = {Need.ECHO: 100.0, Need.BROADCAST: 100.0}
    what = CellKnown(CELL, points | {Need.CLIENTS: [clients]}, costs)
    [answer] = advise(needs, [what])
    assert [one.decision for one in answer.advice] == [
        Decision.MET,
        Decision.MET,
        Decision.MET,
        Decision.NOT_MEASURED,
    ]
    assert answer.decision is Decision.MET
    assert in_sum([answer]) == [
        "All of it is met by measurement, each need alone: gevent × websocket."
    ]
    [dear] = advise(needs, [CellKnown(CELL, what.known, dict.fromkeys(costs, 6000.0))])
    assert dear.advice[-1].grounds is Grounds.ARITHMETIC
    assert dear.decision is Decision.NOT_MET


def silent(*points: Known, detect_ms: float = 10_000) -> Advice:
    needs = Needs(clients=500, detect_ms=detect_ms)
    return said(needs, cell(Need.SILENT, *points), Need.SILENT)


def test_one_heartbeat_that_keeps_it_is_enough() -> None:
    short, long = known(0, 0, 8e3, 8e3, 8e3), known(0, 0, 65e3, 65e3, 65e3)
    assert silent(short, long).decision is Decision.MET
    missed = silent(long)
    assert (missed.decision, missed.grounds) == (Decision.NOT_MET, Grounds.BEYOND_TIME)
    assert "55 s later than asked" in missed.text


def test_what_does_not_keep_it_names_a_heartbeat_that_does() -> None:
    assert "ping_interval=3 and ping_timeout=2 keeps it" in silent().text
    assert "ping_interval=2 and ping_timeout=0.6 keeps it" in silent(detect_ms=9_999).text
    assert "No heartbeat keeps it" in silent(detect_ms=4_999).text
    assert kept_by(10_000, SETTINGS) is SETTINGS[1]


def test_clients_need_memory_by_arithmetic() -> None:
    found = said(Needs(clients=512), cell(connection_kib=100.0), Need.CLIENTS)
    assert "About 50 MiB for the connections alone (arithmetic)" in found.text


def test_what_is_not_asked_is_not_answered() -> None:
    [answer] = advise(Needs(clients=5), [cell()], SETTINGS)
    assert [one.need for one in answer.advice] == [Need.CLIENTS]


@pytest.mark.parametrize("clients", [1, 2, 3, 4, 5, 500, 100_000])
@pytest.mark.parametrize(("echo_hz", "broadcast_hz"), [(0.02, 0.02), (2, 5), (10_000, 10_000)])
def test_what_to_measure_is_an_experiment_that_can_be_run(
    clients: int, echo_hz: float, broadcast_hz: float
) -> None:
    needs = Needs(
        clients=clients, echo_hz=echo_hz, broadcast_hz=broadcast_hz, p99_ms=100, detect_ms=10_000
    )
    text = to_measure(needs, advise(needs, [cell()], SETTINGS), SETTINGS)
    experiment: Any = parse(text, "advise.toml")
    assert set(experiment.scenarios) == {"broadcast", "curve", "connections", "disconnect"}
    assert experiment.broadcast.recipients == clients
    assert experiment.curve.clients == clients
    assert experiment.curve.rates_hz[0] >= min(1_000_000, clients * echo_hz)
    assert experiment.connections.steps[-1] >= clients
    assert experiment.disconnect.ping_interval_s == 3


def test_where_all_was_measured_there_is_nothing_left_to_measure() -> None:
    needs = Needs(clients=40)
    point = Known(told="", clients=40, at_most_ms=0, at_least_ms=0, value_ms=0)
    cells = advise(needs, [cell(Need.CLIENTS, point)])
    assert to_measure(needs, cells, SETTINGS) == ""


def test_the_question_says_the_load_of_all_clients() -> None:
    needs = Needs(clients=500, echo_hz=2, broadcast_hz=0.5, p99_ms=100, detect_ms=10_000)
    assert asked(needs) == (
        "500 clients at the same time; 2 echoes a second of each, 1,000 of all, 99 of 100 within "
        "100 ms; 0.5 broadcasts a second of the whole application, each to all clients, 99 of 100 "
        "copies within 100 ms; a client that falls silent noticed within 10 s"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0625, "0.063"),
        (2.125, "2.13"),
        (12.25, "12.3"),
        (100.5, "101"),
        (1e6, "1,000,000"),
    ],
)
def test_halves_go_up_as_they_do_in_the_form(value: float, text: str) -> None:
    assert spelled(value) == text


def test_times_and_rates_are_read_as_they_are_written() -> None:
    assert [time(100), time(1500), rate(0.02), rate(12_000)] == [
        "100 ms",
        "1.5 s",
        "0.02",
        "12,000",
    ]


def test_every_need_has_a_name_and_every_grounds_a_sentence() -> None:
    assert list(NAMES) == list(Need)
    assert {grounds for grounds in Grounds if grounds not in WORDS} == set()
    assert set(TOML) <= {"file", *Need}
