"""A Socket.IO session in one namespace, over either transport."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from gevent.event import AsyncResult
from gevent.timeout import Timeout

from loadtests.client import packets
from loadtests.client.errors import ConnectionFailed, ProtocolError
from loadtests.client.link import Link, Server
from loadtests.client.packets import PacketType
from loadtests.client.polling import PollingLink
from loadtests.client.websocket import WebSocketLink
from loadtests.model import Cause, Transport

#: Called with an event's arguments, when the kernel had it and when it was read (monotonic ns).
OnEvent = Callable[[list[Any], int, int], None]


def _ignore_event(_arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
    pass


class Session:
    """One client. Events arrive through ``on_event``, in gevent's loop: it must not block.

    Attributes:
        sid: the namespace's session id, as the server's handlers see it.
        on_event: called for the one event name that was asked for.
        ended: why the session is over, if it ended without having been asked to.
        heartbeats: for each of the server's pings, the nanoseconds between kernel and user space.
    """

    def __init__(self, server: Server, transport: Transport, namespace: str, event: str) -> None:
        link = PollingLink if transport is Transport.POLLING else WebSocketLink
        self._link: Link = link(server, self._packet, self._end)
        self._namespace = namespace
        self._event_head = b"42" if namespace == "/" else f"42{namespace},".encode()
        self._event = event
        self._connected: AsyncResult = AsyncResult()
        self.sid = ""
        self.on_event: OnEvent = _ignore_event
        self.ended: str | None = None
        self._departed = False
        self.heartbeats = array("q")

    def connect(self, timeout_s: float = 10) -> None:
        """Open the link and join the namespace; waits cooperatively.

        Raises:
            ConnectionFailed: refused, broken or not answered in time, in the server's own words
                where it had any.
        """
        self._link.open()
        try:
            self.sid = self._connected.get(timeout=timeout_s)
        except Timeout:
            self._link.kill()
            raise ConnectionFailed(f"no answer to the handshake within {timeout_s:g} s") from None

    def emit(self, packet: bytes) -> None:
        """Send an event that ``packets.encode_event`` made."""
        self._link.send(packet)

    def depart(self, cause: Cause) -> None:
        """Go away. What the server sends from now on is not heard."""
        self.on_event = _ignore_event
        self._departed = True
        if cause is Cause.CLOSE:
            self.close()
        elif cause is Cause.KILL:
            self._link.kill()
        else:
            self._link.freeze()

    def close(self) -> None:
        """Leave the namespace, then the connection, as the official client's disconnect() does."""
        goodbye = packets.Packet(PacketType.DISCONNECT, self._namespace, None, None)
        self._link.send(packets.encode(goodbye))
        self._link.say_goodbye()

    def kill(self) -> None:
        """Close every connection without a word; harmless when they are closed already."""
        self._link.kill()

    def _packet(self, packet: bytes, kernel_ns: int, user_ns: int) -> None:
        try:
            if packet.startswith(self._event_head):
                message = packets.decode(packet)
                name, *arguments = message.data
                if name == self._event and message.namespace == self._namespace:
                    self.on_event(arguments, kernel_ns, user_ns)
            elif packet[:1] == b"2":
                self.heartbeats.append(user_ns - kernel_ns)
                self._link.send(packets.PONG_PACKET + packet[1:])
            else:
                self._control(packet)
        except ProtocolError as error:
            self._link.kill()
            self._end(str(error))

    def _control(self, packet: bytes) -> None:
        kind = packet[0] if packet else packets.NOOP
        if kind == packets.OPEN:
            handshake = packets.decode_handshake(packet)
            if isinstance(self._link, PollingLink):
                self._link.join(handshake.sid)
            join = packets.Packet(PacketType.CONNECT, self._namespace, None, None)
            self._link.send(packets.encode(join))
        elif kind == packets.CLOSE:
            self._link.kill()
            self._end("closed by the server (Engine.IO close)")
        elif kind == packets.MESSAGE:
            self._message(packets.decode(packet))
        elif kind != packets.NOOP:
            raise ProtocolError(f"unexpected Engine.IO packet {packet[:80]!r}")

    def _message(self, message: packets.Packet) -> None:
        if message.namespace != self._namespace:
            return
        if message.type == PacketType.CONNECT:
            sid = message.data.get("sid") if isinstance(message.data, dict) else None
            if not isinstance(sid, str):
                raise ProtocolError(f"Socket.IO connect without a session id: {message.data!r}")
            self._connected.set(sid)
        elif message.type == PacketType.CONNECT_ERROR:
            self._link.kill()
            self._end(f"namespace {self._namespace} refused: {message.data}")
        elif message.type == PacketType.DISCONNECT:
            self._link.kill()
            self._end("disconnected by the server")

    def _end(self, reason: str) -> None:
        if self.ended is None and not self._departed:
            self.ended = reason
        if not self._connected.ready():
            self._connected.set_exception(ConnectionFailed(reason))
