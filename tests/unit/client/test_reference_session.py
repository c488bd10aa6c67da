"""A session that python-socketio drives: what it makes of what scenarios ask of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import engineio.packet
import gevent
import gevent.event
import pytest
import socketio
import websocket

from loadtests.client import packets, reference
from loadtests.client.errors import ConnectionFailed
from loadtests.client.reference import ReferenceSession
from loadtests.client.session import DEPARTURES
from loadtests.record.words import Cause, Transport
from tests.unit.client.streams import SERVER


class FakeEngine:
    def __init__(self) -> None:
        self.on_open: Callable[[], None] = lambda: None
        self.on_ping: Callable[[], None] = lambda: None
        self.ws = None
        self.max_payload: int | None = 4321
        self.calls: list[str] = []

    def fall_silent(self) -> None:
        self.calls.append("fall silent")

    def let_go(self) -> None:
        self.calls.append("let go")

    def wait_for_post(self) -> None:
        self.calls.append("wait for the POST")


class FakeClient:
    """python-socketio's client as far as a session uses it."""

    made: list[FakeClient]
    refusal: Any = None

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.eio = FakeEngine()
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.connected_with: dict[str, Any] = {}
        self.emitted: list[tuple[Any, ...]] = []
        self.disconnected = False
        FakeClient.made.append(self)

    def on(self, event: str, handler: Callable[..., Any], namespace: str) -> None:
        assert namespace == "/test"
        self.handlers[event] = handler

    def connect(self, url: str, **options: Any) -> None:
        if self.refusal is not None:
            self.handlers["connect_error"](self.refusal)
            raise socketio.exceptions.ConnectionError("One or more namespaces failed to connect")
        self.connected_with = {"url": url, **options}

    def get_sid(self, namespace: str) -> str:
        return f"sid in {namespace}"

    def transport(self) -> str:
        return "polling"

    def emit(self, *arguments: Any, namespace: str) -> None:
        self.emitted.append((*arguments, namespace))

    def disconnect(self) -> None:
        self.disconnected = True


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeClient]]:
    FakeClient.made = []
    FakeClient.refusal = None
    monkeypatch.setattr(reference, "_Client", FakeClient)
    monkeypatch.setattr(reference, "_monotonic_ns", lambda: 77)
    yield FakeClient.made
    FakeClient.refusal = None


@pytest.fixture
def session(fakes: list[FakeClient]) -> ReferenceSession:
    made = ReferenceSession(SERVER, (Transport.POLLING,), "/test")
    made.connect(timeout_s=3)
    return made


@pytest.fixture
def library(session: ReferenceSession, fakes: list[FakeClient]) -> FakeClient:
    return fakes[0]


def test_transport_is_forced_and_nothing_reconnects(
    session: ReferenceSession, library: FakeClient
) -> None:
    assert library.connected_with["url"] == "http://example:5000"
    assert library.connected_with["transports"] == ["polling"]
    assert library.connected_with["namespaces"] == ["/test"]
    assert library.options["reconnection"] is False
    assert (session.sid, session.transport) == ("sid in /test", Transport.POLLING)


@pytest.mark.parametrize("refusal", [{"message": "no coffee"}, "no coffee"])
def test_refusal_is_in_the_servers_words(refusal: Any) -> None:
    FakeClient.refusal = refusal
    with pytest.raises(ConnectionFailed, match=r"^no coffee$"):
        ReferenceSession(SERVER, (Transport.POLLING,), "/test").connect()


def test_prepared_packet_is_emitted_as_the_event_that_it_holds(
    session: ReferenceSession, library: FakeClient
) -> None:
    order: list[str] = []
    (packet,) = packets.encode(
        packets.Packet(packets.PacketType.EVENT, "/test", None, ["my event", {"data": "0:1:x"}])
    )
    session.send(packet, lambda: order.append("left"))
    assert library.emitted == []  # whoever sends may be in gevent's loop, and must not block
    gevent.sleep(0)
    assert library.emitted == [("my event", ({"data": "0:1:x"},), "/test")]
    assert order == ["left"]


def test_event_with_attachments_is_emitted_when_it_is_whole(
    session: ReferenceSession, library: FakeClient
) -> None:
    order: list[str] = []
    event = packets.Packet(
        packets.PacketType.EVENT, "/test", None, ["my event", {"data": b"0:1:x"}]
    )
    head, attachment = packets.encode(event)
    session.send(head)
    gevent.sleep(0)
    assert library.emitted == []
    session.send(attachment, lambda: order.append("left"))
    gevent.sleep(0)
    assert library.emitted == [("my event", ({"data": b"0:1:x"},), "/test")]
    assert order == ["left"]


def test_longest_message_is_what_the_library_was_told(session: ReferenceSession) -> None:
    assert session.max_payload == 4321


def test_session_that_is_over_emits_no_more(
    session: ReferenceSession, library: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_arguments: Any, **_options: Any) -> None:
        raise socketio.exceptions.BadNamespaceError("/test is not a connected namespace.")

    monkeypatch.setattr(library, "emit", gone)
    session.send(b'42/test,["a"]')
    gevent.sleep(0)  # with a traceback, gevent would print it and pytest would not


def test_arrival_is_the_moment_of_the_handler_in_both_clocks(
    session: ReferenceSession, library: FakeClient
) -> None:
    heard: list[tuple[list[Any], int, int]] = []
    session.on("my response", lambda *event: heard.append(event))
    assert library.handlers["my response"]({"data": "x"}) is None
    assert heard == [([{"data": "x"}], 77, 77)]


def test_what_a_handler_returns_is_the_acknowledgement(
    session: ReferenceSession, library: FakeClient
) -> None:
    session.on("asked", lambda arguments, _kernel_ns, _user_ns: [*arguments, 2])
    assert library.handlers["asked"](1) == (1, 2)


def test_pings_are_counted_and_the_latest_is_known_or_the_handshake(
    session: ReferenceSession, library: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.eio.on_open()
    assert session.pinged_ns == 77
    monkeypatch.setattr(reference, "_monotonic_ns", lambda: 99)
    library.eio.on_ping()
    assert (session.pinged_ns, len(session.heartbeats)) == (99, 1)


def test_disconnect_that_nobody_asked_for_is_the_end(
    session: ReferenceSession, library: FakeClient
) -> None:
    library.handlers["disconnect"]("transport error")
    library.handlers["disconnect"]("later")
    assert session.ended == "disconnected (transport error)"


@pytest.mark.parametrize("cause", [Cause.CUT, Cause.TAB])
def test_session_refuses_to_go_as_only_a_network_or_a_browser_can(
    session: ReferenceSession, cause: Cause
) -> None:
    with pytest.raises(ValueError, match=f"cannot depart by {cause}"):
        session.depart(cause)


@pytest.mark.parametrize("cause", DEPARTURES)
def test_departure_is_no_end_and_nothing_is_heard_after_it(
    session: ReferenceSession, library: FakeClient, cause: Cause
) -> None:
    heard: list[Any] = []
    session.on("my response", lambda *event: heard.append(event))
    session.depart(cause)
    library.handlers["my response"]({"data": "x"})
    library.handlers["disconnect"]("client disconnect")
    assert (session.ended, heard) == (None, [])


def test_each_departure_is_the_librarys_or_below_it(
    session: ReferenceSession, library: FakeClient
) -> None:
    session.depart(Cause.FREEZE)
    assert library.eio.calls == ["fall silent"]
    session.kill()
    assert library.eio.calls == ["fall silent", "fall silent", "let go"]
    session.depart(Cause.RESET)
    assert library.eio.calls[3:] == ["fall silent", "let go"]
    session.depart(Cause.CLOSE)
    assert not library.disconnected  # it waits, and this may be gevent's loop
    gevent.sleep(0)
    assert library.eio.calls[5:] == ["wait for the POST"]
    assert library.disconnected


# --- the library's engine


@pytest.fixture
def engine() -> reference._Engine:
    found = reference._Engine(handle_sigint=False)
    found.state = "connected"
    return found


def test_library_still_has_what_is_overridden() -> None:
    # These are private to python-engineio; a release without them must not pass unseen.
    for name in ("_receive_packet", "_send_packet", "_send_request", "_trigger_event"):
        assert callable(getattr(engineio.Client, name))
    assert callable(socketio.Client._engineio_client_class)


def test_handshake_is_told_before_anybody_is_called(engine: reference._Engine) -> None:
    told: list[str] = []
    engine.on_open = lambda: told.append("open")
    engine.on("connect", lambda: told.append("connect"))
    engine._trigger_event("connect", run_async=False)
    engine._trigger_event("disconnect", "a reason", run_async=False)
    assert told == ["open", "connect"]


OPEN = '0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000%s}'


@pytest.mark.parametrize(("told", "expected"), [(',"maxPayload":4321', 4321), ("", None)])
def test_longest_message_is_read_from_the_first_answer(
    told: str, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answer:
        content = (OPEN % told).encode() + b"\x1e6"

    monkeypatch.setattr(engineio.Client, "_send_request", lambda *_: Answer())
    found = reference._Engine(handle_sigint=False)
    found._send_request("GET", "http://example:5000")
    assert found.max_payload == expected


def test_longest_message_is_read_from_the_first_message_of_a_websocket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = iter([OPEN % ',"maxPayload":4321', OPEN % ',"maxPayload":1', b"\0"])
    monkeypatch.setattr(websocket.WebSocket, "recv", lambda _: next(messages))
    found = reference._Engine(handle_sigint=False)
    socket = found.websocket_extra_options["class_"]()
    assert [len(socket.recv()), len(socket.recv()), socket.recv()] == [85, 82, b"\0"]
    assert found.max_payload == 4321


def test_refused_request_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engineio.Client, "_send_request", lambda *_: "refused")
    found = reference._Engine(handle_sigint=False)
    assert found._send_request("GET", "http://example:5000") == "refused"
    assert found.max_payload is None


def test_ping_is_told_and_answered(engine: reference._Engine) -> None:
    told: list[str] = []
    engine.on_ping = lambda: told.append("ping")
    engine._receive_packet(engineio.packet.Packet(engineio.packet.PING))
    assert told == ["ping"]
    assert engine.queue.get_nowait().packet_type == engineio.packet.PONG


def test_frozen_engine_sends_nothing_and_stops_at_what_it_does_next(
    engine: reference._Engine,
) -> None:
    engine.on_ping = lambda: pytest.fail("it was heard")
    engine.fall_silent()
    engine._send_packet(engineio.packet.Packet(engineio.packet.MESSAGE, "x"))
    assert engine.queue.empty()
    ping = engineio.packet.Packet(engineio.packet.PING)
    reading = gevent.spawn(engine._receive_packet, ping)
    asking = gevent.spawn(engine._send_request, "GET", "http://example:5000")
    gevent.sleep(0)
    assert not reading.ready()
    assert not asking.ready()
    engine.let_go()
    gevent.joinall([reading, asking], timeout=1, raise_error=True)
    assert asking.value == "the client is gone"


def test_post_that_is_under_way_is_waited_for_and_a_waiting_get_is_not(
    engine: reference._Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = {"GET": gevent.event.Event(), "POST": gevent.event.Event()}
    monkeypatch.setattr(
        engineio.Client, "_send_request", lambda _self, method, _url: answered[method].wait()
    )
    get = gevent.spawn(engine._send_request, "GET", "http://example:5000")
    post = gevent.spawn(engine._send_request, "POST", "http://example:5000")
    gevent.sleep(0)
    waiting = gevent.spawn(engine.wait_for_post)
    gevent.sleep(0)
    assert not waiting.ready()
    answered["POST"].set()
    gevent.joinall([post, waiting], timeout=1, raise_error=True)
    assert waiting.ready()
    assert not get.ready()
    get.kill()
