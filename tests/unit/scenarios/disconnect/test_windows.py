"""Expected windows: the rule's numbers, spelled out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.record.results import Window
from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.windows import (
    TAB_CLOSES_S,
    Situation,
    is_outside,
    longest_s,
    scan_gap_s,
    window,
    window_at,
)

POLLING, WEBSOCKET = Transport
SILENT = Situation(WEBSOCKET, Cause.FREEZE, 25, 20, "simple-websocket", 1, 1)
WAITS_S = pytest.approx(0, abs=1.1 * windows.WAIT_LATE_S)

HEARTBEATS = [(25, 20), (10, 5), (5, 5), (2, 2)]


# --- the table that the documentation shows


@pytest.mark.parametrize(
    ("heartbeat", "idle", "busy"),
    [
        ((25, 20), (20, 65), (20, 46)),
        ((10, 5), (5, 20), (5, 16)),
        ((5, 5), (5, 15), (5, 11)),
        ((2, 2), (2, 6), (2, 5)),
    ],
)
@pytest.mark.parametrize(
    ("transport", "websocket"),
    [
        (POLLING, "simple-websocket"),
        (POLLING, "eventlet"),
        (WEBSOCKET, "simple-websocket"),
        (WEBSOCKET, "gevent-websocket"),
    ],
)
def test_silent_client_is_noticed_by_the_scan_or_by_the_next_send(
    transport: Transport,
    websocket: str,
    heartbeat: tuple[float, float],
    idle: tuple[float, float],
    busy: tuple[float, float],
) -> None:
    interval_s, timeout_s = heartbeat
    case = Situation(transport, Cause.CUT, interval_s, timeout_s, websocket, 1, 1)
    for sent_every_s, (earliest_s, latest_s) in ((None, idle), (1.0, busy)):
        found = window(replace(case, sent_every_s=sent_every_s))
        assert found.earliest_s == earliest_s
        assert found.latest_s - latest_s == WAITS_S
        assert found.reasons == ["ping timeout"]


@pytest.mark.parametrize("sent_every_s", [None, 1.0])
@pytest.mark.parametrize(("interval_s", "timeout_s"), HEARTBEATS)
def test_eventlet_notices_a_silent_websocket_when_its_read_times_out(
    interval_s: float, timeout_s: float, sent_every_s: float | None
) -> None:
    case = Situation(
        WEBSOCKET, Cause.FREEZE, interval_s, timeout_s, "eventlet", 100, 100, sent_every_s
    )
    reasons = ["transport close", "ping timeout"]
    assert window(case) == Window(timeout_s, interval_s + timeout_s, reasons)
    at_s = interval_s / 4
    due_s = interval_s - at_s + timeout_s
    assert window_at(case, at_s) == Window(due_s, due_s, reasons)


@pytest.mark.parametrize("sent_every_s", [None, 1.0])
@pytest.mark.parametrize(
    ("heartbeat", "earliest_s", "latest_s"),
    [
        ((25, 20), 3, 40),  # all of it uWSGI's 30 s and 3 s
        ((60, 60), 3, 40),
        ((10, 5), 3, 20),
        ((10, 2), 2, 14),
    ],
)
def test_uwsgi_notices_a_silent_websocket_by_whichever_heartbeat_is_the_first(
    heartbeat: tuple[float, float], earliest_s: float, latest_s: float, sent_every_s: float | None
) -> None:
    case = Situation(WEBSOCKET, Cause.FREEZE, *heartbeat, "uwsgi", 1, 1, sent_every_s)
    found = window(case)
    assert found.earliest_s == earliest_s
    assert found.latest_s <= latest_s + 1.1 * windows.WAIT_LATE_S
    assert sent_every_s is not None or found.latest_s >= latest_s
    assert found.reasons == ["ping timeout", "transport close"]


def test_uwsgis_heartbeat_comes_too_late_where_the_librarys_is_quick() -> None:
    case = Situation(WEBSOCKET, Cause.FREEZE, 0.5, 0.5, "uwsgi", 1, 1)
    assert window(case) == window(replace(case, websocket="simple-websocket"))


@pytest.mark.parametrize("cause", [Cause.KILL, Cause.RESET, Cause.FREEZE, Cause.CUT, Cause.CLOSE])
def test_uwsgi_is_like_the_others_over_polling(cause: Cause) -> None:
    case = Situation(POLLING, cause, 25, 20, "uwsgi", 50, 20)
    assert window(case) == window(replace(case, websocket="simple-websocket"))


def test_uwsgi_may_not_hear_a_goodbye_but_notices_at_once() -> None:
    case = Situation(WEBSOCKET, Cause.CLOSE, 25, 20, "uwsgi", 50, 20)
    assert window(case) == Window(0.0, 0.0, ["client disconnect", "transport close"])
    killed = replace(case, cause=Cause.KILL)
    assert window(killed) == Window(0.0, 0.0, ["transport close"])


@pytest.mark.parametrize(
    ("transport", "cause", "reason"),
    [
        (WEBSOCKET, Cause.CLOSE, "client disconnect"),
        (POLLING, Cause.CLOSE, "client disconnect"),
        (WEBSOCKET, Cause.KILL, "transport close"),
        (WEBSOCKET, Cause.RESET, "transport close"),
    ],
)
@pytest.mark.parametrize("websocket", ["simple-websocket", "eventlet", "gevent-websocket"])
def test_what_the_server_is_told_it_knows_at_once(
    transport: Transport, cause: Cause, reason: str, websocket: str
) -> None:
    case = Situation(transport, cause, 25, 20, websocket, 50, 20)
    assert window(case) == window_at(case, 3.0) == Window(0.0, 0.0, [reason])


def test_closed_tab_is_known_as_soon_as_the_browser_has_closed_it() -> None:
    case = Situation(WEBSOCKET, Cause.TAB, 25, 20, "simple-websocket", 50, 20)
    assert window(case) == Window(0.0, TAB_CLOSES_S, ["transport close"])


@pytest.mark.parametrize("cause", [Cause.KILL, Cause.RESET, Cause.TAB, Cause.FREEZE, Cause.CUT])
def test_over_polling_every_way_of_going_without_a_word_is_silence(cause: Cause) -> None:
    silent = Situation(POLLING, Cause.CUT, 25, 20, "eventlet", 50, 20)
    assert window(replace(silent, cause=cause)) == window(silent)
    assert window_at(replace(silent, cause=cause), 7.0) == window_at(silent, 7.0)


# --- the phase


def test_client_is_noticed_the_sooner_the_longer_it_was_silent_before_it_went() -> None:
    assert window_at(SILENT, 0.0).earliest_s == 45
    assert window_at(SILENT, 10.0).earliest_s == 35
    assert window_at(SILENT, 10.0).latest_s - 55 == WAITS_S


def test_client_with_a_ping_that_it_did_not_answer_is_noticed_sooner_still() -> None:
    assert window_at(SILENT, 30.0).earliest_s == 15
    assert window_at(SILENT, 30.0).reasons == ["ping timeout"]


def test_nobody_is_noticed_before_going() -> None:
    found = window_at(SILENT, 90.0)
    assert (found.earliest_s, found.latest_s) == (0.0, 0.0)
    eventlet = window_at(replace(SILENT, websocket="eventlet"), 90.0)
    assert (eventlet.earliest_s, eventlet.latest_s) == (0.0, 0.0)


def test_get_left_behind_may_be_what_ends_a_polling_client_that_went_before_its_answer() -> None:
    case = Situation(POLLING, Cause.FREEZE, 5, 10, "simple-websocket", 1, 1)
    both = ["ping timeout", "transport error"]
    assert window_at(case, 5.5).reasons == both
    assert window_at(case, 4.5).reasons == window(case).reasons == ["ping timeout"]
    assert window_at(replace(case, sent_every_s=1.0), 5.5).reasons == ["ping timeout"]
    assert window_at(replace(case, sent_every_s=20.0), 5.5).reasons == both
    assert window_at(replace(case, ping_interval_s=25), 25.5).reasons == ["ping timeout"]
    assert window_at(replace(case, transport=WEBSOCKET), 5.5).reasons == ["ping timeout"]


# --- the scan


@pytest.mark.parametrize("connections", [1, 7, 1000])
def test_scan_looks_once_per_timeout_while_nobody_else_goes(connections: int) -> None:
    late_s = connections * windows.WAIT_LATE_S
    assert scan_gap_s(20, connections, 1) == pytest.approx(20 + late_s)


def test_longest_gap_is_that_of_every_place_and_every_number_that_goes() -> None:
    """Against all of it: who goes before a socket, and who behind, in one round."""
    for n in range(1, 20):
        for leaving in range(1, n + 1):
            gaps = [
                1 + (place - before) / (n - before - behind) - place / n
                for place in range(n)
                for before in range(min(place, leaving - 1) + 1)
                for behind in range(min(n - 1 - place, leaving - 1 - before) + 1)
            ]
            late_s = n * windows.WAIT_LATE_S
            assert scan_gap_s(1, n, leaving) - late_s == pytest.approx(max(gaps)), (n, leaving)


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.1, 100))
def test_two_looks_are_never_two_timeouts_apart(n: int, leaving: int, timeout_s: float) -> None:
    gap_s = scan_gap_s(timeout_s, n, leaving) - n * windows.WAIT_LATE_S
    assert timeout_s * 0.999999 <= gap_s < 2 * timeout_s
    assert gap_s <= timeout_s * (1 + min(leaving, n) / n) * 1.000001


@given(
    st.sampled_from(Transport),
    st.sampled_from(Cause),
    st.sampled_from(["simple-websocket", "eventlet", "gevent-websocket", "uwsgi"]),
    st.floats(0.1, 100),
    st.floats(0.1, 100),
    st.integers(1, 2000),
    st.none() | st.floats(0.1, 100),
    st.floats(0, 1),
    st.data(),
)
def test_windows_nest(
    transport: Transport,
    cause: Cause,
    websocket: str,
    interval_s: float,
    timeout_s: float,
    connections: int,
    sent_every_s: float | None,
    phase: float,
    data: st.DataObject,
) -> None:
    """Of a client, of its row, of all."""
    leaving = data.draw(st.integers(1, connections))
    case = Situation(
        transport, cause, interval_s, timeout_s, websocket, connections, leaving, sent_every_s
    )
    whole, own = window(case), window_at(case, phase * interval_s)
    slack_s = 1e-9
    assert whole.earliest_s - slack_s <= own.earliest_s <= own.latest_s
    assert own.latest_s <= whole.latest_s + slack_s
    assert whole.latest_s <= longest_s(interval_s, timeout_s, connections) + slack_s
    assert set(own.reasons) <= set(whole.reasons)


# --- what contradicts a window


@pytest.mark.parametrize(
    ("detected_s", "reason", "outside"),
    [
        (20.0, "ping timeout", False),
        (19.8, "ping timeout", False),
        (65.2, "ping timeout", False),
        (19.7, "ping timeout", True),
        (65.3, "ping timeout", True),
        (30.0, "transport close", True),
        (30.0, None, True),
        (None, None, True),
        (None, "ping timeout", True),
    ],
)
def test_outside_is_early_late_never_or_for_another_reason(
    detected_s: float | None, reason: str | None, outside: bool
) -> None:
    assert is_outside(detected_s, reason, Window(20, 65, ["ping timeout"])) is outside
