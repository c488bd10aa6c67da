"""A Socket.IO session in one namespace, over either transport or from the one to the other."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import msgspec
from gevent.event import AsyncResult

from loadtests.client import notices, packets
from loadtests.client.errors import ConnectionFailed, ProtocolError
from loadtests.client.heartbeat import Vigil
from loadtests.client.link import Link, OnLeave, Server
from loadtests.client.packets import Packet, PacketType
from loadtests.client.polling import PollingLink
from loadtests.client.upgrade import UpgradingLink
from loadtests.client.websocket import WebSocketLink
from loadtests.record.words import Cause, Transport

#: A packet as it came, when the kernel had it and when it was read (monotonic ns).
Arrival = tuple[bytes, int, int]

#: Called with an event's or an acknowledgement's arguments, when the kernel had it and when it was
#: read (monotonic ns). If the server wants an event acknowledged, a returned list is the answer.
Handler = Callable[[list[Any], int, int], list[Any] | None]

#: How a session can go away by itself; what the others need is around it.
DEPARTURES = (Cause.CLOSE, Cause.KILL, Cause.RESET, Cause.FREEZE)

TOO_LONG = (
    "messages longer than the server has announced to read (maxPayload; max_http_buffer_size of "
    "Flask-SocketIO): it hangs up when they arrive"
)

_decode_json = msgspec.json.decode
_encode_json = msgspec.json.encode


class Session:
    """One client. Handlers run in gevent's loop: they must not block.

    Args:
        server: see ``link.locate``; a session has cookies of its own beside those of its target.
        transports: in the order of the official client's option of that name: one from beginning to
            end, or polling and WebSocket for the upgrade from the one to the other.
        namespace: to join.

    Attributes:
        sid: the namespace's session id, as the server's handlers see it.
        ended: why the session is over, if it ended without having been asked to.
        heard_ns: when the latest packet was read (monotonic); 0 before the first.
        heartbeats: for each of the server's pings, the nanoseconds between kernel and user space.
        max_payload: the longest message that the server reads, bytes; None until it says so.
        pinged_ns: when it answered the latest of them (monotonic); when the handshake was read, if
            there was none yet. The server counts the time until the next one from when it reads the
            answer, or sent the handshake (engineio.socket.Socket.schedule_ping, 4.15).
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
        "_link",
        "_longest",
        "_namespace",
        "_numbers",
        "_opened",
        "_too_long",
        "_vigil",
        "_waiting",
        "cookies",
        "ended",
        "heard_ns",
        "heartbeats",
        "max_payload",
        "pinged_ns",
        "sid",
    )

    def __init__(
        self, server: Server, transports: Sequence[Transport], namespace: str = "/"
    ) -> None:
        self.cookies = server.jar()
        self._link = _link(transports)(server, self._packet, self._end, jar=self.cookies)
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
        self._further: dict[str, _Membership] | None = None  # beside the first namespace
        self._opened = False
        self._departed = False
        self._longest: float = math.inf  # bytes of a packet, as far as the server has said
        self._too_long = ""
        self._vigil: Vigil | None = None
        self.sid = ""
        self.ended: str | None = None
        self.heard_ns = 0
        self.heartbeats = array("q")
        self.max_payload: int | None = None
        self.pinged_ns = 0

    @property
    def transport(self) -> Transport:
        """What carries packets now."""
        return self._link.transport

    @property
    def namespace(self) -> str:
        """Its own: the one that it was made for."""
        return self._namespace

    @property
    def compressed(self) -> bool:
        """Whether its messages are compressed now, both ways (permessage-deflate)."""
        return self._link.compressed

    def carried(self) -> tuple[int, int] | None:
        """Bytes sent and received on a WebSocket's connection so far; None where nobody counts."""
        return self._link.carried()

    def on(self, event: str, handler: Handler, namespace: str | None = None) -> None:
        """Have a handler called for an event; the latest one given for it counts.

        Args:
            event: its name.
            handler: see Handler.
            namespace: one that was joined; the session's own if None.
        """
        self._handlers_of(namespace)[event] = handler

    def gather(self, event: str) -> list[Arrival]:
        """Have an event's packets put into a list, undecoded; ``packets.decode`` reads them later.

        For those who receive much and have no answer to give: what is decoded after the trial does
        not keep the generator busy during it. The event's handler is called in place of that for
        what only decoding tells to be that event, such as one with a number, attachments or JSON
        in another layout.

        What arrives compressed is kept as it is, whatever it may be, until ``read_up``.

        Returns:
            The list, which grows from now on.
        """
        self._gathered = []
        self._gather_head = self._event_head + b"[" + _encode_json(event)
        self._link.keep()
        return self._gathered

    @property
    def unread(self) -> int:
        """Packets that have arrived compressed and were not read; see ``gather``."""
        return self._link.kept

    def read_up(self) -> None:
        """Read them: what is to be gathered goes into the list, for the rest handlers are called.

        Raises:
            ProtocolError: one cannot be read.
        """
        self._link.read_kept()

    def connect(self, auth: Any = None, timeout_s: float = 10) -> None:
        """Open the link and join the namespace; waits cooperatively.

        Args:
            auth: for the server's connect handler; any JSON.
            timeout_s: for all of it, in seconds.

        Raises:
            ConnectionFailed: refused, broken or not answered in time, in the server's own words
                where it had any.
        """
        self._auth = auth
        self._connected = AsyncResult()
        self._link.open()
        self.sid = self._wait(self._connected, timeout_s, "no answer to the handshake")
        self._connected = None

    def join(self, namespace: str, auth: Any = None, timeout_s: float = 10) -> str:
        """Join another namespace on the same connection; waits cooperatively.

        Args:
            namespace: not the session's own.
            auth: for the server's connect handler; any JSON.
            timeout_s: how long to wait, in seconds.

        Returns:
            The session id that the namespace has for it.

        Raises:
            ConnectionFailed: refused, the session is over, or there was no answer in time.
        """
        answer = AsyncResult()
        membership = self._membership(namespace)
        membership.joined = answer
        self._send(Packet(PacketType.CONNECT, namespace, None, auth))
        sid: str = self._wait(answer, timeout_s, f"no answer to joining {namespace}")
        return sid

    def leave(self, namespace: str) -> None:
        """Leave a namespace that was joined beside the first."""
        if self._further is not None and self._further.pop(namespace, None) is not None:
            self._send(Packet(PacketType.DISCONNECT, namespace, None, None))

    def wait_for_upgrade(self, timeout_s: float = 10) -> None:
        """Wait cooperatively until WebSocket carries the session.

        Raises:
            ConnectionFailed: it stays on polling, or is over.
        """
        if isinstance(self._link, UpgradingLink) and not self._link.settled.wait(timeout_s):
            raise ConnectionFailed(f"no upgrade to WebSocket within {timeout_s:g} s")
        if self.ended is not None:
            raise ConnectionFailed(self.ended)
        if self.transport is not Transport.WEBSOCKET:
            why = getattr(self._link, "failure", "no upgrade was asked for")
            raise ConnectionFailed(f"the session stays on long-polling: {why}")

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

    def emit(
        self,
        name: str,
        *arguments: Any,
        on_ack: Handler | None = None,
        namespace: str | None = None,
    ) -> None:
        """Send an event, with bytes among its arguments or not.

        Args:
            name: of the event.
            arguments: any JSON, with bytes anywhere in it.
            on_ack: called with what the server's handler acknowledges it with.
            namespace: one that was joined; the session's own if None.
        """
        number = None
        if on_ack is not None:
            number = next(self._numbers)
            self._acknowledged[number] = on_ack
        where = self._namespace if namespace is None else namespace
        self._send(Packet(PacketType.EVENT, where, number, [name, *arguments]))

    def call(self, name: str, *arguments: Any, timeout_s: float = 10) -> list[Any]:
        """Send an event and wait cooperatively for its acknowledgement.

        Returns:
            What the server's handler acknowledged it with.

        Raises:
            ConnectionFailed: the session is over, or there was no acknowledgement in time.
        """
        answer = AsyncResult()
        self.emit(name, *arguments, on_ack=lambda found, _kernel_ns, _user_ns: answer.set(found))
        found: list[Any] = self._wait(answer, timeout_s, f"no acknowledgement of {name!r}")
        return found

    def depart(self, cause: Cause) -> None:
        """Go away. What the server sends from now on is not heard.

        Raises:
            ValueError: no session can go that way by itself.
        """
        if cause not in DEPARTURES:
            raise ValueError(f"a session cannot depart by {cause}: it has no network and no tab")
        self._handlers = {}
        self._gathered = None
        self._acknowledged.clear()
        if cause is Cause.CLOSE:
            self.close()
        elif cause is Cause.KILL:
            self.kill()
        elif cause is Cause.RESET:
            self._depart()
            self._link.reset()
        else:
            self._depart()
            self._link.freeze()

    def close(self) -> None:
        """Leave the namespace, then the connection, as the official client's disconnect() does."""
        self._depart()
        for namespace in self._further or ():
            self._send(Packet(PacketType.DISCONNECT, namespace, None, None))
        self._send(Packet(PacketType.DISCONNECT, self._namespace, None, None))
        self._link.say_goodbye()

    def kill(self) -> None:
        """Close every connection without a word; harmless when they are closed already."""
        self._depart()
        self._link.kill()

    def _depart(self) -> None:
        """Whatever ends the session now was asked for."""
        self._departed = True
        self._stop_vigil()
        self._release("the session was closed")

    def _send(self, packet: Packet) -> None:
        for part in packets.encode(packet):
            self.send(part)

    def _note_length(self, length: int) -> None:
        """Something is about to be sent that the server has said not to read."""
        self._too_long = f"a message of {length} bytes, where it reads {self._longest} at most"
        notices.tell(TOO_LONG, self._too_long)

    def _wait(self, answer: AsyncResult, timeout_s: float, complaint: str) -> Any:
        if self.ended is not None:
            raise ConnectionFailed(self.ended)
        self._waiting.add(answer)
        try:
            answer.wait(timeout=timeout_s)  # not `get`: its Timeout might be the caller's own
        finally:
            self._waiting.discard(answer)
        if answer.ready():
            return answer.get()
        if answer is self._connected:
            self._link.kill()
        raise ConnectionFailed(f"{complaint} within {timeout_s:g} s")

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
            self.pinged_ns = user_ns
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
            raise ProtocolError(f"unexpected Engine.IO packet {packet[:80]!r}")

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
            self._fail(f"namespace {self._namespace} refused: {_words(message.data)}")
        else:
            self._fail("disconnected by the server")

    def _joined(self, message: Packet, waiting: AsyncResult | None) -> None:
        sid = message.data.get("sid") if isinstance(message.data, dict) else None
        if not isinstance(sid, str):
            raise ProtocolError(
                f"Socket.IO connect without a session id: {message.data!r}; "
                "does the server speak an older protocol (Socket.IO 2 or before)?"
            )
        if waiting is not None:
            waiting.set(sid)

    def _put_out(self, message: Packet, further: _Membership) -> None:
        """A namespace beside the first refused to be joined, or was left by the server's will."""
        assert self._further is not None
        del self._further[message.namespace]
        refused = message.type == PacketType.CONNECT_ERROR
        why = f"refused: {_words(message.data)}" if refused else "was disconnected by the server"
        if further.joined is not None and not further.joined.ready():
            reason = ConnectionFailed(f"namespace {message.namespace} {why}")
            further.joined.set_exception(reason)

    def _handlers_of(self, namespace: str | None) -> dict[str, Handler]:
        if namespace is None or namespace == self._namespace:
            return self._handlers
        return self._membership(namespace).handlers

    def _membership(self, namespace: str) -> _Membership:
        if namespace == self._namespace:
            raise ValueError(f"{namespace} is the session's own namespace")
        if self._further is None:
            self._further = {}
        return self._further.setdefault(namespace, _Membership())

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
        if self._too_long:
            reason = f"{reason}, after {self._too_long}"
        if self.ended is None and not self._departed:
            self.ended = reason
        self._release(reason)

    def _release(self, reason: str) -> None:
        for answer in self._waiting:
            if not answer.ready():
                answer.set_exception(ConnectionFailed(reason))


class _Membership:
    """Of a namespace beside the session's own.

    Attributes:
        handlers: event -> its handler.
        joined: waits for the session id there.
    """

    __slots__ = ("handlers", "joined")

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.joined: AsyncResult | None = None


def _link(transports: Sequence[Transport]) -> Callable[..., Link]:
    order = tuple(transports)
    if order == (Transport.WEBSOCKET,):
        return WebSocketLink
    if order == (Transport.POLLING,):
        return PollingLink
    if order == (Transport.POLLING, Transport.WEBSOCKET):
        return UpgradingLink
    raise ValueError(f"transports {order}: one of the two, or polling and then websocket")


def _words(refusal: Any) -> Any:
    """What the server said; the official servers wrap it in an object."""
    return refusal.get("message", refusal) if isinstance(refusal, dict) else refusal
