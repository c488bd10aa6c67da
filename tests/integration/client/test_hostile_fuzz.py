"""Whatever comes after a correct handshake: a session ends with a reason or stays alive, soon."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from tests.integration.client.hostile import (
    BINARY,
    JOINED,
    SOON_S,
    TEXT,
    Connection,
    Play,
    Polling,
    frame,
    hostile,
    response,
    script,
)
from tests.integration.client.peers.listening import (
    POLLING,
    UPGRADE,
    WEBSOCKET,
    Listener,
    Transports,
)
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("loop_errors")

# One loop_errors for all examples of a test is what is wanted.
fuzzed = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# --- what a server could say: nearly right, so that it gets far

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
placeholders = st.fixed_dictionaries(
    {"_placeholder": st.just(True) | json_values, "num": st.integers(-3, 5) | json_values}
)
bodies = st.one_of(
    st.lists(placeholders | json_values).map(lambda rest: json.dumps(["n", *rest]).encode()),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.binary(),
)
messages = st.builds(
    lambda *parts: b"".join((b"4", *parts)),
    st.sampled_from([b"%d" % kind for kind in range(8)]),
    st.sampled_from([b"", b"", b"0-", b"1-", b"2-", b"-", b"99999-", b"9999999999-"]),
    st.sampled_from([b"/test,", b"/test,", b"/test", b"/other,", b"/,", b"", b"/\xff,"]),
    st.just(b"") | st.integers(0, 10**20).map(lambda number: b"%d" % number),
    bodies,
)
packets = st.lists(
    messages | st.binary().map(lambda data: b"b" + data) | st.binary(max_size=20), max_size=6
)


def framed(packet: bytes) -> bytes:
    """A packet over WebSocket; 'b' marks a binary one."""
    return frame(BINARY, packet[1:]) if packet[:1] == b"b" else frame(TEXT, packet)


def connected_to(url: str, transports: Transports) -> Listener:
    client = Listener(url, transports)
    client.session.on("n", lambda arguments, *_: arguments)  # acknowledges what it is given
    client.session.connect(timeout_s=SOON_S)
    return client


# --- over WebSocket


def asks_whether_alive(alive: threading.Event) -> Play:
    """Pings, and waits for the answer to that ping or for the end of the connection."""

    def play(connection: Connection) -> None:
        connection.send(frame(TEXT, b"2alive?"))
        while connection.receive() != b"3alive?":
            pass
        alive.set()

    return play


@fuzzed
@given(packets)
def test_packets_over_websocket_end_it_with_a_reason_or_leave_it_alive(said: list[bytes]) -> None:
    alive = threading.Event()
    frames = b"".join(map(framed, said))
    with hostile(script(Connection.welcome, frames, asks_whether_alive(alive))) as url:
        client = connected_to(url, WEBSOCKET)
        reason = client.until_ended(SOON_S)
    assert alive.is_set() or "connection closed by the server" not in reason


@fuzzed
@given(st.binary(max_size=300) | st.lists(messages.map(framed)).map(b"".join), st.integers(0, 300))
def test_bytes_over_websocket_end_it_with_a_reason(garbage: bytes, cut: int) -> None:
    with hostile(script(Connection.welcome, garbage[cut // 2 : -cut or None])) as url:
        assert connected_to(url, WEBSOCKET).until_ended(SOON_S)


# --- over long-polling


@fuzzed
@given(packets)
def test_packets_over_polling_end_it_with_a_reason_or_leave_it_alive(said: list[bytes]) -> None:
    polling = Polling()
    parts = [b"b" + base64.b64encode(each[1:]) if each[:1] == b"b" else each for each in said]
    polling.say(b"\x1e".join(parts))
    polling.say(b"2alive?")
    with hostile(polling) as url:
        client = connected_to(url, POLLING)
        until(
            lambda: client.session.ended or any(b"3alive?" in each for each in polling.posted),
            "it has ended or is alive",
            SOON_S,
        )
        client.session.kill()


HEADERS = st.sampled_from(
    [
        *("Content-Encoding: gzip", "Content-Encoding: deflate", "Transfer-Encoding: chunked"),
        *("Content-Length: 3", "Connection: close", "Content-Type: text/html", "Odd header"),
    ]
)


@fuzzed
@given(
    st.binary(max_size=300)
    | st.builds(response, st.sampled_from(["200 OK", "200", "99 Odd"]), st.binary(), HEADERS),
    st.integers(0, 30),
)
def test_bytes_over_polling_end_it_with_a_reason(garbage: bytes, cut: int) -> None:
    polling = Polling()
    for _ in range(2):  # a kept connection that is closed unanswered is tried once more
        polling.answer(garbage[: -cut or None], close=True)
    for _ in range(3):  # if all of that was well
        polling.answer(b"", close=True)
    with hostile(polling) as url:
        assert connected_to(url, POLLING).until_ended(SOON_S)


# --- the handshake itself, and the upgrade


@fuzzed
@given(
    st.fixed_dictionaries(
        {
            "sid": st.text() | json_values,
            "upgrades": st.just([]) | st.lists(st.text()) | json_values,
            "pingInterval": st.integers() | st.floats() | json_values,
            "pingTimeout": st.integers() | st.floats() | json_values,
        },
        optional={"maxPayload": st.integers() | json_values, "more": json_values},
    )
)
def test_open_packet_is_refused_with_a_reason_or_taken(handshake: dict[str, Any]) -> None:
    opening = b"0" + json.dumps(handshake).encode()
    play = script(
        *(Connection.agree, frame(TEXT, opening), Connection.receive, frame(TEXT, JOINED)),
        Connection.wait,
    )
    with hostile(play) as url:
        session = Session(locate(url), WEBSOCKET, "/test")
        with suppress(ConnectionFailed):
            session.connect(timeout_s=SOON_S)
        session.kill()
    assert session.sid == "me" or "open packet" in (session.ended or "")


@fuzzed
@given(st.lists(messages | st.binary(), min_size=1).map(lambda said: b"".join(map(framed, said))))
def test_probe_that_is_answered_by_nonsense_leaves_the_session_on_polling(said: bytes) -> None:
    polling = Polling(websocket=script(Connection.agree, Connection.receive, said, Connection.wait))
    with hostile(polling) as url:
        client = connected_to(url, UPGRADE)
        client.listen("n")
        with pytest.raises(ConnectionFailed, match="long-polling"):
            client.session.wait_for_upgrade(timeout_s=SOON_S)
        polling.say(b'42/test,["n",1]')
        assert client.next("n", SOON_S) == [1]
        client.session.kill()
