"""Engine.IO over WebSocket from the first byte on, without a polling request before."""

from __future__ import annotations

import base64
import hashlib
import os

from loadtests.client import frames
from loadtests.client.errors import ProtocolError
from loadtests.client.frames import Opcode
from loadtests.client.link import OnEnd, OnPacket, Server
from loadtests.client.stream import Stream

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_NORMAL_CLOSURE = (1000).to_bytes(2, "big")

#: Mask keys must be unpredictable, and asking the kernel for each four bytes costs a system call.
_MASK_BYTES = 4096


class WebSocketLink:
    """See Link. No extension is offered, so the server compresses nothing."""

    def __init__(self, server: Server, on_packet: OnPacket, on_end: OnEnd) -> None:
        self._server = server
        self._on_packet = on_packet
        self._on_end = on_end
        self._decoder = frames.FrameDecoder()
        self._key = base64.b64encode(os.urandom(16))
        self._head = b""
        self._upgraded = False
        self._leaving = False
        self._killed = False
        self._masks = b""
        self._mask_at = _MASK_BYTES
        self._stream: Stream | None = None

    def open(self) -> None:
        """Connect and ask for the upgrade of RFC 6455, section 4.1."""
        self._stream = Stream(self._server.address, self._receive, self._end)
        self._stream.send(
            b"GET %s?EIO=4&transport=websocket HTTP/1.1\r\n"
            b"Host: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n"
            % (self._server.path.encode(), self._server.host.encode(), self._key)
        )

    def send(self, packet: bytes) -> None:
        """One text frame."""
        self._send_frame(Opcode.TEXT, packet)

    def say_goodbye(self) -> None:
        """A close frame; the connection is closed when the server has answered it."""
        self._leaving = True
        self._send_frame(Opcode.CLOSE, _NORMAL_CLOSURE)

    def kill(self) -> None:
        """Close the connection without a close frame."""
        self._killed = True
        if self._stream is not None:
            self._stream.close()

    def freeze(self) -> None:
        """Leave the connection as it is."""
        if self._stream is not None:
            self._stream.freeze()

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        if self._mask_at >= _MASK_BYTES:
            self._masks = os.urandom(_MASK_BYTES)
            self._mask_at = 0
        mask = self._masks[self._mask_at : self._mask_at + 4]
        self._mask_at += 4
        assert self._stream is not None, "send before open"
        self._stream.send(frames.encode(opcode, payload, mask))

    def _receive(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        if self._upgraded:
            self._read_frames(data, kernel_ns, user_ns)
        else:
            self._read_handshake(data, kernel_ns, user_ns)

    def _read_handshake(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if not found:
            if len(self._head) > 65536:
                self._fail("the answer to the WebSocket handshake has no end")
            return
        problem = self._problem_with(head, rest)
        if problem:
            self._fail(problem)
            return
        self._upgraded = True
        if rest:
            self._read_frames(rest, kernel_ns, user_ns)

    def _problem_with(self, head: bytes, rest: bytes) -> str | None:
        first, *lines = head.split(b"\r\n")
        if first.split(b" ", 2)[1:2] != [b"101"]:
            said = rest[:200].decode(errors="replace")
            return f"WebSocket handshake refused: {first.decode(errors='replace')}: {said}"
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines)
        }
        expected = base64.b64encode(hashlib.sha1(self._key + _GUID).digest())
        if headers.get(b"sec-websocket-accept") != expected:
            return "WebSocket handshake: wrong Sec-WebSocket-Accept"
        return None

    def _read_frames(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        try:
            decoded = self._decoder.feed(data)
        except ProtocolError as error:
            self._fail(str(error))
            return
        for opcode, payload in decoded:
            if self._killed:
                return
            if opcode == Opcode.TEXT:
                self._on_packet(payload, kernel_ns, user_ns)
            elif opcode == Opcode.PING:
                self._send_frame(Opcode.PONG, payload)
            elif opcode == Opcode.CLOSE:
                if not self._leaving:
                    self._send_frame(Opcode.CLOSE, payload[:2])
                code = int.from_bytes(payload[:2], "big") if payload else "no code"
                words = payload[2:].decode(errors="replace")
                self._fail(f"WebSocket closed by the server: {code} {words}".rstrip())
                return
            elif opcode == Opcode.BINARY:
                self._fail("binary messages are not supported")
                return

    def _fail(self, reason: str) -> None:
        self.kill()
        self._end(reason)

    def _end(self, reason: str) -> None:
        if not self._leaving:
            self._leaving = True
            self._on_end(reason)
