"""A Socket.IO session over a link that the test plays."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.client import packets, session
from loadtests.client.errors import ConnectionFailed
from loadtests.client.heartbeat import standstill
from loadtests.client.session import DEPARTURES
from loadtests.record.words import Cause, Transport
from tests.unit.client.played import OPEN, FakeLink, FakePolling, connected, made


@pytest.fixture(autouse=True)
def _links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "WebSocketLink", FakeLink)
    monkeypatch.setattr(session, "PollingLink", FakePolling)
    monkeypatch.setattr(FakeLink, "opening", (OPEN, b'40/test,{"sid":"me"}'))


# --- coming


def test_session_joins_its_namespace_once_the_server_has_opened() -> None:
    found, link = made()
    found.connect()
    assert link.calls == [("open", None), ("joined", "eio"), ("send", b"40/test,")]
    assert (found.sid, found.ended) == ("me", None)


@pytest.mark.parametrize(("told", "expected"), [(b',"maxPayload":4321}', 4321), (b"}", None)])
def test_longest_message_that_the_server_reads_is_what_it_says(
    told: bytes, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = b'0{"sid":"eio","upgrades":[],"pingInterval":25000,"pingTimeout":20000' + told
    monkeypatch.setattr(FakeLink, "opening", (opening, b'40/test,{"sid":"me"}'))
    found, _ = made()
    assert found.max_payload is None
    found.connect()
    assert found.max_payload == expected


def test_each_transport_has_its_own_link() -> None:
    assert FakePolling is type(made(Transport.POLLING)[1])
    assert FakeLink is type(made(Transport.WEBSOCKET)[1])


def test_connect_error_is_in_the_servers_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = b'44/test,{"message":"no room for you"}'
    monkeypatch.setattr(FakeLink, "opening", (OPEN, refusal))
    found, link = made()
    with pytest.raises(ConnectionFailed, match=r"/test refused: .*no room for you"):
        found.connect()
    assert ("kill", None) in link.calls
    assert found.ended is not None


def test_refusal_is_told_in_one_line_without_what_is_no_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusal = b'44/test,{"message":"no\\n room\\u001b[31m' + b"x" * 1000 + b'"}'
    monkeypatch.setattr(FakeLink, "opening", (OPEN, refusal))
    found, _link = made()
    with pytest.raises(ConnectionFailed) as refused:
        found.connect()
    told = "namespace /test refused: no room\ufffd[31mxxx"
    assert str(refused.value).startswith(told)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("opening", "words"),
    [
        ((OPEN, b"1"), "closed by the server"),
        ((OPEN, b"41/test,"), "disconnected by the server"),
        ((b"0nonsense",), "unreadable open packet"),
        ((b"9",), "expected Engine.IO's open packet"),
        ((b'118:0{"sid":"x"}2:40',), "speaks Engine.IO 3"),
        ((OPEN, b"40/test"), "without a session id"),
        ((OPEN, b'40/test,{"sid":5}'), "without a session id"),
        ((OPEN, b'40/test,["sid"]'), "without a session id"),
    ],
)
def test_failed_handshake_says_why(
    monkeypatch: pytest.MonkeyPatch, opening: tuple[bytes, ...], words: str
) -> None:
    monkeypatch.setattr(FakeLink, "opening", opening)
    found, link = made()
    with pytest.raises(ConnectionFailed, match=words):
        found.connect()
    assert ("kill", None) in link.calls


def test_link_that_ends_fails_the_handshake_with_its_reason() -> None:
    found, link = made()
    link.opening = ()
    link.on_end("cannot connect: Connection refused")
    with pytest.raises(ConnectionFailed, match="Connection refused"):
        found.connect()


@pytest.mark.parametrize("reason", ["closed by the server", "broken: Connection reset by peer"])
def test_server_that_hangs_up_without_a_word_may_want_tls(reason: str) -> None:
    found, link = made()
    link.opening = ()
    link.on_end(f"connection {reason}")
    with pytest.raises(ConnectionFailed, match=r"before it answered; .* https:// or wss://\?"):
        found.connect()


def test_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLink, "opening", (OPEN,))
    found, link = made()
    with pytest.raises(ConnectionFailed, match=r"no answer to the handshake within 0\.001 s"):
        found.connect(timeout_s=0.001)
    assert link.calls[-1] == ("kill", None)


def test_another_namespaces_answer_does_not_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLink, "opening", (OPEN, b'40/other,{"sid":"not me"}'))
    with pytest.raises(ConnectionFailed, match="no answer"):
        made()[0].connect(timeout_s=0.001)


# --- staying


@pytest.mark.parametrize(("still_s", "ours"), [(21, True), (19, False)])
def test_session_that_ends_after_a_standstill_of_this_process_says_so(
    still_s: float, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, link, _ = connected()
    monkeypatch.setattr(standstill, "recent_ns", lambda _now_ns: round(still_s * 1e9))
    link.on_end("WebSocket closed by the server: 1000")
    assert found.ended is not None
    assert found.ended.startswith("WebSocket closed by the server: 1000")
    assert ("this client's own process stood still" in found.ended) is ours


def test_ping_is_answered_with_a_pong_and_noted() -> None:
    found, link, _ = connected()
    link.on_packet(b"2", 100, 175)
    link.on_packet(b"2probe", 200, 201)
    assert link.sent == [b"3", b"3probe"]
    assert list(found.heartbeats) == [75, 1]


def test_last_heartbeat_is_the_latest_ping_that_was_answered() -> None:
    found, link, _ = connected()
    for user_ns in (175, 201):
        link.on_packet(b"2", 100, user_ns)
        assert found.pinged_ns == user_ns
    link.on_packet(b'42/test,["my response",1]', 300, 301)
    assert found.pinged_ns == 201


def test_until_the_first_ping_the_last_heartbeat_is_the_handshake() -> None:
    found, link = made()
    assert found.pinged_ns == 0
    link.on_packet(OPEN, 5, 6)
    link.on_packet(b'40/test,{"sid":"me"}', 7, 8)
    assert found.pinged_ns == 6


def test_event_that_was_asked_for_arrives_with_its_times() -> None:
    _, link, heard = connected()
    link.on_packet(b'42/test,["my response",{"data":"x"},5]', 10, 20)
    assert heard == [([{"data": "x"}, 5], 10, 20)]


@pytest.mark.parametrize("namespace", ["/", "/test"])
def test_events_with_another_name_or_of_another_namespace_do_not_arrive(namespace: str) -> None:
    FakeLink.opening = (OPEN, *packets.encode(packets.Packet(0, namespace, None, {"sid": "me"})))
    found, link, heard = connected(namespace=namespace)
    link.on_packet(packets.encode_event(namespace, "their response", 1), 1, 1)
    link.on_packet(packets.encode_event("/other", "my response", 1), 1, 1)
    link.on_packet(packets.encode_event("/testing", "my response", 1), 1, 1)
    assert heard == []
    assert found.ended is None


def test_event_in_the_main_namespace_arrives() -> None:
    FakeLink.opening = (OPEN, b'40{"sid":"me"}')
    _, link, heard = connected(namespace="/")
    link.on_packet(b'42["my response",1]', 10, 20)
    assert heard == [([1], 10, 20)]


def test_event_that_asks_for_an_acknowledgement_arrives_too() -> None:
    _, link, heard = connected()
    link.on_packet(b'42/test,7["my response",1]', 10, 20)
    assert heard == [([1], 10, 20)]


def test_noop_and_acknowledgements_change_nothing() -> None:
    found, link, heard = connected()
    link.on_packet(b"6", 1, 1)
    link.on_packet(b"43/test,1[]", 1, 1)
    assert (link.calls, heard, found.ended) == ([], [], None)


def test_packet_is_sent_as_it_is() -> None:
    found, link, _ = connected()
    found.send(b"packet")
    assert link.calls == [("send", b"packet")]


# --- ending


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (b"1", "closed by the server (Engine.IO close)"),
        (b"41/test,", "disconnected by the server"),
        (b"garbage", "unexpected Engine.IO packet: what begins with b'g'"),
        (b"\xff", "unexpected Engine.IO packet"),
        (b"4", "not a Socket.IO packet"),
        (b"42/test,", "an event without a name"),
        (b'42/test,["my response"', "not a Socket.IO packet"),
        (b"bnobody asked", "12 bytes of binary data that nothing announced"),
        (b"42/test," + b"1" * 5000 + b"[]", "not a Socket.IO packet"),
    ],
)
def test_end_of_a_session_has_its_reason_and_closes_the_link(packet: bytes, words: str) -> None:
    found, link, heard = connected()
    link.on_packet(packet, 1, 1)
    assert found.ended is not None
    assert words in found.ended
    assert (link.calls, heard) == ([("kill", None)], [])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("WebSocket closed by the server: 1008 no {sid}", "1008 no (its id)"),
        ("GET answered with 400: {sid}", "400: (its id)"),
    ],
)
def test_reason_of_the_server_is_told_without_the_id_of_the_session(
    monkeypatch: pytest.MonkeyPatch, said: str, expected: str
) -> None:
    opening = (OPEN.replace(b'"eio"', b'"k3Jx_8-abc"'), *FakeLink.opening[1:])
    monkeypatch.setattr(FakeLink, "opening", opening)
    found, link, _ = connected()
    link.on_end(said.format(sid="k3Jx_8-abc"))
    assert found.ended is not None
    assert found.ended.endswith(expected)


def test_first_reason_stays() -> None:
    found, link, _ = connected()
    link.on_end("connection closed by the server")
    link.on_end("something after it")
    assert found.ended == "connection closed by the server"


def test_disconnect_of_another_namespace_is_not_ours() -> None:
    found, link, _ = connected()
    link.on_packet(b"41/other,", 1, 1)
    assert found.ended is None


@pytest.mark.parametrize(
    ("cause", "calls"),
    [
        (Cause.CLOSE, [("send", b"41/test,"), ("say_goodbye", None)]),
        (Cause.KILL, [("kill", None)]),
        (Cause.RESET, [("reset", None)]),
        (Cause.FREEZE, [("freeze", None)]),
    ],
)
def test_session_departs_as_its_cause_says(cause: Cause, calls: list[tuple[str, Any]]) -> None:
    found, link, _ = connected()
    found.depart(cause)
    assert calls == link.calls
    assert found.ended is None


@pytest.mark.parametrize("cause", [Cause.CUT, Cause.TAB])
def test_session_refuses_to_go_as_only_a_network_or_a_browser_can(cause: Cause) -> None:
    found, link, heard = connected()
    with pytest.raises(ValueError, match=f"cannot depart by {cause}"):
        found.depart(cause)
    link.on_packet(b'42/test,["my response",1]', 1, 1)
    assert (link.calls, len(heard)) == ([], 1)


@pytest.mark.parametrize("cause", DEPARTURES)
def test_departed_session_hears_no_event(cause: Cause) -> None:
    found, link, heard = connected()
    found.depart(cause)
    link.on_packet(b'42/test,["my response",1]', 1, 1)
    assert heard == []


@pytest.mark.parametrize("packet", [b"1", b"41/test,"])
def test_servers_goodbye_to_a_departed_session_is_no_lost_connection(packet: bytes) -> None:
    found, link, _ = connected()
    found.depart(Cause.CLOSE)
    link.on_packet(packet, 1, 1)
    assert found.ended is None
