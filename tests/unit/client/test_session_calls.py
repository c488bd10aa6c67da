"""What a session says and answers: bytes, acknowledgements and calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.timeout import Timeout

from loadtests.client import packets, session
from loadtests.client.errors import ConnectionFailed
from loadtests.client.session import DEPARTURES, Session
from loadtests.record.words import Cause, Transport
from tests.unit.client.played import OPEN, SERVER, FakeLink, connected, made

HOLE = b'{"_placeholder":true,"num":0}'
#: Long enough for what comes, short enough for what does not.
SOON_S, LATE_S = 0.001, 10


class FakePolling(FakeLink):
    transport = Transport.POLLING


class AnsweringLink(FakeLink):
    """Does what the test says as soon as an event is sent."""

    transport = Transport.WEBSOCKET
    on_event: Callable[[AnsweringLink], None] = staticmethod(lambda _: None)

    def send(self, packet: bytes, leaves: Any = None) -> None:
        super().send(packet)
        if packet.startswith(b"42"):
            self.on_event(self)


@pytest.fixture(autouse=True)
def _links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "WebSocketLink", AnsweringLink)
    monkeypatch.setattr(session, "PollingLink", FakePolling)
    monkeypatch.setattr(FakeLink, "opening", (OPEN, b'40/test,{"sid":"me"}'))


def events() -> tuple[list[tuple[list[Any], int, int]], Callable[[list[Any], int, int], None]]:
    """What a handler was called with, and the handler."""
    heard: list[tuple[list[Any], int, int]] = []
    return heard, lambda *event: heard.append(event)


# --- coming


@pytest.mark.parametrize(
    ("auth", "packet"),
    [
        (None, b"40/test,"),
        ({"token": "x"}, b'40/test,{"token":"x"}'),
        ({}, b"40/test,{}"),
        ("word", b'40/test,"word"'),
        (0, b"40/test,0"),
    ],
)
def test_auth_is_sent_where_there_is_any(auth: Any, packet: bytes) -> None:
    found, link = made()
    found.connect(auth)
    assert [packet] == link.sent


def test_transports_in_an_order_that_nobody_has_are_refused() -> None:
    for order in [(), (Transport.WEBSOCKET, Transport.POLLING), (Transport.POLLING,) * 2]:
        with pytest.raises(ValueError, match="one of the two, or polling and then websocket"):
            Session(SERVER, order)


# --- events that leave


@pytest.mark.parametrize("namespace", ["/", "/test"])
def test_emitted_event_is_the_encoded_one(namespace: str) -> None:
    FakeLink.opening = (OPEN, *packets.encode(packets.Packet(0, namespace, None, {"sid": "me"})))
    found, link, _ = connected(namespace=namespace)
    found.emit("name", {"a": 1}, None)
    assert [packets.encode_event(namespace, "name", {"a": 1}, None)] == link.sent


def test_emitted_bytes_follow_their_event_at_once_and_in_order() -> None:
    found, link, _ = connected()
    found.emit("name", {"deep": [b"\x00one"]}, bytearray(b"two"))
    second = HOLE.replace(b"0", b"1")
    text = b'452-/test,["name",{"deep":[' + HOLE + b"]}," + second + b"]"
    assert link.sent == [text, b"b\x00one", b"btwo"]


def test_only_events_that_want_an_acknowledgement_have_a_number() -> None:
    found, link, _ = connected()
    found.emit("a", on_ack=lambda *_: None)
    found.emit("b")
    found.emit("c", b"x", on_ack=lambda *_: None)
    text = b'451-/test,1["c",' + HOLE + b"]"
    assert link.sent == [b'42/test,0["a"]', b'42/test,["b"]', text, b"bx"]


# --- acknowledgements that come


def test_each_acknowledgement_comes_to_its_own_event_once() -> None:
    found, link, _ = connected()
    (first, on_first), (second, on_second) = events(), events()
    found.emit("a", on_ack=on_first)
    found.emit("b", on_ack=on_second)
    link.on_packet(b'43/test,1["to b",{}]', 10, 20)
    link.on_packet(b"43/test,0[]", 30, 40)
    link.on_packet(b'43/test,0["again"]', 50, 60)
    link.on_packet(b'43/test,2["to nobody"]', 70, 80)
    assert (first, second) == ([([], 30, 40)], [(["to b", {}], 10, 20)])
    assert (found.ended, link.calls[2:]) == (None, [])


def test_acknowledgement_of_another_namespace_is_not_ours() -> None:
    found, link, _ = connected()
    heard, on_ack = events()
    found.emit("a", on_ack=on_ack)
    link.on_packet(b"43/other,0[]", 1, 1)
    link.on_packet(b"430[]", 1, 1)
    assert heard == []


def test_acknowledgement_with_bytes_has_the_times_of_its_last_attachment() -> None:
    found, link, _ = connected()
    heard, on_ack = events()
    found.emit("a", on_ack=on_ack)
    link.on_packet(b"461-/test,0[1," + HOLE + b"]", 10, 20)
    assert heard == []
    link.on_packet(b"bdata", 30, 40)
    assert heard == [([1, b"data"], 30, 40)]


# --- events that come


def test_binary_event_reaches_its_handler_with_the_times_of_its_last_attachment() -> None:
    found, link, heard = connected()
    link.on_packet(b'451-/test,["my response",{"a":' + HOLE + b"},1]", 10, 20)
    link.on_packet(b"b\x00\xff", 30, 40)
    assert heard == [([{"a": b"\x00\xff"}, 1], 30, 40)]
    assert found.ended is None


def test_binary_event_of_another_namespace_is_not_ours() -> None:
    found, link, heard = connected()
    link.on_packet(b'451-/other,["my response",' + HOLE + b"]", 1, 1)
    link.on_packet(b"bx", 1, 1)
    link.on_packet(b'42/test,["my response",1]', 1, 1)
    assert (heard, found.ended) == ([([1], 1, 1)], None)


def test_heartbeat_between_an_event_and_its_attachment_harms_neither() -> None:
    found, link, heard = connected()
    link.on_packet(b'451-/test,["my response",' + HOLE + b"]", 1, 1)
    for packet in (b"2", b"6", b"bx"):
        link.on_packet(packet, 1, 1)
    assert (heard, link.sent, found.ended) == ([([b"x"], 1, 1)], [b"3"], None)


@pytest.mark.parametrize(
    "packet", [b'42/test,["my response",1]', b'42["a"]', b"43/test,0[]", b"41/test,"]
)
def test_text_while_an_attachment_is_awaited_ends_the_session(packet: bytes) -> None:
    found, link, heard = connected()
    link.on_packet(b'451-/test,["my response",' + HOLE + b"]", 1, 1)
    link.on_packet(packet, 1, 1)
    assert found.ended is not None
    assert "expected a binary attachment" in found.ended
    assert (heard, link.calls) == ([], [("kill", None)])


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        ([], [b"43/test,7[]"]),
        (["ok", {"a": None}], [b'43/test,7["ok",{"a":null}]']),
        ([b"x"], [b"461-/test,7[" + HOLE + b"]", b"bx"]),
        (None, []),
    ],
)
def test_list_that_a_handler_returns_is_the_acknowledgement(
    answer: list[Any] | None, sent: list[bytes]
) -> None:
    found, link, _ = connected()
    found.on("ask", lambda *_: answer)
    link.on_packet(b'42/test,7["ask"]', 1, 1)
    assert sent == link.sent
    link.on_packet(b'451-/test,7["ask",' + HOLE + b"]", 1, 1)
    link.on_packet(b"bx", 1, 1)
    assert sent * 2 == link.sent


def test_nothing_is_acknowledged_that_nobody_asked_for_or_answered() -> None:
    found, link, _ = connected()
    found.on("ask", lambda *_: ["ok"])
    link.on_packet(b'42/test,["ask"]', 1, 1)
    link.on_packet(b'42/test,7["nobody listens"]', 1, 1)
    assert link.sent == []


def test_latest_handler_counts() -> None:
    found, link, first = connected()
    second, on_second = events()
    found.on("my response", on_second)
    link.on_packet(b'42/test,["my response"]', 1, 1)
    assert (first, second) == ([], [([], 1, 1)])


# --- calls


def test_call_gives_what_its_acknowledgement_says() -> None:
    found, link, _ = connected()
    assert isinstance(link, AnsweringLink)
    link.on_event = lambda link: link.on_packet(b'43/test,0["ok",1]', 1, 1)
    assert found.call("name", "argument") == ["ok", 1]
    assert link.sent == [b'42/test,0["name","argument"]']


def test_calls_that_wait_together_get_each_their_own_answer() -> None:
    found, link, _ = connected()
    calls = [gevent.spawn(found.call, name, timeout_s=LATE_S) for name in "ab"]
    gevent.sleep(0)
    link.on_packet(b'43/test,1["for b"]', 1, 1)
    link.on_packet(b'43/test,0["for a"]', 1, 1)
    assert [call.get(timeout=LATE_S) for call in calls] == [["for a"], ["for b"]]


def test_call_without_an_answer_says_so_and_harms_nothing() -> None:
    found, link, _ = connected()
    with pytest.raises(ConnectionFailed, match=r"no acknowledgement of 'name' within 0\.001 s"):
        found.call("name", timeout_s=SOON_S)
    link.on_packet(b"43/test,0[]", 1, 1)
    assert found.ended is None
    assert ("kill", None) not in link.calls


ENDS: dict[str, tuple[Callable[[FakeLink], None], str]] = {
    "the link ends": (lambda link: link.on_end("broken"), "broken"),
    "the server closes": (lambda link: link.on_packet(b"1", 1, 1), "closed by the server"),
    "the server disconnects": (lambda link: link.on_packet(b"41/test,", 1, 1), "disconnected"),
    "the server breaks the protocol": (lambda link: link.on_packet(b"x", 1, 1), "unexpected"),
}


@pytest.mark.parametrize(("end", "words"), ENDS.values(), ids=ENDS.keys())
def test_call_fails_with_the_reason_when_the_session_ends(
    end: Callable[[FakeLink], None], words: str
) -> None:
    found, link, _ = connected()
    call = gevent.spawn(found.call, "name", timeout_s=LATE_S)
    gevent.sleep(0)
    end(link)
    with pytest.raises(ConnectionFailed, match=words):
        call.get(timeout=LATE_S)
    with pytest.raises(ConnectionFailed, match=words):
        found.call("name", timeout_s=LATE_S)


def test_call_fails_with_the_reason_when_the_session_ends_as_it_is_sent() -> None:
    found, link, _ = connected()
    assert isinstance(link, AnsweringLink)
    link.on_event = lambda link: link.on_end("broken")
    with pytest.raises(ConnectionFailed, match="broken"):
        found.call("name", timeout_s=LATE_S)


def test_callers_own_time_limit_stays_the_callers() -> None:
    found, _, _ = connected()
    with pytest.raises(Timeout) as caught, Timeout(SOON_S) as limit:
        found.call("name", timeout_s=LATE_S)
    assert caught.value is limit


# --- going


@pytest.mark.parametrize("cause", DEPARTURES)
def test_departed_session_hears_no_acknowledgement(cause: Cause) -> None:
    found, link, heard = connected()
    acknowledged, on_ack = events()
    found.emit("a", on_ack=on_ack)
    found.depart(cause)
    link.on_packet(b"43/test,0[]", 1, 1)
    link.on_packet(b'451-/test,7["my response",' + HOLE + b"]", 1, 1)
    link.on_packet(b"bx", 1, 1)
    assert (acknowledged, heard, found.ended) == ([], [], None)


@pytest.mark.parametrize("packet", [b"1", b"41/test,"])
def test_servers_goodbye_to_a_closed_session_is_no_lost_connection(packet: bytes) -> None:
    found, link, _ = connected()
    found.close()
    link.on_packet(packet, 1, 1)
    assert found.ended is None


# --- gathering


def test_gathered_events_come_as_they_are_and_the_others_to_their_handlers() -> None:
    found, link, heard = connected()
    gathered = found.gather("my response")
    others, handler = events()
    found.on("my responses", handler)
    packet = b'42/test,["my response",{"data":"x"}]'
    link.on_packet(packet, 10, 20)
    link.on_packet(b'42/test,["my responses",1]', 11, 21)
    assert gathered == [(packet, 10, 20)]
    assert others == [([1], 11, 21)]
    assert heard == []


@pytest.mark.parametrize("packet", [b'42/test,[ "my response",1]', b'42/test,7["my response",1]'])
def test_event_in_another_layout_is_not_lost_to_gathering(packet: bytes) -> None:
    found, link, heard = connected()
    gathered = found.gather("my response")
    link.on_packet(packet, 10, 20)
    assert heard == [([1], 10, 20)]
    assert gathered == []


def test_departed_session_gathers_nothing() -> None:
    found, link, _ = connected()
    gathered = found.gather("my response")
    found.depart(Cause.FREEZE)
    link.on_packet(b'42/test,["my response",1]', 1, 1)
    assert gathered == []
