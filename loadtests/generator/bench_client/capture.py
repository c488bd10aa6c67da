"""When echoes went by in a packet capture. Pure: bytes in, times out.

A capture knows nothing of the load generator: its stamps are the kernel's, taken of the packets
themselves. Both directions of each TCP connection are put together again by sequence number
(RFC 9293, section 3.4), WebSocket frames are decoded (RFC 6455, section 5.2), and each request is
matched with its reply by the message's identity. None of it is shared with the client under test.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, BinaryIO, NamedTuple

import dpkt  # type: ignore[import-untyped]

from loadtests.generator.bench_client.measured import ContenderFailed
from loadtests.record.application import ECHO_EVENT, NAMESPACE, RESPONSE_EVENT
from loadtests.scenarios.messages import identity

_SEQUENCES = 2**32
_TEXT, _CONTINUATION = 0x1, 0x0
_EVENT_HEAD = b"42" + NAMESPACE.encode() + b","  # Engine.IO message, Socket.IO event, namespace

#: Link type (tcpdump.org/linktypes.html) -> what decodes its packets.
_LINKS = {
    dpkt.pcap.DLT_EN10MB: dpkt.ethernet.Ethernet,
    dpkt.pcap.DLT_NULL: dpkt.loopback.Loopback,
    dpkt.pcap.DLT_LINUX_SLL: dpkt.sll.SLL,
}

Identity = tuple[int, int]  #: publisher and number; see scenarios/messages.py


class CaptureError(ContenderFailed):
    """This is no capture, or not of a kind that can be read here."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment as it was captured.

    Attributes:
        stamp_ns: of the capture, nanoseconds of the wall clock.
        source, destination: ports.
        sequence: number of its first byte, or of the SYN itself.
        begins: whether it is a SYN.
        payload: its bytes; often none.
    """

    stamp_ns: int
    source: int
    destination: int
    sequence: int
    begins: bool
    payload: bytes


class Piece(NamedTuple):
    """Bytes of a stream that one packet brought."""

    stamp_ns: int
    data: bytes


class Message(NamedTuple):
    """A text message and the stamp of the packet that completed it."""

    stamp_ns: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Passage:
    """When the packets that completed a request and its reply went by, in nanoseconds."""

    request_ns: int
    reply_ns: int

    @property
    def took_ns(self) -> int:
        """What the capture sees of the service time."""
        return self.reply_ns - self.request_ns


def segments(file: BinaryIO) -> Iterator[Segment]:
    """All TCP segments of a pcap file, in the order of capture.

    Raises:
        CaptureError: no pcap file, or of a link type that is not read here.
    """
    try:
        reader = dpkt.pcap.Reader(file)
    except (ValueError, dpkt.UnpackError) as error:
        raise CaptureError(f"not a pcap file: {error}") from error
    decode = _LINKS.get(reader.datalink())
    if decode is None:
        raise CaptureError(f"link type {reader.datalink()} is not read here")
    for stamp_s, packet in reader:
        try:
            tcp = getattr(decode(packet).data, "data", None)
        except dpkt.UnpackError:  # cut off; what it held will be missing, and that is noticed
            continue
        if isinstance(tcp, dpkt.tcp.TCP):
            yield Segment(
                # Of a file with nanoseconds this is a Decimal, so nothing is rounded.
                stamp_ns=round(stamp_s * 10**9),
                source=tcp.sport,
                destination=tcp.dport,
                sequence=tcp.seq,
                begins=bool(tcp.flags & dpkt.tcp.TH_SYN),
                payload=bytes(tcp.data),
            )


def exchanges(captured: Iterable[Segment], server_port: int) -> dict[Identity, Passage]:
    """Every echo whose request and reply are both in the capture.

    Args:
        captured: one host's segments, so that a client's port tells its connection.
        server_port: where the server listens.
    """
    sent: dict[int, list[Segment]] = defaultdict(list)
    received: dict[int, list[Segment]] = defaultdict(list)
    for segment in captured:
        if segment.destination == server_port:
            sent[segment.source].append(segment)
        elif segment.source == server_port:
            received[segment.destination].append(segment)
    found = {}
    for client_port, requests in sent.items():
        begun = _identified(requests, ECHO_EVENT)
        ended = _identified(received[client_port], RESPONSE_EVENT)
        for which in begun.keys() & ended.keys():
            found[which] = Passage(begun[which], ended[which])
    return found


def _identified(direction: list[Segment], event: str) -> dict[Identity, int]:
    """Identity -> stamp, for one event; of a message that came twice, the first counts."""
    found: dict[Identity, int] = {}
    for message in messages(reassemble(direction)):
        which = identity(_arguments(message.payload, event))
        if which is not None:
            found.setdefault(which, message.stamp_ns)
    return found


def _arguments(payload: bytes, event: str) -> list[Any]:
    """What an event of that name holds; nothing for any other message."""
    if not payload.startswith(_EVENT_HEAD):
        return []
    name, *arguments = json.loads(payload[len(_EVENT_HEAD) :])
    return arguments if name == event else []


def reassemble(direction: Iterable[Segment]) -> list[Piece]:
    """One direction of a connection as a stream: in order, every byte once, up to the first gap.

    Of a byte that was captured more than once (a retransmission, or a packet that the capture saw
    on its way out and in) the earliest stamp counts. Without the connection's SYN there is nothing:
    what its first byte is could not be told. At most 4 GiB, since sequence numbers repeat then.
    """
    everything = list(direction)
    start = next((each.sequence + 1 for each in everything if each.begins), None)
    if start is None:
        return []
    filled = sorted(
        ((each.sequence - start) % _SEQUENCES, each.stamp_ns, each.payload)
        for each in everything
        if each.payload
    )
    pieces: list[Piece] = []
    position = 0
    for first, stamp_ns, payload in filled:
        if first > position:
            break
        fresh = payload[position - first :]
        if fresh:
            pieces.append(Piece(stamp_ns, fresh))
            position += len(fresh)
    return pieces


def messages(stream: list[Piece]) -> Iterator[Message]:
    """The text messages of one direction of a WebSocket connection, after its HTTP head.

    A message's stamp is the latest of the packets that it came in: all of it was there then.
    """
    data = b"".join(piece.data for piece in stream)
    ends = list(accumulate(len(piece.data) for piece in stream))
    parts: list[bytes] = []
    begun_at = 0
    at = data.find(b"\r\n\r\n") + 4
    while at >= 4 and (frame := _frame(data, at)) is not None:
        if frame.opcode == _TEXT:
            parts, begun_at = [], at
        at = frame.end
        if frame.opcode not in (_TEXT, _CONTINUATION):
            continue
        parts.append(frame.payload)
        if frame.final:
            touched = stream[bisect_right(ends, begun_at) : bisect_right(ends, at - 1) + 1]
            yield Message(max(piece.stamp_ns for piece in touched), b"".join(parts))


class _Frame(NamedTuple):
    opcode: int
    final: bool
    payload: bytes
    end: int


def _frame(data: bytes, at: int) -> _Frame | None:
    """The frame at a position, unmasked; None if it is not all there."""
    body = at + 2
    if len(data) < body:
        return None
    first, second = data[at], data[at + 1]
    length = second & 0x7F
    if length >= 126:
        digits = 2 if length == 126 else 8
        length = int.from_bytes(data[body : body + digits], "big")
        body += digits
    mask = b""
    if second & 0x80:
        mask = data[body : body + 4]
        body += 4
    end = body + length
    if len(data) < end:
        return None
    payload = data[body:end]
    if mask:
        payload = bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))
    return _Frame(first & 0x0F, bool(first & 0x80), payload, end)
