"""The responder: what it answers, and to whom. Without a socket."""

from __future__ import annotations

import errno
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client import frames
from loadtests.generator.responder import clients
from loadtests.generator.responder.__main__ import Responder
from loadtests.generator.responder.clients import PeerGone, PollingClient, WebSocketClient

MASK = b"\x01\x02\x03\x04"


class Wire:
    """Keeps what was written to a connection."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def packets(self) -> list[bytes]:
        """The text messages that were written, over WebSocket."""
        return [payload for _, payload in frames.FrameDecoder().feed(b"".join(self.written))]


def over_websocket(everybody: clients.Everybody | None = None) -> tuple[WebSocketClient, Wire]:
    wire = Wire()
    return WebSocketClient(b"sid", {} if everybody is None else everybody, wire), wire


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b'42/test,["my event",{"data":"x"}]', [b'42/test,["my response",{"data":"x"}]']),
        (b'42["my event",[1,"a"]]', [b'42["my response",[1,"a"]]']),
        (b'42/test,7["my event",1]', [b"43/test,7[]", b'42/test,["my response",1]']),
        (b'4217["my event",1]', [b"4317[]", b'42["my response",1]']),
        (b'42/test,["my event",', [b'42/test,["my response",']),  # copied, never parsed
        (b'42/test,["another event",1]', []),
        (b"40/test,", [b'40/test,{"sid":"sid"}']),
        (b'40/test,{"token":["my event",1]}', [b'40/test,{"sid":"sid"}']),
        (b"40/test", [b'40/test,{"sid":"sid"}']),
        (b"40", [b'40{"sid":"sid"}']),
        (b'40{"token":1}', [b'40{"sid":"sid"}']),
        (b"3", []),
    ],
)
def test_a_packet_is_answered_as_the_protocol_asks(asked: bytes, answered: list[bytes]) -> None:
    client, wire = over_websocket()
    client.take(asked)
    assert answered == wire.packets()


def test_a_broadcast_reaches_everybody_in_its_namespace_over_both_transports() -> None:
    everybody: clients.Everybody = {}
    sender, sender_wire = over_websocket(everybody)
    elsewhere, elsewhere_wire = over_websocket(everybody)
    poller, polled = PollingClient(b"poller", everybody), Wire()
    sender.take(b"40/test,")
    elsewhere.take(b"40/other,")
    poller.take(b"40/test,")
    sender.take(b'42/test,["my broadcast event",{"data":"x"}]')
    poller.poll(polled)
    assert sender_wire.packets()[1:] == [b'42/test,["my response",{"data":"x"}]']
    assert len(elsewhere_wire.packets()) == 1
    body = b'40/test,{"sid":"poller"}\x1e42/test,["my response",{"data":"x"}]'
    assert polled.written == [clients.HTTP_HEAD % len(body) + body]


@pytest.mark.parametrize("goodbye", [b"41/test,", None])
def test_who_has_left_gets_no_broadcast(goodbye: bytes | None) -> None:
    client, wire = over_websocket()
    client.take(b"40/test,")
    if goodbye is None:
        client.lost()
    else:
        client.take(goodbye)
    client.take(b'42/test,["my broadcast event",1]')
    assert len(wire.packets()) == 1


def test_a_waiting_get_is_answered_in_one_write() -> None:
    client, wire = PollingClient(b"sid", {}), Wire()
    client.poll(wire)
    assert not wire.written
    client.take(b'42["my event",1]')
    body = b'42["my response",1]'
    assert wire.written == [clients.HTTP_HEAD % len(body) + body]


@given(st.binary(max_size=70_000), st.data())
def test_a_message_arrives_whole_however_it_was_cut(content: bytes, data: st.DataObject) -> None:
    client, wire = over_websocket()
    packet = b'42["my event",' + content.hex().encode() + b"]"
    stream = frames.encode(frames.Opcode.TEXT, packet, MASK)
    cut = data.draw(st.integers(0, len(stream)))
    client.receive(stream[:cut])
    client.receive(stream[cut:])
    assert [packet.replace(b"my event", b"my response")] == wire.packets()


def test_several_messages_in_one_read_are_all_answered() -> None:
    client, wire = over_websocket()
    one = frames.encode(frames.Opcode.TEXT, b'42["my event",1]', MASK)
    client.receive(one * 3)
    assert wire.packets() == [b'42["my response",1]'] * 3


def test_a_closing_frame_is_answered_before_the_connection_goes() -> None:
    client, wire = over_websocket()
    with pytest.raises(PeerGone):
        client.receive(frames.encode(frames.Opcode.CLOSE, b"\x03\xe8bye", MASK))
    assert wire.written == [b"\x88\x02\x03\xe8"]


def test_a_ping_of_websocket_is_answered() -> None:
    client, wire = over_websocket()
    client.receive(frames.encode(frames.Opcode.PING, b"hello", MASK))
    assert wire.written == [b"\x8a\x05hello"]


@pytest.mark.parametrize("reason", [errno.EMFILE, errno.ECONNABORTED, errno.EAGAIN])
def test_a_caller_that_cannot_be_let_in_does_not_end_the_responder(reason: int) -> None:
    class Door:
        """A listener that lets nobody in, and a poller's idea of it."""

        def setblocking(self, _blocking: bool) -> None: ...

        def fileno(self) -> int:
            return listener.fileno()

        def accept(self) -> None:
            raise OSError(reason, "no")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        responder = Responder(Door())  # type: ignore[arg-type]
        responder._accept()
    assert responder.everybody == {}
