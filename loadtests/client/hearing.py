"""What arrives in a session: which packet is for whom, what is answered, and what ends it."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
from gevent.event import AsyncResult

from loadtests.client import notices, packets, refusals
from loadtests.client.errors import ConnectionFailed, ProtocolError
from loadtests.client.heartbeat import Vigil, standstill
from loadtests.client.link import Link, OnLeave
from loadtests.client.packets import Packet, PacketType

#: A packet as it came, when the kernel had it and when it was read (monotonic ns).
Arrival = tuple[bytes, int, int]

#: Called with an event's or an acknowledgement's arguments, when the kernel had it and when it was
#: read (monotonic ns). If the server wants an event acknowledged, a returned list is the answer.
Handler = Callable[[list[Any], int, int], list[Any] | None]

#: Why a session is over that the server's application has put out.
PUT_OUT = "disconnected by the server"

TOO_LONG = (
    "messages longer than the server has announced to read (maxPayload; max_http_buffer_size of "
    "Flask-SocketIO): it hangs up when they arrive"
)

#: Whose fault it is, where this process stood still for longer than the server waits for a pong.
STOOD_STILL = (
    "; shortly before, this client's own process stood still (stopped, or too busy) for longer "
    "than the server waits for the answer to its heartbeat"
)

#: Of the application's own about a refusal, characters.
_LONGEST_WORDS = 200

#: Names of events that nobody waits for: so many are remembered.
_MOST_UNHEARD = 8

#: Who is hung up on for a message is so within this time of it.
_SOON_NS = 10_000_000_000

_decode_json = msgspec.json.decode


class Hearing:
    """A session's state, and what its link calls; see Session, which says and asks.

    Args:
        namespace: that it joins first.

    Attributes:
        ended: why the session is over, if it ended without having been asked to.
        ended_ns: when it did so (monotonic); 0 until then.
        heard_ns: when the latest packet was read (monotonic); 0 before the first.
        heartbeats: for each of the server's pings, the nanoseconds between kernel and user space.
        max_payload: the longest message that the server reads, bytes; None until it says so.
        pinged_ns: when it answered the latest of them (monotonic); when the handshake was read, if
            there was none yet. The server counts the time until the next one from when it reads the
            answer, or sent the handshake (engineio.socket.Socket.schedule_ping, 4.15).
        unheard: events that came and had no handler -> how many; None without any.
    """

    __slots__ = (
        "_acknowledged",
        "_auth",
        "_connected",
        "_decoder",
        "_departed",
        "_event_head",
        "_further",
        "_gather_head",
        "_gathered",
        "_handlers",
        "_ids",
        "_link",
        "_longest",
        "_namespace",
        "_numbers",
        "_opened",
        "_pong_ns",
        "_too_long",
        "_vigil",
        "_waiting",
        "ended",
        "ended_ns",
        "heard_ns",
        "heartbeats",
        "max_payload",
        "pinged_ns",
        "unheard",
    )

    _link: Link

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._event_head = b"42" if namespace == "/" else f"42{namespace},".encode()
        self._handlers: dict[str, Handler] = {}
        self._gathered: list[Arrival] | None = None
        self._gather_head = b""
        self._decoder = packets.PacketDecoder()
        self._numbers = count()
        self._acknowledged: dict[int, Handler] = {}
        self._waiting: set[AsyncResult] = set()
        self._connected: AsyncResult | None = None
        self._auth: Any = None
        self._further: dict[str, Membership] | None = None  # beside the first namespace
        self._ids: tuple[str, ...] = ()  # that the server knows it by
        self._opened = False
        self._departed = False
        self._longest: float = math.inf  # bytes of a packet, as far as the server has said
        self._too_long = ("", 0)  # what was said of the latest one, and when
        self._vigil: Vigil | None = None
        self._pong_ns: float = math.inf  # how long the server waits for one
        self.ended: str | None = None
        self.ended_ns = 0
        self.heard_ns = 0
        self.heartbeats = array("q")
        self.max_payload: int | None = None
        self.pinged_ns = 0
        self.unheard: dict[str, int] | None = None

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """Send an event that ``packets.encode_event`` made: the cheapest way.

        Args:
            packet: the event.
            leaves: called right before it goes out; at once over WebSocket, with the POST that
                carries it over long-polling. Packets leave in the order in which they were sent.
        """
        if len(packet) > self._longest:
            self._note_length(len(packet))
        self._link.send(packet, leaves)

    def _packet(self, packet: bytes, kernel_ns: int, user_ns: int) -> None:
        # Nearly every packet is an event of our namespace without number or attachments: what
        # follows its head is JSON and nothing else.
        self.heard_ns = user_ns
        head = self._event_head
        if packet.startswith(head) and not self._decoder.waiting:
            if self._gathered is not None and packet.startswith(self._gather_head):
                self._gathered.append((packet, kernel_ns, user_ns))
                return
            try:
                data = _decode_json(packet[len(head) :])
            except packets.NOT_JSON:
                data = None
            if type(data) is list and data and type(data[0]) is str:
                handler = self._handlers.get(data[0])
                if handler is not None:
                    handler(data[1:], kernel_ns, user_ns)
                else:
                    self._note_unheard(data[0])
                return
        try:
            self._other(packet, kernel_ns, user_ns)
        except ProtocolError as error:
            self._fail(str(error))

    def _other(self, packet: bytes, kernel_ns: int, user_ns: int) -> None:
        kind = packet[0] if packet else packets.NOOP
        if not self._opened:
            self._link.joined(handshake := packets.decode_handshake(packet))
            self.max_payload = handshake.max_payload
            if handshake.max_payload is not None:
                self._longest = handshake.max_payload
            self._opened = True
            self._ids = (handshake.sid,)
            self.pinged_ns = user_ns
            if handshake.ping_timeout > 0:
                self._pong_ns = handshake.ping_timeout * 1e6
                standstill.watch()
            if handshake.ping_interval + handshake.ping_timeout > 0:
                self._vigil = Vigil(self, handshake.ping_interval, handshake.ping_timeout)
            self._send(Packet(PacketType.CONNECT, self._namespace, None, self._auth))
        elif kind == packets.PING:
            self.heartbeats.append(user_ns - kernel_ns)
            self.pinged_ns = user_ns
            self._link.send(packets.PONG_PACKET + packet[1:])
        elif kind in (packets.MESSAGE, packets.BINARY):
            whole = self._decoder.feed(packet)
            if whole is not None:
                self._message(whole, kernel_ns, user_ns)
        elif kind == packets.CLOSE:
            self._fail("closed by the server (Engine.IO close)")
        elif kind != packets.NOOP:
            raise ProtocolError(f"unexpected Engine.IO packet: {refusals.kind(packet)}")

    def _message(self, message: Packet, kernel_ns: int, user_ns: int) -> None:
        own = message.namespace == self._namespace
        further = None if own else (self._further or {}).get(message.namespace)
        if not own and further is None:
            return  # of a namespace that nobody here has joined, or has left
        if message.type in (PacketType.EVENT, PacketType.BINARY_EVENT):
            name, *arguments = message.data
            handlers = self._handlers if further is None else further.handlers
            handler = handlers.get(name)
            answer = handler(arguments, kernel_ns, user_ns) if handler is not None else None
            if message.id is not None and answer is not None:
                self._send(Packet(PacketType.ACK, message.namespace, message.id, answer))
        elif message.type in (PacketType.ACK, PacketType.BINARY_ACK):
            assert message.id is not None, "packets.decode sees to that"
            acknowledged = self._acknowledged.pop(message.id, None)
            if acknowledged is not None:  # otherwise nobody asked for it, and nobody is harmed
                acknowledged(message.data, kernel_ns, user_ns)
        elif message.type == PacketType.CONNECT:
            self._joined(message, self._connected if further is None else further.joined)
        elif further is not None:
            self._put_out(message, further)
        elif message.type == PacketType.CONNECT_ERROR:
            self._fail(f"namespace {self._namespace} refused: {_refusal_words(message.data)}")
        else:
            self._fail(PUT_OUT)

    def _joined(self, message: Packet, waiting: AsyncResult | None) -> None:
        sid = message.data.get("sid") if isinstance(message.data, dict) else None
        if not isinstance(sid, str):
            raise ProtocolError(
                "Socket.IO connect without a session id; "
                "does the server speak an older protocol (Socket.IO 2 or before)?"
            )
        self._ids += (sid,)
        if waiting is not None:
            waiting.set(sid)

    def _put_out(self, message: Packet, further: Membership) -> None:
        """A namespace beside the first refused to be joined, or was left by the server's will."""
        assert self._further is not None
        del self._further[message.namespace]
        refused = message.type == PacketType.CONNECT_ERROR
        why = (
            f"refused: {_refusal_words(message.data)}"
            if refused
            else "was disconnected by the server"
        )
        if further.joined is not None and not further.joined.ready():
            words = refusals.without_ids(why, self._ids)
            reason = ConnectionFailed(f"namespace {message.namespace} {words}")
            further.joined.set_exception(reason)

    def _handlers_of(self, namespace: str | None) -> dict[str, Handler]:
        if namespace is None or namespace == self._namespace:
            return self._handlers
        return self._membership(namespace).handlers

    def _membership(self, namespace: str) -> Membership:
        if namespace == self._namespace:
            raise ValueError(f"{namespace} is the session's own namespace")
        if self._further is None:
            self._further = {}
        return self._further.setdefault(namespace, Membership())

    def give_up(self, reason: str) -> None:
        """End it without a word, for a reason of this side."""
        self._fail(reason)

    def _stop_vigil(self) -> None:
        if self._vigil is not None:
            self._vigil.stop()
            self._vigil = None

    def _fail(self, reason: str) -> None:
        self._link.kill()
        self._end(reason)

    def _end(self, reason: str) -> None:
        self._stop_vigil()
        reason = refusals.without_ids(reason, self._ids)
        words, sent_ns = self._too_long
        if words and time.monotonic_ns() - sent_ns < _SOON_NS:
            reason = f"{reason}, after {words}"
        if standstill.recent_ns(time.monotonic_ns()) >= self._pong_ns:
            reason += STOOD_STILL
        if self.ended is None and not self._departed:
            self.ended, self.ended_ns = reason, time.monotonic_ns()
        self._release(reason)

    def _release(self, reason: str) -> None:
        for answer in self._waiting:
            if not answer.ready():
                answer.set_exception(ConnectionFailed(reason))

    def _send(self, packet: Packet, leaves: OnLeave | None = None) -> None:
        *before, last = packets.encode(packet)
        for part in before:
            self.send(part)
        self.send(last, leaves)

    def _note_unheard(self, event: str) -> None:
        """Something came that nobody waits for: it may have come in place of what somebody does."""
        unheard = self.unheard = self.unheard or {}
        if event in unheard or len(unheard) < _MOST_UNHEARD:
            unheard[event] = unheard.get(event, 0) + 1

    def _note_length(self, length: int) -> None:
        """Something is about to be sent that the server has said not to read."""
        words = f"a message of {length} bytes, where it reads {self._longest} at most"
        self._too_long = (words, time.monotonic_ns())
        notices.tell(TOO_LONG, words)


class Membership:
    """Of a namespace beside the session's own.

    Attributes:
        handlers: event -> its handler.
        joined: waits for the session id there.
    """

    __slots__ = ("handlers", "joined")

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.joined: AsyncResult | None = None

    @property
    def is_joined(self) -> bool:
        """Whether the server has let us in, and nobody has ended that."""
        return self.joined is not None and self.joined.successful()


def _refusal_words(refusal: Any) -> str:
    """What the server said; the official servers wrap it in an object."""
    said = refusal.get("message", refusal) if isinstance(refusal, dict) else refusal
    return refusals.shown(str(said))[:_LONGEST_WORDS]
