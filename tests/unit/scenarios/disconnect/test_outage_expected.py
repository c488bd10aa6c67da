"""Outage: when the official clients must notice and try again, held against the libraries."""

from __future__ import annotations

import random
from typing import Any

import engineio
import pytest
import socketio
from hypothesis import given
from hypothesis import strategies as st

from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.outage.expected import (
    ATTEMPT_S,
    PYTHON_REASON,
    delay_s,
    noticed,
    observed_s,
    reconnected_latest_s,
)
from loadtests.scenarios.disconnect.rows import Official, Outage

PYTHON, JAVASCRIPT = Official.PYTHON, Official.JAVASCRIPT
POLLING, WEBSOCKET = Transport.POLLING, Transport.WEBSOCKET


def window(
    client: Official, outage: Outage, transport: Transport, heartbeat: tuple[float, float]
) -> tuple[float, float, list[str]]:
    interval_s, timeout_s = heartbeat
    found = noticed(client, outage, transport, ping_interval_s=interval_s, ping_timeout_s=timeout_s)
    return (found.earliest_s, found.latest_s, found.reasons)


@pytest.mark.parametrize("outage", [Outage.KILL, Outage.RESTART])
@pytest.mark.parametrize(
    ("client", "transport", "reasons"),
    [
        (PYTHON, POLLING, ["transport error"]),
        (PYTHON, WEBSOCKET, ["transport error"]),
        (JAVASCRIPT, POLLING, ["transport error"]),
        (JAVASCRIPT, WEBSOCKET, ["transport close", "transport error"]),
    ],
)
def test_connection_that_the_kernel_closes_is_noticed_at_once(outage, client, transport, reasons):
    assert window(client, outage, transport, (25, 20)) == (0, 0, reasons)


@pytest.mark.parametrize("transport", list(Transport))
def test_javascript_notices_silence_after_interval_and_timeout_over_either_transport(transport):
    assert window(JAVASCRIPT, Outage.FREEZE, transport, (25, 20)) == (20, 45, ["ping timeout"])


def test_python_notices_silence_on_a_websocket_after_interval_and_timeout():
    assert window(PYTHON, Outage.FREEZE, WEBSOCKET, (25, 20)) == (20, 45, ["transport error"])


@pytest.mark.parametrize(
    ("heartbeat", "expected"), [((1, 1), (5, 6)), ((25, 20), (5, 30)), ((5, 20), (20, 25))]
)
def test_python_notices_silence_on_long_polling_when_the_poll_times_out(heartbeat, expected):
    assert window(PYTHON, Outage.FREEZE, POLLING, heartbeat) == (*expected, ["transport error"])


def test_python_library_gives_a_poll_the_longer_of_interval_and_timeout_and_five_seconds():
    timeouts = []

    class Client(engineio.Client):
        def _send_request(self, *_: Any, timeout: float, **__: Any) -> None:
            timeouts.append(timeout)

    class Ended:
        def join(self) -> None:
            pass

    client = Client(handle_sigint=False)
    client.state, client.base_url, client.write_loop_task = "connected", "http://x/?", Ended()
    client.ping_interval, client.ping_timeout = 25, 20
    given_reasons: list[str] = []
    client.on("disconnect", given_reasons.append)
    client._read_loop_polling()
    assert timeouts == [noticed_latest_s(PYTHON, POLLING)]
    assert given_reasons == [PYTHON_REASON]


def test_python_library_gives_a_read_from_a_websocket_interval_and_timeout(monkeypatch):
    timeouts = []

    class Connection:
        def recv(self) -> str:
            return '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'

        def settimeout(self, seconds: float) -> None:
            timeouts.append(seconds)

    class Client(engineio.Client):
        def start_background_task(self, *_: Any, **__: Any) -> None:
            pass

    monkeypatch.setattr("websocket.create_connection", lambda *_, **__: Connection())
    client = Client(handle_sigint=False)
    client.connect("http://x", transports=["websocket"])
    engineio.base_client.connected_clients.remove(client)
    assert timeouts == [noticed_latest_s(PYTHON, WEBSOCKET)]


def noticed_latest_s(client: Official, transport: Transport) -> float:
    return window(client, Outage.FREEZE, transport, (25, 20))[1]


@pytest.mark.parametrize("drawn", [0.0, 0.999_999])
def test_python_library_waits_as_long_as_derived_before_each_attempt(monkeypatch, drawn):
    waits: list[float] = []

    class Abort:
        def clear(self) -> None:
            pass

        def wait(self, seconds: float) -> bool:
            waits.append(seconds)
            return len(waits) == 6

    class Client(socketio.Client):
        def connect(self, *_: Any, **__: Any) -> None:
            raise socketio.exceptions.ConnectionError("nobody there")

    client = Client(handle_sigint=False)
    client._reconnect_abort = Abort()
    monkeypatch.setattr(random, "random", lambda: drawn)
    client._handle_reconnect()
    bounds = [delay_s(PYTHON, attempt)[round(drawn)] for attempt in range(6)]
    assert waits == pytest.approx(bounds, abs=1e-5)


def test_python_library_gives_up_an_attempt_that_hangs_after_the_derived_time():
    assert engineio.Client(handle_sigint=False).request_timeout == ATTEMPT_S[PYTHON]


def test_delays_of_the_javascript_client_are_spread_before_they_are_capped():
    assert [delay_s(JAVASCRIPT, attempt) for attempt in range(5)] == [
        (pytest.approx(0.55), 1.5),
        (pytest.approx(1.1), 3),
        (pytest.approx(2.2), 5),
        (pytest.approx(4.4), 5),
        (5, 5),
    ]


@pytest.mark.parametrize(
    ("client", "away_s", "expected"),
    [
        # Back before it has noticed: its first wait is all before it.
        (PYTHON, (-2, -1), 3.5),
        # Back at the moment of noticing.
        (PYTHON, (0, 0), 1.5),
        # Back within the first wait: what is left of it.
        (PYTHON, (0.4, 0.4), 1.1),
        # Two attempts can have failed just before, and the third wait is 4.5 s at the longest.
        (PYTHON, (2.5, 2.5), 4.5),
        (JAVASCRIPT, (2.5, 2.5), 5),
        # However long the server is away, the longest delay bounds it.
        (PYTHON, (600, 600), 5.5),
        (JAVASCRIPT, (600, 600), 5),
    ],
)
def test_client_is_back_after_what_is_left_of_its_wait(client, away_s, expected):
    assert reconnected_latest_s(client, Outage.KILL, away_s) == pytest.approx(expected)


def test_attempt_that_hangs_in_a_frozen_server_succeeds_when_it_goes_on():
    # The first attempt begins 1.5 s after noticing at the latest, and hangs for 20 s.
    assert reconnected_latest_s(JAVASCRIPT, Outage.FREEZE, (4.5, 5.5)) == 0
    # Python's gives up after 5 s, and a wait of 1.5 to 2.5 s follows.
    assert reconnected_latest_s(PYTHON, Outage.FREEZE, (4.5, 5.4)) == 0
    assert reconnected_latest_s(PYTHON, Outage.FREEZE, (4.5, 6)) == 2.5


@given(
    client=st.sampled_from(list(Official)),
    outage=st.sampled_from([Outage.KILL, Outage.FREEZE]),
    away_s=st.floats(-5, 60),
    spread_s=st.floats(0, 5),
    seed=st.integers(0, 2**32),
)
def test_no_sequence_of_delays_takes_longer_than_the_bound(client, outage, away_s, spread_s, seed):
    chooser = random.Random(seed)
    hanging_s = ATTEMPT_S[client] if outage is Outage.FREEZE else 0.0
    back_s = away_s + spread_s * chooser.random()
    now_s, attempt = 0.0, 0
    while True:
        now_s += chooser.uniform(*delay_s(client, attempt))
        if now_s + hanging_s >= back_s:
            break
        now_s += hanging_s
        attempt += 1
    took_s = max(0.0, now_s - back_s)
    away = (away_s, away_s + spread_s)
    assert took_s <= reconnected_latest_s(client, outage, away) + 1e-9
    assert took_s < observed_s(client, outage, away)
