"""WebSocket frames as a client needs them (RFC 6455), without a socket.

Text and binary messages come out whole, control frames as they are. Of the reserved bits only the
one that says that a message is compressed (RFC 7692, section 6) can be set, where that was agreed.
"""

from __future__ import annotations

from enum import IntEnum

from loadtests.client.errors import ProtocolError
from loadtests.client.limits import LONGEST, too_long


class Opcode(IntEnum):
    """RFC 6455, section 5.2."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


#: In the first byte of a message's first frame: it is compressed (RFC 7692, section 6).
COMPRESSED = 0x40

#: An opcode (see Opcode), with COMPRESSED or not, and the unmasked payload.
Frame = tuple[int, bytes]

_OPCODES = frozenset(Opcode)
_LONGEST_CONTROL = 125  # section 5.5


def encode(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One final, masked frame.

    Args:
        opcode: see Opcode; with COMPRESSED, if the payload is.
        payload: of any length.
        mask: four bytes; section 5.3 demands that they be unpredictable.
    """
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    return head + mask + _xor(payload, mask)


def _xor(payload: bytes, mask: bytes) -> bytes:
    # One big-integer XOR instead of a loop over bytes.
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(
        length, "little"
    )


class FrameDecoder:
    """Bytes from a server in, frames out, however the bytes were cut.

    Args:
        longest: of a message, in bytes; a longer one is a protocol error before it is buffered.

    Attributes:
        compressed: whether messages may be compressed.
        empty: whether nothing of a further message has arrived.
        broken: what the server did wrong behind the frames that were given last.
    """

    __slots__ = (
        "_chunks",
        "_first_opcode",
        "_length",
        "_longest",
        "_needed",
        "_parts",
        "_parts_length",
        "broken",
        "compressed",
        "empty",
    )

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        # What has arrived of an incomplete frame. It is put together when it is whole, and not at
        # each read: that would copy a long message once for every 64 KiB of it.
        self._chunks: list[bytes] = []
        self._length = 0
        self._needed = 0
        self._parts: list[bytes] = []
        self._parts_length = 0
        self._first_opcode = 0
        self.compressed = False
        self.empty = True
        self.broken: ProtocolError | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Decode what is complete.

        Frames that came whole before a violation are given, since they have arrived; ``broken``
        says then what follows them.

        Raises:
            ProtocolError: the server broke RFC 6455; the decoder is of no further use.
        """
        if self.broken is not None:
            raise self.broken
        if self._chunks:
            self._chunks.append(data)
            self._length += len(data)
            if self._length < self._needed:
                return []
            data = b"".join(self._chunks)
            self._chunks, self._length = [], 0
        frames: list[Frame] = []
        try:
            self._decode(data, frames)
        except ProtocolError as error:
            self.broken = error
            if not frames:
                raise
        return frames

    def _decode(self, buffer: bytes, frames: list[Frame]) -> None:
        start, end = 0, len(buffer)
        needed = 2
        while end - start >= 2:
            first, second = buffer[start], buffer[start + 1]
            length = second & 0x7F
            body = start + 2
            if second & 0x80:
                raise ProtocolError("a server must not mask its frames (RFC 6455, section 5.1)")
            if length >= 126:
                body += 2 if length == 126 else 8
                if end < body:
                    needed = body - start
                    break
                length = int.from_bytes(buffer[start + 2 : body], "big")
            self._check(first, length)
            if end < body + length:
                needed = body + length - start
                break
            start = body + length
            if first == 0x81 and not self._parts:  # a whole text message: nearly every frame
                frames.append((1, buffer[body:start]))
            else:
                self._accept(first, buffer[body:start], frames)
        if start < end:
            self._chunks, self._length, self._needed = [buffer[start:]], end - start, needed
        self.empty = start == end and not self._parts

    def _check(self, first: int, length: int) -> None:
        opcode = first & 0x0F
        # Only a message's first frame says that it is compressed, and a control frame never is.
        begins = opcode in (Opcode.TEXT, Opcode.BINARY)
        allowed = COMPRESSED if self.compressed and begins else 0
        if first & 0x70 & ~allowed:
            agreed = "" if self.compressed else "; no extension was agreed on"
            raise ProtocolError(f"reserved bits set in frame head {first:#04x}{agreed}")
        if opcode not in _OPCODES:
            raise ProtocolError(f"unknown opcode {opcode:#x}")
        if opcode & 0x8:
            if not first & 0x80 or length > _LONGEST_CONTROL:
                raise ProtocolError("a control frame is fragmented or longer than 125 bytes")
        elif self._parts_length + length > self._longest:
            raise too_long("a message", self._parts_length + length, self._longest)

    def _accept(self, first: int, payload: bytes, frames: list[Frame]) -> None:
        opcode = first & 0x0F
        if opcode & 0x8:
            frames.append((opcode, payload))
            return
        if opcode == Opcode.CONTINUATION:
            if not self._first_opcode:
                raise ProtocolError("a continuation without a beginning")
        elif self._first_opcode:
            raise ProtocolError("a new message before the last one was complete")
        else:
            self._first_opcode = first & (0x0F | COMPRESSED)
        if payload or not self._parts:  # empty fragments, however many, add nothing
            self._parts.append(payload)
        self._parts_length += len(payload)
        if first & 0x80:
            frames.append((self._first_opcode, b"".join(self._parts)))
            self._parts, self._parts_length, self._first_opcode = [], 0, 0
