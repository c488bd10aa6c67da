"""What a client's packets ask of the responder, without a socket: two events, little else."""

from __future__ import annotations

import zlib
from typing import Protocol

_ECHO, _BROADCAST, _RESPONSE = b'["my event",', b'["my broadcast event",', b'["my response",'

#: The first two bytes of a final text frame, by its length.
_TEXT_HEADS = tuple(bytes((0x81, length)) for length in range(126))
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
#: Of a compressed message's first byte, and what its end has lost (RFC 7692, sections 6 and 7.2.1).
_PACKED, _TAIL = 0x40, b"\x00\x00\xff\xff"

SEPARATOR = b"\x1e"  #: between the packets of a long-polling payload
HTTP_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
)

#: Namespace as it stands in a packet (``/test,``, empty for ``/``) -> who is in it.
Everybody = dict[bytes, "dict[PeerClient, None]"]


class PeerGone(Exception):
    """The peer has left, or broke the protocol; either way its connection is closed."""


class Wire(Protocol):
    """A connection, to a client."""

    def write(self, data: bytes) -> None:
        """Send, or keep until it can be sent."""


class PeerClient:
    """A Socket.IO client, whatever it is connected by."""

    __slots__ = ("_everybody", "_namespaces", "sid")

    def __init__(self, sid: bytes, everybody: Everybody) -> None:
        self.sid = sid
        self._everybody = everybody
        self._namespaces: list[bytes] = []

    def push(self, packet: bytes, frame: bytes, /) -> None:
        """Send a packet, which ``frame`` holds as a WebSocket frame already."""
        raise NotImplementedError

    def take(self, packet: bytes) -> None:
        """Do what an Engine.IO packet asks for."""
        if not packet.startswith(b"42"):
            self._control(packet)
            return
        start = packet.find(b"[")
        head = packet[:start]
        if packet.startswith(_ECHO, start):
            head = self._acknowledged(head)
            answer = head + _RESPONSE + packet[start + len(_ECHO) :]
            self.push(answer, text_frame(answer))
        elif packet.startswith(_BROADCAST, start):
            head = self._acknowledged(head)
            answer = head + _RESPONSE + packet[start + len(_BROADCAST) :]
            frame = text_frame(answer)
            for client in self._everybody.get(head[2:], ()):
                client.push(answer, frame)

    def leave(self) -> None:
        """No broadcast reaches it any more."""
        for namespace in self._namespaces:
            self._everybody[namespace].pop(self, None)
        self._namespaces.clear()

    def _acknowledged(self, head: bytes) -> bytes:
        """The event's head without its number; one that has a number is acknowledged."""
        bare = head.rstrip(b"0123456789")
        bare = bare or head[:2]  # of "4217", which asks for acknowledgement 17, and of "42"
        if bare != head:
            answer = b"43" + head[2:] + b"[]"
            self.push(answer, text_frame(answer))
        return bare

    def _control(self, packet: bytes) -> None:
        kind = packet[:2]
        # "40/test,{...}" or "40/test" or "40{...}": the namespace is what stands before the comma.
        name = packet[2:].partition(b",")[0] if packet[2:3] == b"/" else b""
        namespace = name + b"," if name else b""
        if kind == b"40":
            self._everybody.setdefault(namespace, {})[self] = None
            self._namespaces.append(namespace)
            answer = b'40%s{"sid":"%s"}' % (namespace, self.sid)
            self.push(answer, text_frame(answer))
        elif kind == b"41":
            self._everybody.get(namespace, {}).pop(self, None)
        elif kind == b"1":
            raise PeerGone
        elif packet == b"2":  # a client's ping is none of Engine.IO 4, but costs nothing
            self.push(b"3", text_frame(b"3"))


class WebSocketClient(PeerClient):
    """Over a WebSocket; its frames are masked, whole and carry text.

    Args:
        sid: of its session.
        everybody: see PeerClient.
        connection: its own.
        packed: whether permessage-deflate was agreed on, with all that was said as a dictionary.
    """

    __slots__ = ("_deflater", "_inflater", "_rest", "write")

    def __init__(
        self, sid: bytes, everybody: Everybody, connection: Wire, *, packed: bool = False
    ) -> None:
        super().__init__(sid, everybody)
        self._rest = b""
        self.write = connection.write
        # As small a dictionary as there is: thousands of clients are not to fill the memory.
        self._deflater = zlib.compressobj(1, zlib.DEFLATED, -9, 1) if packed else None
        self._inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS) if packed else None

    def push(self, packet: bytes, frame: bytes, /) -> None:
        """Send the frame, or another with the packet compressed."""
        if self._deflater is not None:
            data = self._deflater.compress(packet) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
            frame = text_frame(data[: -len(_TAIL)])
            frame = bytes((frame[0] | _PACKED,)) + frame[1:]
        self.write(frame)

    def receive(self, data: bytes) -> None:
        """Take what is complete of what was read.

        Raises:
            PeerGone: the client has said goodbye.
        """
        if self._rest:
            data = self._rest + data
        start, end = 0, len(data)
        while end - start >= 6:
            length = data[start + 1] & 0x7F
            body = start + 6
            if length > 125:
                body += 2 if length == 126 else 8
                length = int.from_bytes(data[start + 2 : body - 4], "big")
            if end < body + length:
                break
            opcode = data[start]
            payload = _unmasked(data[body : body + length], data[body - 4 : body], length)
            start = body + length
            if opcode == _TEXT:
                self.take(payload)
            elif opcode == _TEXT | _PACKED and self._inflater is not None:
                self.take(self._inflater.decompress(payload + _TAIL))
            elif opcode == _PING:
                self.write(bytes((_PONG, length)) + payload)
            elif opcode == _CLOSE:
                self.write(bytes((_CLOSE, min(length, 2))) + payload[:2])
                raise PeerGone
            elif opcode != _PONG:
                raise PeerGone  # a fragment or binary data, which nobody sends here
        self._rest = data[start:]

    def lost(self) -> None:
        """Its connection is no more."""
        self.leave()


def text_frame(payload: bytes) -> bytes:
    """A final, unmasked text frame (RFC 6455, section 5.2)."""
    length = len(payload)
    if length < 126:
        return _TEXT_HEADS[length] + payload
    if length < 65536:
        return b"\x81\x7e" + length.to_bytes(2, "big") + payload
    return b"\x81\x7f" + length.to_bytes(8, "big") + payload


def _unmasked(payload: bytes, mask: bytes, length: int) -> bytes:
    # One big-integer XOR instead of a loop over bytes.
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(
        length, "little"
    )


class PollingClient(PeerClient):
    """Over long-polling: what there is to send waits for a GET, or a GET waits for it."""

    __slots__ = ("_outbox", "_waiting")

    def __init__(self, sid: bytes, everybody: Everybody) -> None:
        super().__init__(sid, everybody)
        self._outbox: list[bytes] = []
        self._waiting: Wire | None = None

    def push(self, packet: bytes, _frame: bytes, /) -> None:
        """Answer the GET that waits, or have the next one answered."""
        if self._waiting is None:
            self._outbox.append(packet)
        else:
            waiting, self._waiting = self._waiting, None
            waiting.write(HTTP_HEAD % len(packet) + packet)

    def poll(self, connection: Wire) -> None:
        """A GET on this connection waits for something to send."""
        if self._outbox:
            body = SEPARATOR.join(self._outbox)
            self._outbox.clear()
            connection.write(HTTP_HEAD % len(body) + body)
        else:
            self._waiting = connection

    def waits_on(self, connection: Wire) -> bool:
        """Whether this connection carries the GET that waits."""
        return self._waiting is connection
