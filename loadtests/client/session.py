"""A Socket.IO session in one namespace, over either transport or from the one to the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from gevent.event import AsyncResult

from loadtests.client import refusals
from loadtests.client.errors import ConnectionFailed
from loadtests.client.hearing import Arrival, Handler, Hearing
from loadtests.client.link import Link, OnLeave, Server
from loadtests.client.packets import Packet, PacketType
from loadtests.client.polling import PollingLink
from loadtests.client.upgrade import UpgradingLink
from loadtests.client.websocket import WebSocketLink
from loadtests.record.words import Cause, Transport

#: How a session can go away by itself; what the others need is around it.
DEPARTURES = (Cause.CLOSE, Cause.KILL, Cause.RESET, Cause.FREEZE)

#: How a server ends a connection that it cannot make sense of.
_WITHOUT_A_WORD = (
    "connection closed by the server",
    "connection broken: Connection reset by peer",
)

_encode_json = msgspec.json.encode


class Session(Hearing):
    """One client. Handlers run in gevent's loop: they must not block.

    Args:
        server: see ``link.locate``; a session has cookies of its own beside those of its target.
        transports: in the order of the official client's option of that name: one from beginning to
            end, or polling and WebSocket for the upgrade from the one to the other.
        namespace: to join.

    Attributes:
        cookies: what it sends, and the server has set.
        sid: the namespace's session id, as the server's handlers see it.
    """

    __slots__ = ("_encrypted", "cookies", "sid")

    def __init__(
        self, server: Server, transports: Sequence[Transport], namespace: str = "/"
    ) -> None:
        super().__init__(namespace)
        self._encrypted = server.tls is not None
        self.cookies = server.jar()
        self._link = _link(transports)(server, self._packet, self._end, jar=self.cookies)
        self.sid = ""

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

    @property
    def codings(self) -> list[str]:
        """Content codings in which answers over long-polling came, ``identity`` for none."""
        return sorted(coding.decode() for coding in self._link.codings)

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
        """Packets that have arrived compressed and were not read; see ``gather``.

        Heartbeats were: whoever counts on copies of a broadcast counts no others.
        """
        return self._link.kept

    def read_up(self) -> None:
        """Read them: what is to be gathered goes into the list, for the rest handlers are called.

        Raises:
            ProtocolError: one cannot be read.
        """
        heard_ns = self.heard_ns
        self._link.read_kept()
        self.heard_ns = max(heard_ns, self.heard_ns)  # a heartbeat may have come after all of them

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
        try:
            self.sid = self._wait(self._connected, timeout_s, "no answer to the handshake")
        except ConnectionFailed as error:
            if self._encrypted or str(error) not in _WITHOUT_A_WORD:
                raise
            # OpenSSL's servers have no alert for a request in plain HTTP (SSL_R_HTTP_REQUEST).
            hint = "before it answered; a port for TLS does that: https:// or wss://?"
            raise ConnectionFailed(f"{error} {hint}") from error
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
        left = (self._further or {}).pop(namespace, None)
        if left is not None and left.is_joined:
            self._send(Packet(PacketType.DISCONNECT, namespace, None, None))

    @property
    def namespaces(self) -> list[str]:
        """Those where events may be sent: its own, and what was joined beside it."""
        further = self._further or {}
        return [self._namespace, *(name for name, each in further.items() if each.is_joined)]

    def belongs(self, namespace: str) -> bool:
        """Whether another namespace was joined, or is being, and nobody has ended that."""
        return self._further is not None and namespace in self._further

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
            why = refusals.without_ids(why, self._ids)
            raise ConnectionFailed(f"the session stays on long-polling: {why}")

    def emit(
        self,
        name: str,
        *arguments: Any,
        on_ack: Handler | None = None,
        namespace: str | None = None,
        leaves: OnLeave | None = None,
    ) -> None:
        """Send an event, with bytes among its arguments or not.

        Args:
            name: of the event.
            arguments: any JSON, with bytes anywhere in it.
            on_ack: called with what the server's handler acknowledges it with.
            namespace: one that was joined; the session's own if None.
            leaves: see ``send``; never called if the session ends before.

        Raises:
            ValueError: it was not joined, so nothing is sent.
        """
        where = self._namespace if namespace is None else namespace
        if where != self._namespace and where not in self.namespaces:
            # The official server closes the whole connection for it (socket.io, Client.ondecoded).
            raise ValueError(
                f"{name!r} is not sent to {where}, which is not joined; "
                f"joined: {', '.join(self.namespaces)}"
            )
        number = None if on_ack is None else self.expect(on_ack)
        self._send(Packet(PacketType.EVENT, where, number, [name, *arguments]), leaves)

    def expect(self, on_ack: Handler) -> int:
        """The number of a packet that is still to be sent; called with its acknowledgement."""
        number = next(self._numbers)
        self._acknowledged[number] = on_ack
        return number

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
        for membership in (self._further or {}).values():
            membership.handlers = {}
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
        own, *further = self.namespaces
        for namespace in (*further, own):
            self._send(Packet(PacketType.DISCONNECT, namespace, None, None))
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
            if address := self._link.connecting:
                complaint = f"cannot connect to {address}: no answer"
            self._link.kill()
        raise ConnectionFailed(f"{complaint} within {timeout_s:g} s")


def _link(transports: Sequence[Transport]) -> Callable[..., Link]:
    order = tuple(transports)
    if order == (Transport.WEBSOCKET,):
        return WebSocketLink
    if order == (Transport.POLLING,):
        return PollingLink
    if order == (Transport.POLLING, Transport.WEBSOCKET):
        return UpgradingLink
    raise ValueError(f"transports {order}: one of the two, or polling and then websocket")
