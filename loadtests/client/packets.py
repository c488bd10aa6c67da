"""Engine.IO 4 and Socket.IO 5 packets, without a socket.

An Engine.IO packet is bytes here, since that is what arrives and what leaves: the digit of its type
and its body. A binary message has ``b`` for its type and raw bytes after it; on the wire it is a
binary frame of WebSocket, or base64 in a payload of long-polling. Sources: the protocol documents
socketio/engine.io-protocol (revision 4) and socketio/socket.io-protocol (revision 5).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from loadtests.client import refusals
from loadtests.client.errors import ProtocolError

#: Engine.IO packet types, as the first byte of a packet.
OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = (48, 49, 50, 51, 52, 53, 54)
BINARY = ord("b")

CLOSE_PACKET = b"1"
PING_PACKET = b"2"
PONG_PACKET = b"3"
UPGRADE_PACKET = b"5"
PROBE_PING, PROBE_PONG = b"2probe", b"3probe"

#: Between the packets of one long-polling payload.
SEPARATOR = b"\x1e"

#: What msgspec raises for bytes that are no JSON; the two others for depth and odd characters.
NOT_JSON = (msgspec.DecodeError, ValueError, RecursionError)

#: More attachments than this are taken for nonsense, before they are waited for.
_MOST_ATTACHMENTS = 1_000


class PacketType(IntEnum):
    """Socket.IO packet types."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


class Packet(NamedTuple):
    """A Socket.IO packet.

    Attributes:
        type: see PacketType.
        namespace: ``/`` where the packet names none.
        id: of an acknowledgement, if any.
        data: what JSON holds: a list for an event or an acknowledgement, an object or nothing
            otherwise.
        attachments: how many binary messages follow that belong into ``data``.
    """

    type: int
    namespace: str
    id: int | None
    data: Any
    attachments: int = 0


class Handshake(msgspec.Struct, frozen=True, rename="camel"):
    """What the server says in Engine.IO's open packet; times in milliseconds, size in bytes.

    Attributes:
        max_payload: of a message or a POST that it reads; None where it does not tell.
    """

    sid: str
    upgrades: list[str]
    ping_interval: float
    ping_timeout: float
    max_payload: int | None = None


_json = msgspec.json.Encoder()


def encode(packet: Packet) -> list[bytes]:
    """A Socket.IO packet as Engine.IO message packets: the text, then its binary attachments.

    Bytes anywhere in ``data`` make an event or an acknowledgement a binary one.
    """
    attachments: list[bytes] = []
    data = _take_out(packet.data, attachments)
    kind = int(packet.type)
    count = ""
    if attachments:
        kind = {PacketType.EVENT: 5, PacketType.ACK: 6}.get(PacketType(kind), kind)
        count = f"{len(attachments)}-"
    namespace = "" if packet.namespace == "/" else packet.namespace + ","
    identity = "" if packet.id is None else str(packet.id)
    head = f"4{kind}{count}{namespace}{identity}".encode()
    text = head if data is None else head + _json.encode(data)
    return [text, *(b"b" + attachment for attachment in attachments)]


def encode_event(namespace: str, name: str, *arguments: Any) -> bytes:
    """An event without binary attachments, as one Engine.IO message packet.

    Raises:
        ValueError: it has attachments; ``encode`` makes several packets then.
    """
    text, *attachments = encode(Packet(PacketType.EVENT, namespace, None, [name, *arguments]))
    if attachments:
        raise ValueError("bytes in an event need several packets")
    return text


def _take_out(data: Any, attachments: list[bytes]) -> Any:
    """The same with placeholders for bytes, which go to ``attachments``."""
    if isinstance(data, bytes | bytearray | memoryview):
        attachments.append(bytes(data))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(data, dict):
        return {key: _take_out(value, attachments) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_take_out(value, attachments) for value in data]
    return data


_HEAD = re.compile(rb"4([0-6])(?:(\d{1,9})-)?(?:(/[^,]*)(?:,|\Z))?(\d{1,20})?", re.DOTALL)


def decode(packet: bytes) -> Packet:
    """The Socket.IO packet inside an Engine.IO message packet, placeholders for its attachments.

    Raises:
        ProtocolError: it is none.
    """
    head = _HEAD.match(packet)
    if head is None:
        raise ProtocolError(f"not a Socket.IO packet: {refusals.kind(packet)}")
    kind, count, namespace, identity = head.groups()
    body = packet[head.end() :]
    try:
        found = Packet(
            type=int(kind),
            namespace=namespace.decode() if namespace else "/",
            id=int(identity) if identity else None,
            data=msgspec.json.decode(body) if body else None,
            attachments=int(count) if count else 0,
        )
    except NOT_JSON as error:
        raise ProtocolError(
            f"not a Socket.IO packet: {refusals.kind(packet)} ({refusals.why(error)})"
        ) from error
    _check(found, count is not None, packet)
    return found


def _check(found: Packet, counted: bool, packet: bytes) -> None:
    binary = found.type >= PacketType.BINARY_EVENT
    if binary != counted:
        raise ProtocolError(f"attachments are announced where none can be: {refusals.kind(packet)}")
    if found.attachments > _MOST_ATTACHMENTS:
        raise ProtocolError(f"{found.attachments} attachments; at most {_MOST_ATTACHMENTS}")
    if found.type in (PacketType.EVENT, PacketType.BINARY_EVENT):
        if not (isinstance(found.data, list) and found.data and isinstance(found.data[0], str)):
            raise ProtocolError("an event without a name")
    elif found.type in (PacketType.ACK, PacketType.BINARY_ACK) and (
        found.id is None or not isinstance(found.data, list)
    ):
        raise ProtocolError("an acknowledgement without a number or a list")


class PacketDecoder:
    """Engine.IO message packets in, whole Socket.IO packets out, binary attachments in place.

    Attributes:
        waiting: whether a packet is not complete without further attachments.
    """

    __slots__ = ("_attachments", "_incomplete", "waiting")

    def __init__(self) -> None:
        self._incomplete: Packet | None = None
        self._attachments: list[bytes] = []
        self.waiting = False

    def feed(self, packet: bytes) -> Packet | None:
        """Take a text or a binary message; give a packet once it is complete.

        Raises:
            ProtocolError: what is not a Socket.IO packet, or an attachment too few or too many.
        """
        if packet[:1] == b"b":
            if self._incomplete is None:
                raise ProtocolError(
                    f"{len(packet) - 1} bytes of binary data that nothing announced"
                )
            self._attachments.append(packet[1:])
        else:
            if self._incomplete is not None:
                raise ProtocolError(f"expected a binary attachment, got {refusals.kind(packet)}")
            self._incomplete = decode(packet)
        whole = self._incomplete
        self.waiting = len(self._attachments) < whole.attachments
        if self.waiting:
            return None
        attachments, self._attachments, self._incomplete = self._attachments, [], None
        if not attachments:
            return whole
        try:
            return whole._replace(data=_put_in(whole.data, attachments))
        except RecursionError as error:
            raise ProtocolError("an event with attachments is nested too deeply") from error


def _put_in(data: Any, attachments: Sequence[bytes]) -> Any:
    if isinstance(data, dict):
        if data.get("_placeholder") is True:
            number = data.get("num")
            if type(number) is not int or not 0 <= number < len(attachments):
                said = number if type(number) is int else f"({type(number).__name__})"
                raise ProtocolError(f"no attachment number {said} of {len(attachments)}")
            return attachments[number]
        return {key: _put_in(value, attachments) for key, value in data.items()}
    if isinstance(data, list):
        return [_put_in(value, attachments) for value in data]
    return data


def decode_handshake(packet: bytes) -> Handshake:
    """The contents of Engine.IO's open packet.

    Raises:
        ProtocolError: it is no open packet of Engine.IO 4.
    """
    if packet[:1] != b"0":
        # Engine.IO 3 puts a length before each packet of a payload, in digits or in bytes.
        older = re.match(rb"\d+:0\{|[\0\1][\0-\x09]+\xff0\{", packet) is not None
        why = "; the server speaks Engine.IO 3, this client speaks 4" if older else ""
        got = refusals.page(packet) or refusals.kind(packet)
        raise ProtocolError(f"expected Engine.IO's open packet, got {got}{why}")
    try:
        return msgspec.json.decode(packet[1:], type=Handshake)
    except NOT_JSON as error:
        raise ProtocolError(f"unreadable open packet: {refusals.why(error)}") from error


def encode_payload(outbox: list[bytes], longest: int) -> bytes:
    """A long-polling payload of as many packets as ``longest`` bytes hold; at least one.

    What it holds is taken out of ``outbox``. The first packet goes even if it is too long by
    itself: it is for the server to say so, as with the official client.
    """
    parts: list[bytes] = []
    length = -1
    for packet in outbox:
        part = b"b" + binascii.b2a_base64(packet[1:], newline=False) if _binary(packet) else packet
        length += 1 + len(part)
        if parts and length > longest:
            break
        parts.append(part)
    del outbox[: len(parts)]
    return SEPARATOR.join(parts)


def decode_payload(body: bytes) -> Iterator[bytes]:
    """The packets of a long-polling payload, one after the other.

    Raises:
        ProtocolError: a binary packet is not base64; those before it have been given.
    """
    for part in body.split(SEPARATOR):
        yield unpack(part)


def _binary(packet: bytes) -> bool:
    return packet[:1] == b"b"


def unpack(part: bytes) -> bytes:
    """A packet as it stands in a payload: a binary one is base64 there.

    Raises:
        ProtocolError: or is not.
    """
    if not _binary(part):
        return part
    try:
        return b"b" + binascii.a2b_base64(part[1:], strict_mode=True)
    except binascii.Error as error:
        raise ProtocolError(f"not base64: {refusals.why(error)}") from error
