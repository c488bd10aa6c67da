"""WebSocket frames as a client needs them (RFC 6455), without a socket.

Text and binary messages come out whole, control frames as they are. Extensions are not negotiated,
so reserved bits must be zero.
"""

from __future__ import annotations

from enum import IntEnum

from loadtests.client.errors import ProtocolError


class Opcode(IntEnum):
    """RFC 6455, section 5.2."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


Frame = tuple[int, bytes]  #: an opcode (see Opcode) and the unmasked payload

_OPCODES = frozenset(Opcode)
_LONGEST_CONTROL = 125  # section 5.5


def encode(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One final, masked frame.

    Args:
        opcode: see Opcode.
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
        empty: whether nothing of a further message has arrived.
        broken: what the server did wrong behind the frames that were given last.
    """

    __slots__ = (
        "_buffer",
        "_first_opcode",
        "_longest",
        "_parts",
        "_parts_length",
        "broken",
        "empty",
    )

    def __init__(self, longest: int = 16 * 1024 * 1024) -> None:
        self._longest = longest
        self._buffer = b""
        self._parts: list[bytes] = []
        self._parts_length = 0
        self._first_opcode = 0
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
        frames: list[Frame] = []
        try:
            self._decode(data, frames)
        except ProtocolError as error:
            self.broken = error
            if not frames:
                raise
        return frames

    def _decode(self, data: bytes, frames: list[Frame]) -> None:
        buffer = self._buffer + data if self._buffer else data
        start, end = 0, len(buffer)
        while end - start >= 2:
            first, second = buffer[start], buffer[start + 1]
            length = second & 0x7F
            body = start + 2
            if second & 0x80:
                raise ProtocolError("a server must not mask its frames (RFC 6455, section 5.1)")
            if length == 126:
                body += 2
                if end < body:
                    break
                length = int.from_bytes(buffer[start + 2 : body], "big")
            elif length == 127:
                body += 8
                if end < body:
                    break
                length = int.from_bytes(buffer[start + 2 : body], "big")
            self._check(first, length)
            if end < body + length:
                break
            start = body + length
            if first == 0x81 and not self._parts:  # a whole text message: nearly every frame
                frames.append((1, buffer[body:start]))
            else:
                self._accept(first, buffer[body:start], frames)
        self._buffer = buffer[start:]
        self.empty = not self._buffer and not self._parts

    def _check(self, first: int, length: int) -> None:
        if first & 0x70:
            raise ProtocolError(f"reserved bits set in frame head {first:#04x}")
        opcode = first & 0x0F
        if opcode not in _OPCODES:
            raise ProtocolError(f"unknown opcode {opcode:#x}")
        if opcode & 0x8:
            if not first & 0x80 or length > _LONGEST_CONTROL:
                raise ProtocolError("a control frame is fragmented or longer than 125 bytes")
        elif self._parts_length + length > self._longest:
            raise ProtocolError(
                f"message of {self._parts_length + length} bytes or more; "
                f"at most {self._longest} are allowed"
            )

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
            self._first_opcode = opcode
        self._parts.append(payload)
        self._parts_length += len(payload)
        if first & 0x80:
            frames.append((self._first_opcode, b"".join(self._parts)))
            self._parts, self._parts_length, self._first_opcode = [], 0, 0
