"""Outage: from the events of clients to who noticed when and was connected again when."""

from __future__ import annotations

import pytest

from loadtests.record.results import Measurement, Reconnection, Window
from loadtests.scenarios.disconnect.outage.summary import (
    Event,
    Happening,
    What,
    connected,
    reconnections,
    repeated,
    settled,
    summarise,
)
from loadtests.scenarios.disconnect.rows import OUTAGE_METRICS, Official, Outage, OutageRow
from loadtests.scenarios.registry import metrics_of
from loadtests.scenarios.scenario import without_numbers

ROW = OutageRow(Outage.KILL, Official.PYTHON)
AT_ONCE = Window(0.0, 0.0, ["transport error"])
SECOND = 1_000_000_000

#: The server goes at 10 s, another one can be reached from 13 s on, waiting is over at 20 s.
OUTAGE = Happening(gone_ns=10 * SECOND, back_ns=13 * SECOND, until_ns=20 * SECOND)


def on(at_s: float, client: int = 0) -> Event:
    return Event(client, What.CONNECT, round(at_s * SECOND))


def off(at_s: float, client: int = 0, reason: str = "transport error") -> Event:
    return Event(client, What.DISCONNECT, round(at_s * SECOND), reason)


def of_one(*events: Event) -> Reconnection:
    return reconnections(events, OUTAGE)[0]


def test_noticing_counts_from_the_end_and_connecting_from_when_it_is_possible_again():
    found = of_one(on(1), off(10.25), on(14.5))
    assert found == Reconnection(noticed_s=0.25, reason="transport error", reconnected_s=1.5)


def test_client_that_never_noticed_has_no_times():
    assert of_one(on(1)) == Reconnection(None, None, None)


def test_client_that_never_came_back_noticed_all_the_same():
    assert of_one(on(1), off(10.5)) == Reconnection(0.5, "transport error", None)


def test_client_that_came_back_after_the_waiting_did_not_come_back():
    assert of_one(on(1), off(10.5), on(20.1)).reconnected_s is None


def test_first_of_several_connects_counts_and_the_client_is_told():
    events = [on(1), off(10.5), on(14), off(15, reason="ping timeout"), on(17)]
    assert of_one(*events) == Reconnection(0.5, "transport error", 1.0)
    assert repeated(events, OUTAGE) == 1


def test_client_that_is_connected_again_once_is_none_that_is_connected_twice():
    assert repeated([on(1), off(10.5), on(14)], OUTAGE) == 0


def test_what_happened_in_an_earlier_outage_is_not_of_this_one():
    assert of_one(on(1), off(5), on(6), off(11), on(14)) == Reconnection(
        1.0, "transport error", 1.0
    )


def test_client_that_was_not_connected_when_the_server_went_takes_no_part():
    events = [on(1, client=0), on(1, client=1), off(9, client=1), on(15, client=1)]
    assert list(reconnections(events, OUTAGE)) == [0]


def test_events_are_put_in_order_of_time_before_they_are_read():
    assert of_one(on(14), off(10.5), on(1)) == Reconnection(0.5, "transport error", 1.0)


def test_crash_is_nobodys_connect():
    crash = Event(None, What.CRASH, 2 * SECOND, "ValueError: x in Thread-1")
    assert connected([on(1), crash], 3 * SECOND) == {0}


def test_waiting_is_over_when_all_have_noticed_and_are_back():
    gone = [on(1, 0), on(1, 1), off(10.1, 0), off(10.1, 1), on(14, 0)]
    assert not settled(gone, OUTAGE)
    assert settled([*gone, on(15, 1)], OUTAGE)


def test_waiting_is_not_over_while_somebody_has_not_noticed():
    assert not settled([on(1)], OUTAGE)


def summary(*found: Reconnection, expected: Window = AT_ONCE) -> Measurement:
    return summarise(ROW, found, expected, {"noticed": 10.0, "reconnected": 7.0})


def back(noticed_s: float, reconnected_s: float | None) -> Reconnection:
    return Reconnection(noticed_s, "transport error", reconnected_s)


NEVER_NOTICED = Reconnection(None, None, None)


def test_every_metric_of_an_outage_is_there():
    found = summary(*[back(0.01 * n, float(n)) for n in range(1, 21)])
    assert list(found.metrics) == list(metrics_of(str(ROW)))
    assert found.metrics == {
        "noticed_p50": 0.1,
        "noticed_p95": 0.19,
        "noticed_max": 0.2,
        "unnoticed": 0,
        "reconnected_p50": 10,
        "reconnected_p95": 19,
        "reconnected_max": 20,
        "not_reconnected": 0,
        "outside": 0,
    }
    assert found.invalid == {}
    assert found.samples == {"noticed": 20, "reconnected": 20}
    assert found.expected == AT_ONCE


def test_those_that_did_not_come_back_are_later_than_all_others():
    found = summary(back(0, 1), back(0, 2), back(0, None))
    assert found.metrics["reconnected_p50"] == 2
    assert found.metrics["reconnected_p95"] is None
    assert found.metrics["reconnected_max"] == 2
    assert found.metrics["not_reconnected"] == 1
    assert found.invalid == dict.fromkeys(
        ("reconnected_p95", "reconnected_max"),
        "clients were not connected again as long as they were waited for (1 of 3, 7 s)",
    )


def test_those_that_did_not_notice_are_later_than_all_others():
    found = summary(back(0, 1), NEVER_NOTICED, NEVER_NOTICED)
    assert found.metrics["noticed_p50"] is None
    assert found.metrics["noticed_max"] == 0
    assert found.metrics["unnoticed"] == 2
    assert found.metrics["outside"] == 0  # of those that did
    assert found.invalid["noticed_p50"] == (
        "clients did not notice as long as they were waited for (2 of 3, 10 s)"
    )


def test_median_of_none_that_noticed_is_no_number():
    found = summary(NEVER_NOTICED)
    assert found.metrics["noticed_max"] is None
    assert found.invalid.keys() >= {"noticed_p50", "noticed_p95", "noticed_max"}


@pytest.mark.parametrize(
    ("noticed_s", "reason", "outside"),
    [
        (0.2, "transport error", 0),  # within the tolerance
        (0.3, "transport error", 1),
        (0.1, "ping timeout", 1),  # for another reason
    ],
)
def test_client_outside_of_its_window_is_counted(noticed_s, reason, outside):
    found = summary(Reconnection(noticed_s, reason, 1.0))
    assert found.metrics["outside"] == outside


def test_row_whose_clients_were_all_lost_before_is_unavailable_and_not_zero():
    found = summary()
    assert set(found.metrics.values()) == {None}
    assert set(found.unavailable.values()) == {"no client was connected when the server went"}


def test_row_of_a_client_that_is_not_installed_says_what_to_do():
    found = without_numbers(OUTAGE_METRICS, str(ROW), "run: make node")
    assert found.row == "disconnect:server-kill:python"
    assert found.metrics == dict.fromkeys(metrics_of(str(ROW)))
    assert found.unavailable == dict.fromkeys(metrics_of(str(ROW)), "run: make node")
