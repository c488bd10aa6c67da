"""python-socketio's own client as a session: the same scenarios through an independent client.

Two clients that share no code and agree at low load are each other's witness. At high load this one
measures itself: it spends several times as much CPU on a message as ours.

It is the library as it comes (its threads are greenlets, since Locust has patched them), with seven
things that a scenario asks of a session and that the library has no call for:

- **Sending from gevent's loop**, where nothing may block: a greenlet per session emits, as a user's
  own would. That, and reading the prepared packet back into an event, is a microsecond or two
  beside its hundreds. Service time runs from there: when the library's own POST carries the message
  is not seen.
- **The time of arrival** is when the event handler runs, as for every user of the library. There is
  no kernel's stamp, so how long a message waited to be read is not known.
- **kill** closes the sockets below the library, also those of requests that wait for a response.
- **reset** does the same with RST: closing a socket that another greenlet reads needs gevent.
- **freeze** lets nothing out any more and stops the library's loops at what they do next. What
  arrives next is still read, once, where our client reads nothing; the kernel has taken it in
  either case, so the server sees the same.
- **The longest message** that the server reads is in the handshake, of which the library keeps
  other parts: the first answer to a request, or the first message of a WebSocket, is read here too.
- **close** first waits for a POST that is under way. The library stops writing after it, and its
  goodbye would never leave (engineio/client.py, ``_write_loop``, 4.15).

After that it is the library's disconnect(). Over WebSocket its closing frame overtakes its goodbye,
so the server's handler is told "transport close" where ours makes it "client disconnect".

The methods of python-engineio's client that are overridden here are private to it (4.15).
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any
from urllib.parse import urlencode

import engineio
import engineio.packet
import gevent
import socketio
from gevent.event import Event
from gevent.lock import Semaphore
from gevent.queue import Queue
from requests import Session as HttpSession

from loadtests.client import packets
from loadtests.client.errors import ConnectionFailed, ProtocolError
from loadtests.client.hearing import Arrival, Handler
from loadtests.client.library import Connections, FirstHeard, abort
from loadtests.client.link import OnLeave, Server
from loadtests.client.session import DEPARTURES
from loadtests.record.words import Cause, Transport

_monotonic_ns = time.monotonic_ns


class ReferenceSession:
    """One client of python-socketio with the interface of ``loadtests.client.session.Session``.

    Only what scenarios use of it; arguments and attributes are those of ``Session``. Handlers run
    in a greenlet of their own, as the library calls them.

    Attributes:
        sid: the namespace's session id.
        ended: the library's reason for a disconnect that nobody here asked for.
        heartbeats: a 0 for each of the server's pings: how long it waited is not known.
        max_payload, pinged_ns: as in ``Session``, the latter when the library had the ping.
    """

    def __init__(self, server: Server, transports: Sequence[Transport], namespace: str) -> None:
        query = urlencode(server.target.query)
        self._url = f"{server.origin}{'?' if query else ''}{query}"
        self._headers = server.target.headers
        self._path = server.path
        self._transports = [str(transport) for transport in transports]
        self._namespace = namespace
        self._connections = Connections()
        http = HttpSession()
        http.mount("http://", self._connections)
        http.mount("https://", self._connections)
        http.cookies.update(server.target.cookies)
        if server.target.ca_file is not None:  # for its WebSocket, too
            http.verify = server.target.ca_file
        self._client = _Client(
            reconnection=False,
            handle_sigint=False,
            # The library takes over its cookies for WebSocket, if it is given one; it has none.
            http_session=http,
            ssl_verify=not server.target.insecure,
        )
        self._client.on("disconnect", self._disconnected, namespace=namespace)
        self._client.on("connect_error", self._refused, namespace=namespace)
        self._client.eio.on_open = self._opened
        self._client.eio.on_ping = self._pinged
        self._refusal: Any = None
        self._outbox: Queue[tuple[bytes, OnLeave | None]] = Queue()
        self._departed = False
        self.sid = ""
        self.ended: str | None = None
        self.heartbeats = array("q")
        self.pinged_ns = 0
        #: The library does not tell.
        self.unheard: dict[str, int] | None = None

    @property
    def transport(self) -> Transport:
        """What the library says that it is on."""
        return Transport(self._client.transport())

    @property
    def namespace(self) -> str:
        """See ``Session``."""
        return self._namespace

    @property
    def max_payload(self) -> int | None:
        """The longest message that the server reads, bytes; None where it does not tell."""
        told: int | None = self._client.eio.max_payload
        return told

    def on(self, event: str, handler: Handler) -> None:
        """Have a handler called for an event; the latest one given for it counts."""

        def received(*arguments: Any) -> tuple[Any, ...] | None:
            now_ns = _monotonic_ns()
            if self._departed:
                return None
            answer = handler(list(arguments), now_ns, now_ns)
            return None if answer is None else tuple(answer)

        self._client.on(event, received, namespace=self._namespace)

    def gather(self, event: str) -> list[Arrival]:  # noqa: ARG002  # the interface of Session
        """Nothing: the library decodes everything by itself, so handlers are called."""
        return []

    @property
    def compressed(self) -> bool:
        """Never: the library's WebSocket client offers no compression."""
        return False

    @property
    def codings(self) -> list[str]:
        """Not told: the library keeps nothing of its responses."""
        return []

    @property
    def unread(self) -> int:
        """None: see ``gather``."""
        return 0

    def read_up(self) -> None:
        """Nothing: see ``gather``."""

    def connect(self, auth: Any = None, timeout_s: float = 10) -> None:
        """Connect and join the namespace; waits cooperatively.

        Raises:
            ConnectionFailed: in the server's words where it had any, else in the library's.
        """
        try:
            self._client.connect(
                self._url,
                headers=self._headers,
                auth=auth,
                transports=self._transports,
                namespaces=[self._namespace],
                socketio_path=self._path,
                wait_timeout=timeout_s,
            )
        except socketio.exceptions.ConnectionError as error:
            raise ConnectionFailed(f"{self._refusal or error}") from error
        self.sid = self._client.get_sid(self._namespace)
        gevent.spawn(self._emit)

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """Have an event emitted that ``packets.encode`` made; does not block.

        Args:
            packet: the event, or a part of it: it is emitted once its attachments are here, too.
            leaves: called right before the library is given the event; with its last part.
        """
        self._outbox.put((packet, leaves))

    def depart(self, cause: Cause) -> None:
        """Go away. What the server sends from now on is not heard.

        Raises:
            ValueError: no session can go that way by itself.
        """
        if cause not in DEPARTURES:
            raise ValueError(f"a session cannot depart by {cause}: it has no network and no tab")
        self._departed = True
        if cause is Cause.CLOSE:
            self.close()
        elif cause is Cause.KILL:
            self.kill()
        elif cause is Cause.RESET:
            self.reset()
        else:
            self._client.eio.fall_silent()

    def close(self) -> None:
        """Say goodbye as the library does; it waits for the end, so a greenlet does it."""
        self._departed = True
        gevent.spawn(self._leave)

    def kill(self) -> None:
        """Close every connection without a word."""
        self._departed = True
        engine = self._client.eio
        engine.fall_silent()
        if engine.ws is not None:
            engine.ws.shutdown()
        self._connections.shut()
        engine.let_go()

    def reset(self) -> None:
        """The same with RST instead of FIN."""
        self._departed = True
        engine = self._client.eio
        engine.fall_silent()
        if engine.ws is not None:
            abort(engine.ws.sock)
        self._connections.abort()
        engine.let_go()

    def _emit(self) -> None:
        decoder = packets.PacketDecoder()
        with suppress(socketio.exceptions.BadNamespaceError):  # the session is over; ended says why
            while True:
                packet, leaves = self._outbox.get()
                whole = decoder.feed(packet)
                if whole is None:
                    continue
                name, *arguments = whole.data
                if leaves is not None:
                    leaves()
                self._client.emit(name, tuple(arguments), namespace=self._namespace)

    def _leave(self) -> None:
        self._client.eio.wait_for_post()
        self._client.disconnect()  # no greenlet ran in between

    def _opened(self) -> None:
        self.pinged_ns = _monotonic_ns()

    def _pinged(self) -> None:
        self.heartbeats.append(0)
        self.pinged_ns = _monotonic_ns()

    def _refused(self, reason: Any = None) -> None:
        self._refusal = reason.get("message", reason) if isinstance(reason, dict) else reason

    def _disconnected(self, reason: str) -> None:
        if self.ended is None and not self._departed:
            self.ended = f"disconnected ({reason})"


class _Engine(engineio.Client):  # type: ignore[misc]  # python-engineio has no types
    """Engine.IO's part, which tells of the handshake and of pings, and can fall silent.

    Attributes:
        max_payload: what the server says in the handshake, bytes; None where it does not.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.on_open: Any = None
        self.on_ping: Any = None
        self.max_payload: int | None = None
        self.websocket_extra_options["class_"] = self._websocket
        self._silent = False
        self._let_go = Event()
        self._posting = Semaphore()

    def fall_silent(self) -> None:
        """Send nothing more, and stop at the next thing that arrives."""
        self._silent = True

    def let_go(self) -> None:
        """Let the loops that have stopped come to their ends."""
        self._let_go.set()

    def wait_for_post(self) -> None:
        """Wait until no POST is under way."""
        with self._posting:
            pass

    def _trigger_event(self, event: str, *arguments: Any, **options: Any) -> Any:
        if event == "connect":  # right after the handshake was read
            self.on_open()
        return super()._trigger_event(event, *arguments, **options)

    def _receive_packet(self, packet: Any) -> None:
        if self._silent:
            self._let_go.wait()
            return
        if packet.packet_type == engineio.packet.PING:
            self.on_ping()
        super()._receive_packet(packet)

    def _send_packet(self, packet: Any) -> None:
        if not self._silent:
            super()._send_packet(packet)

    def _send_request(self, method: str, *arguments: Any, **options: Any) -> Any:
        if self._silent:
            self._let_go.wait()
            return "the client is gone"  # a text is a failed request
        with self._posting if method == "POST" else nullcontext():
            answer = super()._send_request(method, *arguments, **options)
        if self.state != "connected":  # a failed request's answer is a text, or nothing
            self._heard(getattr(answer, "content", b"").split(packets.SEPARATOR)[0])
        return answer

    def _websocket(self, **options: Any) -> FirstHeard:
        return FirstHeard(self._heard, **options)

    def _heard(self, first: bytes) -> None:
        with suppress(ProtocolError):  # an upgraded WebSocket's first is none; the library judges
            self.max_payload = packets.decode_handshake(first).max_payload


class _Client(socketio.Client):  # type: ignore[misc]  # python-socketio has no types
    def _engineio_client_class(self) -> type[_Engine]:
        return _Engine
