"""Engine.IO 4 and Socket.IO 5 packets in text form, without a socket.

Packets are bytes here, since that is what arrives and what leaves. Sources: the protocol documents
socketio/engine.io-protocol (revision 4) and socketio/socket.io-protocol (revision 5).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from loadtests.client.errors import ProtocolError

#: Engine.IO packet types, as the first byte of a packet.
OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = (48, 49, 50, 51, 52, 53, 54)

CLOSE_PACKET = b"1"
PONG_PACKET = b"3"

#: Between the packets of one long-polling payload.
SEPARATOR = b"\x1e"


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
    """A Socket.IO packet without attachments.

    Attributes:
        type: see PacketType.
        namespace: ``/`` where the packet names none.
        id: of an acknowledgement, if any.
        data: what JSON holds: a list for an event, an object or nothing otherwise.
    """

    type: int
    namespace: str
    id: int | None
    data: Any


class Handshake(msgspec.Struct, frozen=True, rename="camel"):
    """What the server says in Engine.IO's open packet; times in milliseconds, size in bytes."""

    sid: str
    upgrades: list[str]
    ping_interval: float
    ping_timeout: float
    max_payload: int = 1_000_000


_json = msgspec.json.Encoder()


def encode(packet: Packet) -> bytes:
    """A Socket.IO packet as an Engine.IO message packet."""
    namespace = "" if packet.namespace == "/" else packet.namespace + ","
    identity = "" if packet.id is None else str(packet.id)
    head = f"4{int(packet.type)}{namespace}{identity}".encode()
    return head if packet.data is None else head + _json.encode(packet.data)


def encode_event(namespace: str, name: str, *arguments: Any) -> bytes:
    """An event, as an Engine.IO message packet."""
    return encode(Packet(PacketType.EVENT, namespace, None, [name, *arguments]))


def decode(packet: bytes) -> Packet:
    """The Socket.IO packet inside an Engine.IO message packet.

    Raises:
        ProtocolError: it is none, or has attachments.
    """
    if len(packet) < 2 or packet[0] != MESSAGE or not 48 <= packet[1] <= 54:
        raise ProtocolError(f"not a Socket.IO packet: {packet[:80]!r}")
    kind = packet[1] - 48
    if kind >= PacketType.BINARY_EVENT:
        raise ProtocolError("binary attachments are not supported")
    position = 2
    namespace = "/"
    try:
        if packet[2:3] == b"/":
            comma = packet.find(b",", 2)
            position = comma + 1 if comma >= 0 else len(packet)
            namespace = packet[2 : comma if comma >= 0 else None].decode()
        identity = None
        digits = position
        while packet[digits : digits + 1].isdigit():
            digits += 1
        if digits > position:
            identity = int(packet[position:digits])
        data = msgspec.json.decode(packet[digits:]) if digits < len(packet) else None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"not a Socket.IO packet: {packet[:80]!r} ({error})") from error
    if kind == PacketType.EVENT and not (isinstance(data, list) and data):
        raise ProtocolError(f"an event without a name: {packet[:80]!r}")
    return Packet(kind, namespace, identity, data)


def decode_handshake(packet: bytes) -> Handshake:
    """The contents of Engine.IO's open packet.

    Raises:
        ProtocolError: it is no open packet of Engine.IO 4.
    """
    if packet[:1] != b"0":
        raise ProtocolError(f"expected Engine.IO's open packet, got {packet[:80]!r}")
    try:
        return msgspec.json.decode(packet[1:], type=Handshake)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"unreadable open packet {packet[:80]!r}: {error}") from error
