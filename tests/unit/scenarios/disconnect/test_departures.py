"""Departures: what became of each client that went, and the numbers of a row."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.arithmetic.usage import Usage
from loadtests.record.results import Detection, Measurement
from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect.departures import (
    Departure,
    Notice,
    Surroundings,
    detections,
    summarise,
)
from loadtests.scenarios.disconnect.rows import DEPARTURE_METRICS, DepartureRow
from loadtests.scenarios.disconnect.windows import Situation, window, window_at
from loadtests.scenarios.scenario import without_numbers
from tests.support.simulation import MS, SECOND

USAGE = Usage(SECOND, SECOND // 10, SECOND // 2)
KILL = DepartureRow(Cause.KILL)

#: A killed polling client: silent, so noticed between the timeout and some seconds more.
SITUATION = Situation(
    transport=Transport.POLLING,
    cause=Cause.KILL,
    ping_interval_s=2,
    ping_timeout_s=1,
    websocket="simple-websocket",
    connections=100,
    leaving=3,
)


def left(
    sid: str, gone_ns: int, due_ns: int | None = None, pinged_ns: int | None = None
) -> Departure:
    return Departure(sid, KILL, gone_ns if due_ns is None else due_ns, gone_ns, pinged_ns)


def summary(departures: list[Departure], noticed: Any, **changes: Any) -> Measurement:
    arguments: dict[str, Any] = {
        "start_ns": 0,
        "window_ns": 5 * SECOND,
        "heartbeats": 10,
        "own_heartbeats": 5,
        "usage": USAGE,
        "server_mib": 40.0,
        "receive_lag_ns": [1000, 2000],
    }
    around = Surroundings(**(arguments | changes))
    return summarise(KILL, departures, notices(noticed), SITUATION, around)


def notices(noticed: dict[str, Any]) -> dict[str, Notice]:
    return {sid: Notice(*each) for sid, each in noticed.items()}


# --- what became of each


@pytest.mark.parametrize(
    ("at_ns", "detected_s", "reason"),
    [
        (100 + 2 * SECOND, 2.0, "two seconds later"),
        (100 + 5 * SECOND, 5.0, "at the last moment of its window"),
        (101 + 5 * SECOND, None, "later than its window"),
        (100, 0.0, "at once"),
        (100 - SECOND, -1.0, "before it went: that is shown, not hidden"),
        (None, None, "never"),
    ],
)
def test_detection_runs_from_departure_to_handler(
    at_ns: int | None, detected_s: float | None, reason: str
) -> None:
    noticed = {} if at_ns is None else {"a": Notice(at_ns, "why")}
    [found] = detections([left("a", 100)], noticed, SITUATION, start_ns=0, window_ns=5 * SECOND)
    words = None if detected_s is None else "why"
    calls = 0 if detected_s is None else 1
    expected = window(SITUATION)
    assert Detection(100 / 1e9, detected_s, words, None, expected, calls) == found, reason


def test_detections_are_in_the_order_of_departure() -> None:
    departures = [left("b", 3 * SECOND), left("a", 2 * SECOND)]
    noticed = notices({"a": (4 * SECOND, "x"), "b": (4 * SECOND, "y")})
    found = detections(departures, noticed, SITUATION, start_ns=SECOND, window_ns=5 * SECOND)
    assert [(each.gone_s, each.detected_s, each.reason) for each in found] == [
        (1.0, 2.0, "x"),
        (2.0, 1.0, "y"),
    ]


def test_client_whose_phase_is_known_has_a_window_of_its_own() -> None:
    departures = [left("a", 3 * SECOND, pinged_ns=2 * SECOND), left("b", 4 * SECOND)]
    known, unknown = detections(departures, {}, SITUATION, start_ns=0, window_ns=SECOND)
    assert (known.silent_s, known.expected) == (1.0, window_at(SITUATION, 1.0))
    assert (unknown.silent_s, unknown.expected) == (None, window(SITUATION))


# --- numbers


def test_summary_has_the_quickest_the_middle_and_the_slowest() -> None:
    departures = [left(sid, 0) for sid in "abc"]
    found = summary(departures, {sid: (n * SECOND, "r") for n, sid in enumerate("abc", 1)})
    assert tuple(
        found.metrics[name]
        for name in ("detection_min", "detection_p50", "detection_max", "undetected")
    ) == (1.0, 2.0, 3.0, 0)
    assert DEPARTURE_METRICS.keys() == found.metrics.keys()
    assert (found.row, found.invalid, found.unavailable) == ("disconnect:kill", {}, {})
    assert found.samples == {"detection": 3}


def test_undetected_client_is_later_than_all_others() -> None:
    # Of four, two were noticed: the median is the second, still known; the maximum is not.
    departures = [left(sid, 0) for sid in "abcd"]
    found = summary(departures, {"a": (SECOND, "r"), "b": (2 * SECOND, "r")})
    assert tuple(
        found.metrics[name]
        for name in ("undetected", "detection_min", "detection_p50", "detection_max")
    ) == (2, 1.0, 2.0, 2.0)
    assert {"detection_max"} == found.invalid.keys()
    assert found.invalid["detection_max"] == "clients were not noticed within 5 s (2 of 4)"


def test_median_among_the_undetected_is_not_known() -> None:
    departures = [left(sid, 0) for sid in "abc"]
    found = summary(departures, {"a": (SECOND, "r")})
    assert (found.metrics["detection_min"], found.metrics["detection_p50"]) == (1.0, None)
    assert {"detection_p50", "detection_max"} == found.invalid.keys()


def test_nobody_noticed_is_not_a_detection_time_of_zero() -> None:
    found = summary([left("a", 0)], {})
    names = ("detection_min", "detection_p50", "detection_max")
    assert [found.metrics[name] for name in names] == [None] * 3
    assert set(names) == found.invalid.keys()
    assert found.metrics["undetected"] == 1
    assert [(d.detected_s, d.reason, d.calls) for d in found.detections] == [(None, None, 0)]


def test_client_given_up_before_it_went_spoils_all_three() -> None:
    found = summary([left("a", SECOND), left("b", 0)], {"a": (0, "r"), "b": (SECOND, "r")})
    assert {"detection_min", "detection_p50", "detection_max"} == found.invalid.keys()
    assert "the server gave clients up before they went" in found.invalid["detection_min"]


def test_client_outside_of_its_window_is_counted_and_stays_a_number() -> None:
    latest_s = window(SITUATION).latest_s
    times = {"a": 2.0, "b": latest_s + 1, "c": 0.1}
    found = summary(
        [left(sid, 0) for sid in "abcd"],
        {sid: (round(s * SECOND), "ping timeout") for sid, s in times.items()}
        | {"d": (2 * SECOND, "another reason")},
        window_ns=60 * SECOND,
    )
    assert found.metrics["outside"] == 3
    assert found.invalid == {}
    assert found.expected == window(SITUATION)


def test_handler_that_ran_twice_for_a_client_is_counted_once() -> None:
    found = summary([left("a", 0), left("b", 0)], {"a": (SECOND, "r", 3), "b": (SECOND, "r", 1)})
    assert found.metrics["repeated"] == 1


def test_cause_that_is_missing_here_has_no_number_and_says_why() -> None:
    found = without_numbers(DEPARTURE_METRICS, "disconnect:tab:busy", "no Chromium")
    assert found.row == "disconnect:tab:busy"
    assert found.metrics == dict.fromkeys(DEPARTURE_METRICS)
    assert found.unavailable == dict.fromkeys(DEPARTURE_METRICS, "no Chromium")


def test_lateness_is_of_the_departures() -> None:
    found = summary([left("a", 3 * MS, due_ns=MS)], {"a": (SECOND, "r")})
    assert found.metrics["lateness_p99"] == 2.0


def test_cpu_is_per_heartbeat_the_generators_per_those_of_its_own_clients() -> None:
    found = summary([left("a", 0)], {"a": (1, "r")}, heartbeats=100, own_heartbeats=50)
    assert (found.metrics["server_cpu"], found.metrics["generator_cpu"]) == (5000.0, 2000.0)


def test_receive_lag_of_no_heartbeat_has_its_reason() -> None:
    found = summary(
        [left("a", 0)], {"a": (1, "r")}, heartbeats=0, own_heartbeats=0, receive_lag_ns=[]
    )
    assert found.metrics["receive_lag_p99"] is None
    assert {"receive_lag_p99", "server_cpu", "generator_cpu"} == found.unavailable.keys()
