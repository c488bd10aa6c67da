"""Engine.IO over WebSocket: from the first byte on, or joining a session that polling began."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable

from loadtests.client import deflate, frames, heads, http, masks, packets, refusals
from loadtests.client.cookies import Jar
from loadtests.client.deflate import Deflater, Inflater
from loadtests.client.errors import ProtocolError
from loadtests.client.frames import COMPRESSED, Opcode
from loadtests.client.link import OnLeave, OnPacket, Server
from loadtests.client.packets import BINARY, Handshake
from loadtests.client.stream import OnEnd, Stream
from loadtests.client.tls import TlsStream
from loadtests.record.words import Transport

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_NORMAL_CLOSURE = (1000).to_bytes(2, "big")
_LONGEST_HEAD = 65536
#: Of a heartbeat, compressed, with room for one that is not packed as tightly as could be, bytes.
_LONGEST_PING = 12
_MESSAGES = (Opcode.TEXT, Opcode.BINARY)
_PACKED_TEXT = Opcode.TEXT | COMPRESSED


class WebSocketLink:
    """See Link. Compression is offered as browsers do, unless ``server`` says to do without.

    Args:
        server: where.
        on_packet, on_end: see Link.
        jar: of the session.
        session_id: of the session to join; none begins one.
        on_open: called once the server has agreed to speak WebSocket.
    """

    __slots__ = (
        "_decoder",
        "_deflater",
        "_head",
        "_inflater",
        "_jar",
        "_kept",
        "_kept_pings",
        "_key",
        "_leaving",
        "_on_end",
        "_on_open",
        "_on_packet",
        "_refusal",
        "_server",
        "_session_id",
        "_stream",
    )

    transport = Transport.WEBSOCKET

    codings = frozenset[bytes]()  # of HTTP's, which is not spoken any more

    def __init__(
        self,
        server: Server,
        on_packet: OnPacket,
        on_end: OnEnd,
        *,
        jar: Jar | None = None,
        session_id: str = "",
        on_open: Callable[[], None] | None = None,
    ) -> None:
        self._server = server
        self._on_packet = on_packet
        self._on_end = on_end
        self._session_id = session_id
        self._on_open = on_open
        self._jar = server.jar() if jar is None else jar
        self._decoder = frames.FrameDecoder()
        self._deflater: Deflater | None = None  # where compression was agreed on
        self._inflater: Inflater | None = None
        self._kept: list[tuple[int, bytes, int, int]] | None = None
        self._kept_pings = (
            0  # among those: heard already, and part of the dictionary of what follows
        )
        self._key = b""
        self._head = b""
        self._refusal: http.ResponseDecoder | None = None  # of an answer that is no upgrade
        self._leaving = False
        self._stream: Stream | TlsStream | None = None

    def open(self) -> None:
        """Connect and ask for the upgrade of RFC 6455, section 4.1."""
        session = f"&sid={self._session_id}" if self._session_id else ""
        self._key = base64.b64encode(os.urandom(16))
        self._stream = self._server.connect(self._read_handshake, self._lost)
        parameters = f"EIO=4&transport=websocket{session}"
        self._stream.send(heads.handshake(self._server, parameters, self._key, self._jar.header))

    @property
    def compressed(self) -> bool:
        """See Link."""
        return self._deflater is not None

    def joined(self, handshake: Handshake) -> None:
        """Nothing: a WebSocket needs no session id, and has no payloads."""

    def hand_over(self, on_packet: OnPacket, on_end: OnEnd) -> None:
        """Give what comes from here on to somebody else."""
        self._on_packet = on_packet
        self._on_end = on_end

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """One frame: text, or binary for a binary message."""
        assert self._stream is not None, "send before open"
        opcode: int = Opcode.TEXT
        if packet[0] == BINARY:
            opcode, packet = Opcode.BINARY, packet[1:]
        if self._deflater is not None:
            opcode, packet = opcode | COMPRESSED, self._deflater.deflate(packet)
        frame = frames.encode(opcode, packet, masks.take())
        if leaves is not None:
            leaves()
        self._stream.send(frame)

    @property
    def connecting(self) -> str:
        """See Link."""
        return "" if self._stream is None else self._stream.connecting

    def carried(self) -> tuple[int, int] | None:
        """See Link."""
        return None if self._stream is None else self._stream.carried()

    def keep(self) -> None:
        """From now on, compressed messages are only kept; heartbeats are heard all the same."""
        if self._kept is None:
            self._kept = []

    @property
    def kept(self) -> int:
        """See Link."""
        return len(self._kept) - self._kept_pings if self._kept else 0

    def read_kept(self) -> None:
        """See Link.

        Raises:
            ProtocolError: one of them cannot be read.
        """
        if self._kept:
            kept, self._kept, self._kept_pings = self._kept, [], 0
            for opcode, payload, kernel_ns, user_ns in kept:
                packet = self._unpacked(opcode, payload)
                if packet != packets.PING_PACKET:  # that was answered when it came
                    self._on_packet(packet, kernel_ns, user_ns)

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
        self._stream.send(frames.encode(opcode, payload, masks.take()))

    def _read_handshake(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if head.split(b" ", 2)[1:2] != [b"101"] and (found or not _begins_http(head)):
            assert self._stream is not None
            self._refusal = http.ResponseDecoder()
            self._stream.on_data = self._read_refusal
            self._read_refusal(self._head, kernel_ns, user_ns)
            return
        if not found:
            if len(self._head) > _LONGEST_HEAD:
                self._fail("the answer to the WebSocket handshake has no end")
            return
        try:
            self._accept(http.decode_head(head))
        except ProtocolError as error:
            self._fail(f"WebSocket handshake: {error}")
            return
        assert self._stream is not None
        self._stream.on_data = self._read_frames
        self._head = b""
        if self._on_open is not None:
            self._on_open()
        if rest:
            self._read_frames(rest, kernel_ns, user_ns)

    def _accept(self, head: http.Head) -> None:
        expected = base64.b64encode(hashlib.sha1(self._key + _GUID).digest())
        if head.headers.get(b"sec-websocket-accept") != expected:
            raise ProtocolError("wrong Sec-WebSocket-Accept")
        if head.cookies:
            self._jar.take(head.cookies)
        answer = head.headers.get(b"sec-websocket-extensions")
        if answer and not self._server.compression:
            raise ProtocolError(f"the server agrees to {answer[:120]!r}, and nothing was offered")
        extension = deflate.agreed(answer)
        if extension is not None:
            self._decoder.compressed = True
            self._deflater = Deflater(
                extension.client_max_window_bits, forgetful=extension.client_no_context_takeover
            )
            self._inflater = Inflater(
                extension.server_max_window_bits, forgetful=extension.server_no_context_takeover
            )

    def _read_refusal(self, data: bytes, _kernel_ns: int, _user_ns: int) -> None:
        """Wait for the rest of the words that a refusal comes with."""
        assert self._refusal is not None
        if data is not self._head and len(self._head) < _LONGEST_HEAD:
            self._head += data  # to quote from where its end never comes
        try:
            response = self._refusal.feed(data)
        except ProtocolError as error:
            self._fail(f"WebSocket handshake refused: {error}")
            return
        if response is not None:
            self._refused(refusals.refusal_line(response, self._session_id))

    def _end_refusal(self, refusal: http.ResponseDecoder) -> None:
        """The connection ended, and with it what it was refused with."""
        try:
            response = refusal.end()
        except ProtocolError as error:
            self._fail(f"WebSocket handshake refused: {error}")
            return
        if response is not None:
            self._refused(refusals.refusal_line(response, self._session_id))
        else:
            begun = self._head.partition(b"\r\n\r\n")[2]
            self._refused(refusals.behind_colon(refusals.body_line(begun, self._session_id)))

    def _refused(self, words: str) -> None:
        first = refusals.shown(self._head.partition(b"\r\n")[0][:200].decode(errors="replace"))
        self._fail(f"WebSocket handshake refused: {first}{words}")

    def _read_frames(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        try:
            # Nearly every read holds one short text message and nothing else: it needs no decoder.
            length = len(data) - 2
            if 0 < length < 126 and data[1] == length and self._decoder.empty:
                first = data[0]
                if first == 0x81 and data[2] != BINARY and not self._kept:
                    self._on_packet(data[2:], kernel_ns, user_ns)
                    return
                if first == 0xC1 and self._inflater is not None:
                    self._hear_compressed(_PACKED_TEXT, data[2:], kernel_ns, user_ns)
                    return
            self._hear(self._decoder.feed(data), kernel_ns, user_ns)
        except ProtocolError as error:
            self._fail(str(error))

    def _hear(self, decoded: list[frames.Frame], kernel_ns: int, user_ns: int) -> None:
        assert self._stream is not None
        for opcode, payload in decoded:
            if self._stream.closed:
                return
            if opcode & COMPRESSED or (self._kept and opcode in _MESSAGES):
                self._hear_compressed(opcode, payload, kernel_ns, user_ns)
            elif opcode == Opcode.TEXT:
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

    def _hear_compressed(self, opcode: int, payload: bytes, kernel_ns: int, user_ns: int) -> None:
        """One that is compressed, or came behind one that is kept and so must not overtake it."""
        if self._kept is None:
            self._on_packet(self._unpacked(opcode, payload), kernel_ns, user_ns)
            return
        self._kept.append((opcode, payload, kernel_ns, user_ns))
        short = len(payload) <= _LONGEST_PING
        plain = deflate.alone(payload) if short and opcode & COMPRESSED else payload
        if plain == packets.PING_PACKET:
            self._kept_pings += 1
            self._on_packet(packets.PING_PACKET, kernel_ns, user_ns)

    def _unpacked(self, opcode: int, payload: bytes) -> bytes:
        """The packet of a message that was compressed, or was kept."""
        if opcode & COMPRESSED:
            assert self._inflater is not None, "compression was agreed on"
            payload = self._inflater.inflate(payload)
        binary = opcode & ~COMPRESSED == Opcode.BINARY
        return b"b" + payload if binary else packets.unpack(payload)

    def _closed_by_server(self, payload: bytes) -> None:
        if not self._leaving:
            self._send_control(Opcode.CLOSE, payload[:2])
        code = int.from_bytes(payload[:2], "big") if payload else "no code"
        words = refusals.shown(payload[2:].decode(errors="replace"))
        self._fail(f"WebSocket closed by the server: {code} {words}".rstrip())

    def _lost(self, reason: str) -> None:
        """The connection ended or broke, by itself."""
        if self._refusal is not None:
            self._end_refusal(self._refusal)
            return
        if self._head:
            begun = self._head.partition(b"\r\n")[0][:200]  # no more: there may be cookies
            reason = f"{reason} during the WebSocket handshake, after {begun!r}"
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
