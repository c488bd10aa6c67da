"""Engine.IO over WebSocket: from the first byte on, or joining a session that polling began."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable

from loadtests.client import frames, http, packets
from loadtests.client.errors import ProtocolError
from loadtests.client.frames import Opcode
from loadtests.client.link import OnLeave, OnPacket, Server
from loadtests.client.packets import BINARY, Handshake
from loadtests.client.stream import OnEnd, Stream
from loadtests.client.tls import TlsStream
from loadtests.record.words import Transport

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_NORMAL_CLOSURE = (1000).to_bytes(2, "big")
_LONGEST_HEAD = 65536


class _Masks:
    """Mask keys must be unpredictable, and asking the kernel for each costs a system call.

    One store for all connections of the process: no key is used twice.
    """

    __slots__ = ("_at", "_keys")

    _BYTES = 4096

    def __init__(self) -> None:
        self._keys = b""
        self._at = self._BYTES

    def take(self) -> bytes:
        """Four bytes."""
        if self._at >= self._BYTES:
            self._keys = os.urandom(self._BYTES)
            self._at = 0
        at = self._at
        self._at = at + 4
        return self._keys[at : at + 4]


_masks = _Masks()


class WebSocketLink:
    """See Link. No extension is offered, so the server compresses nothing.

    Args:
        server: where.
        on_packet, on_end: see Link.
        session_id: of the session to join; none begins one.
        on_open: called once the server has agreed to speak WebSocket.
    """

    __slots__ = (
        "_decoder",
        "_head",
        "_key",
        "_leaving",
        "_on_end",
        "_on_open",
        "_on_packet",
        "_server",
        "_session_id",
        "_stream",
    )

    transport = Transport.WEBSOCKET

    def __init__(
        self,
        server: Server,
        on_packet: OnPacket,
        on_end: OnEnd,
        *,
        session_id: str = "",
        on_open: Callable[[], None] | None = None,
    ) -> None:
        self._server = server
        self._on_packet = on_packet
        self._on_end = on_end
        self._session_id = session_id
        self._on_open = on_open
        self._decoder = frames.FrameDecoder()
        self._key = b""
        self._head = b""
        self._leaving = False
        self._stream: Stream | TlsStream | None = None

    def open(self) -> None:
        """Connect and ask for the upgrade of RFC 6455, section 4.1."""
        session = f"&sid={self._session_id}" if self._session_id else ""
        self._key = base64.b64encode(os.urandom(16))
        self._stream = self._server.connect(self._read_handshake, self._lost)
        self._stream.send(
            b"GET %s?EIO=4&transport=websocket%s HTTP/1.1\r\n"
            b"Host: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n"
            % (self._server.path.encode(), session.encode(), self._server.host.encode(), self._key)
        )

    def joined(self, handshake: Handshake) -> None:
        """Nothing: a WebSocket needs no session id, and has no payloads."""

    def hand_over(self, on_packet: OnPacket, on_end: OnEnd) -> None:
        """Give what comes from here on to somebody else."""
        self._on_packet = on_packet
        self._on_end = on_end

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """One frame: text, or binary for a binary message."""
        assert self._stream is not None, "send before open"
        if packet[0] == BINARY:
            frame = frames.encode(Opcode.BINARY, packet[1:], _masks.take())
        else:
            frame = frames.encode(Opcode.TEXT, packet, _masks.take())
        if leaves is not None:
            leaves()
        self._stream.send(frame)

    def say_goodbye(self) -> None:
        """A close frame; the connection is closed when the server has answered it."""
        self._leaving = True
        self._send_control(Opcode.CLOSE, _NORMAL_CLOSURE)

    def kill(self) -> None:
        """Close the connection without a close frame."""
        if self._stream is not None:
            self._stream.close()

    def reset(self) -> None:
        """The same with RST instead of FIN."""
        if self._stream is not None:
            self._stream.reset()

    def freeze(self) -> None:
        """Leave the connection as it is."""
        if self._stream is not None:
            self._stream.freeze()

    def _send_control(self, opcode: Opcode, payload: bytes) -> None:
        assert self._stream is not None, "send before open"
        self._stream.send(frames.encode(opcode, payload, _masks.take()))

    def _read_handshake(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if head.split(b" ", 2)[1:2] != [b"101"] and (found or not _begins_http(head)):
            self._read_refusal()
            return
        if not found:
            if len(self._head) > _LONGEST_HEAD:
                self._fail("the answer to the WebSocket handshake has no end")
            return
        if not self._accepted(head):
            self._fail("WebSocket handshake: wrong Sec-WebSocket-Accept")
            return
        assert self._stream is not None
        self._stream.on_data = self._read_frames
        self._head = b""
        if self._on_open is not None:
            self._on_open()
        if rest:
            self._read_frames(rest, kernel_ns, user_ns)

    def _accepted(self, head: bytes) -> bool:
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        expected = base64.b64encode(hashlib.sha1(self._key + _GUID).digest())
        return headers.get(b"sec-websocket-accept") == expected

    def _read_refusal(self, *, ended: bool = False) -> None:
        """Wait for the rest of the words that a refusal comes with."""
        decoder = http.ResponseDecoder()
        try:
            response = decoder.feed(self._head) or (decoder.end() if ended else None)
        except ProtocolError as error:
            self._fail(f"WebSocket handshake refused: {error}")
            return
        head, _, rest = self._head.partition(b"\r\n\r\n")
        first = head.partition(b"\r\n")[0][:200].decode(errors="replace")
        if response is not None:
            # As in its words, but with the phrase that the server gave its status.
            words = response.words.removeprefix(str(response.status))
            self._fail(f"WebSocket handshake refused: {first}{words}")
        elif ended:
            said = rest[:200].decode(errors="replace")
            self._fail(f"WebSocket handshake refused: {first}: {said}")

    def _read_frames(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        # Nearly every read holds one short text message and nothing else: it needs no decoder.
        length = len(data) - 2
        if (
            0 < length < 126
            and data[0] == 0x81
            and data[1] == length
            and data[2] != BINARY
            and self._decoder.empty
        ):
            self._on_packet(data[2:], kernel_ns, user_ns)
            return
        try:
            self._hear(self._decoder.feed(data), kernel_ns, user_ns)
        except ProtocolError as error:
            self._fail(str(error))

    def _hear(self, decoded: list[frames.Frame], kernel_ns: int, user_ns: int) -> None:
        assert self._stream is not None
        for opcode, payload in decoded:
            if self._stream.closed:
                return
            if opcode == Opcode.TEXT:
                # python-engineio may send base64 here too; official clients take that as we do.
                self._on_packet(packets.unpack(payload), kernel_ns, user_ns)
            elif opcode == Opcode.BINARY:
                self._on_packet(b"b" + payload, kernel_ns, user_ns)
            elif opcode == Opcode.PING:
                self._send_control(Opcode.PONG, payload)
            elif opcode == Opcode.CLOSE:
                self._closed_by_server(payload)
                return
        if self._decoder.broken is not None and not self._stream.closed:
            raise self._decoder.broken

    def _closed_by_server(self, payload: bytes) -> None:
        if not self._leaving:
            self._send_control(Opcode.CLOSE, payload[:2])
        code = int.from_bytes(payload[:2], "big") if payload else "no code"
        words = payload[2:].decode(errors="replace")
        self._fail(f"WebSocket closed by the server: {code} {words}".rstrip())

    def _lost(self, reason: str) -> None:
        """The connection ended or broke, by itself."""
        if b"\r\n\r\n" in self._head:
            self._read_refusal(ended=True)
            return
        if self._head:
            reason = f"{reason} during the WebSocket handshake, after {self._head[:200]!r}"
        elif not self._decoder.empty:
            reason = f"{reason} in the middle of a frame"
        self._end(reason)

    def _fail(self, reason: str) -> None:
        self.kill()
        self._end(reason)

    def _end(self, reason: str) -> None:
        if not self._leaving:
            self._leaving = True
            self._on_end(reason)


def _begins_http(head: bytes) -> bool:
    return head.startswith(b"HTTP/1."[: len(head)])
