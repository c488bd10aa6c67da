"""A peer that does as little as a peer can, so that what is measured is the load generator.

``python -m loadtests.generator.responder --port 0`` prints one JSON line and serves until SIGTERM
or until its parent has gone. Not a mode and never compared with one: no framework, no heartbeat, no
upgrade. One process, one thread, one loop over epoll(7), or poll(2) where there is none.

It speaks Engine.IO 4 over WebSocket and over kept HTTP connections, and Socket.IO 5 as far as this:
a CONNECT is accepted in any namespace; ``my event`` comes back to its sender as ``my response``,
``my broadcast event`` goes to everybody in the namespace as ``my response``. What an event carries
is copied as it stands, and never parsed. Clients that offer to compress are compressed to.
"""

from __future__ import annotations

import argparse
import base64
import gc
import hashlib
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from itertools import count
from typing import NoReturn, Protocol

from loadtests.generator.responder.clients import (
    HTTP_HEAD,
    SEPARATOR,
    Everybody,
    PeerGone,
    PollingClient,
    WebSocketClient,
    text_frame,
)

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
#: Whoever offers to compress is taken at its word, as servers do.
_AGREED = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
_HOUR_MS = 3_600_000
_READ_BYTES = 65536
_POSTED = HTTP_HEAD % 2 + b"ok"
_REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

#: poll(2) and epoll(7) have the same numbers for these.
_IN, _OUT = 1, 4


class _Poller(Protocol):
    """What epoll(7) and poll(2) have in common."""

    def register(self, fd: int, eventmask: int, /) -> None: ...

    def modify(self, fd: int, eventmask: int, /) -> None: ...

    def unregister(self, fd: int, /) -> None: ...

    def poll(self) -> list[tuple[int, int]]: ...


class _Handler(Protocol):
    """What a connection's bytes are given to; it changes when HTTP becomes WebSocket."""

    def receive(self, data: bytes) -> None:
        """Take what was read."""

    def lost(self) -> None:
        """The connection is no more."""


class Connection:
    """A socket that never blocks.

    Attributes:
        read: at most so many bytes; b"" when the peer has closed.
        handler: what is given the bytes.
    """

    __slots__ = ("_backlog", "_poller", "_send", "_socket", "handler", "read")

    def __init__(self, accepted: socket.socket, poller: _Poller) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = accepted
        self._poller = poller
        self._send = accepted.send
        self._backlog = b""
        self.read = accepted.recv
        self.handler: _Handler
        poller.register(accepted.fileno(), _IN)

    def write(self, data: bytes) -> None:
        """Send, or keep what the kernel does not take until it does."""
        if self._backlog:
            self._backlog += data
            return
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError:  # it is reported as an event of its own, where it can be dealt with
            return
        if sent != len(data):
            self._backlog = data[sent:]
            self._poller.modify(self._socket.fileno(), _IN | _OUT)

    def flush(self) -> None:
        """The kernel takes more now."""
        data, self._backlog = self._backlog, b""
        self._poller.modify(self._socket.fileno(), _IN)
        if data:
            self.write(data)

    def close(self) -> None:
        """Have done with it."""
        self._poller.unregister(self._socket.fileno())
        self._socket.close()
        self.handler.lost()
        del self.handler  # it knows this connection: a cycle that nothing would collect


class _Http:
    """A kept connection of HTTP/1.1: GETs that wait, POSTs, or the handshake of a WebSocket."""

    __slots__ = ("_client", "_connection", "_responder", "_rest")

    def __init__(self, responder: Responder, connection: Connection) -> None:
        self._responder = responder
        self._connection = connection
        self._client: PollingClient | None = None
        self._rest = b""

    def receive(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end]
            body = end + 4
            if head.startswith(b"POST "):
                stop = body + _content_length(head)
                if len(data) < stop:
                    break
                self._post(head, data[body:stop])
                data = data[stop:]
            else:
                data = data[body:]
                self._get(head)
        self._rest = data

    def lost(self) -> None:
        if self._client is not None and self._client.waits_on(self._connection):
            self._forget(self._client)

    def _get(self, head: bytes) -> None:
        sid = _session_of(head)
        if sid:
            self._known(sid).poll(self._connection)
        elif b"transport=websocket" in head:
            self._upgrade(head)
        else:
            client = self._responder.new_polling()
            connection = self._connection
            client.push(self._responder.open_packet(client.sid), b"")
            client.poll(connection)

    def _post(self, head: bytes, body: bytes) -> None:
        client = self._known(_session_of(head))
        try:
            for packet in body.split(SEPARATOR):
                client.take(packet)
        except PeerGone:
            self._forget(client)
            client.push(b"6", b"")  # Engine.IO's NOOP, for a GET that waits
        self._connection.write(_POSTED)

    def _forget(self, client: PollingClient) -> None:
        client.leave()
        self._responder.polling.pop(client.sid, None)
        self._client = None

    def _known(self, sid: bytes) -> PollingClient:
        client = self._client
        if client is None or client.sid != sid:
            try:
                client = self._client = self._responder.polling[sid]
            except KeyError:
                self._connection.write(_REFUSED)
                raise PeerGone from None
        return client

    def _upgrade(self, head: bytes) -> None:
        key = _header(head, b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        packed = _header(head, b"sec-websocket-extensions").startswith(b"permessage-deflate")
        sid, everybody = self._responder.new_sid(), self._responder.everybody
        client = WebSocketClient(sid, everybody, self._connection, packed=packed)
        self._connection.handler = client
        self._connection.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n%s\r\n" % (accept, _AGREED if packed else b"")
        )
        opening = self._responder.open_packet(sid)
        client.push(opening, text_frame(opening))


def _session_of(head: bytes) -> bytes:
    target = head[: head.find(b" HTTP/")]
    start = target.find(b"&sid=")
    if start < 0:
        return b""
    return target[start + 5 :].partition(b"&")[0]


def _content_length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


def _header(head: bytes, name: bytes) -> bytes:
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else None].strip()


class Responder:
    """The loop, and what all connections share.

    Attributes:
        everybody: namespace as it stands in a packet (``/test,``, empty for ``/``) -> its clients.
        polling: session id -> client, of those without a connection that is theirs.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._poller: _Poller = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._connections: dict[int, Connection] = {}
        self._numbers = count()
        self.everybody: Everybody = {}
        self.polling: dict[bytes, PollingClient] = {}
        listener.setblocking(False)
        self._poller.register(listener.fileno(), _IN)

    def serve(self) -> NoReturn:
        """Answer until an exception (of a signal) ends it."""
        wait, connections, door = self._poller.poll, self._connections, self._listener.fileno()
        while True:
            for number, events in wait():
                if number == door:
                    self._accept()
                    continue
                connection = connections[number]
                try:
                    if events & _OUT:
                        connection.flush()
                        if events == _OUT:
                            continue
                    data = connection.read(_READ_BYTES)
                    if not data:
                        raise PeerGone
                    connection.handler.receive(data)
                except BlockingIOError:
                    pass
                except (PeerGone, OSError, ValueError):
                    del connections[number]
                    connection.close()

    def new_sid(self) -> bytes:
        """A session id that no other client has."""
        return b"responder-%d" % next(self._numbers)

    def new_polling(self) -> PollingClient:
        """A client whose connections are told by its session id."""
        client = PollingClient(self.new_sid(), self.everybody)
        self.polling[client.sid] = client
        return client

    def open_packet(self, sid: bytes) -> bytes:
        """Engine.IO's first packet: no upgrades, and an hour until the first ping."""
        return (
            b'0{"sid":"%s","upgrades":[],"pingInterval":%d,"pingTimeout":20000,'
            b'"maxPayload":1000000}' % (sid, _HOUR_MS)
        )

    def _accept(self) -> None:
        while True:
            try:
                accepted, _address = self._listener.accept()
                connection = Connection(accepted, self._poller)
            except OSError:  # nobody waits, a caller has gone again, or no descriptor is left
                return
            connection.handler = _Http(self, connection)
            self._connections[accepted.fileno()] = connection


def main() -> None:
    """Say where it listens, in one line, and serve."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.generator.responder")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    _end_with_parent()
    _allow_open_files()
    listener = socket.create_server((options.host, options.port), backlog=4096)
    host, port = listener.getsockname()[:2]
    responder = Responder(listener)
    # Nothing here leaves cycles, and a collection's pause would be taken for the generator's.
    gc.disable()
    print(json.dumps({"ready": True, "host": host, "port": port, "pid": os.getpid()}), flush=True)
    responder.serve()


def _end_with_parent() -> None:
    """Look once a second whether the parent is still there; works on every POSIX system."""
    parent = os.getppid()

    def look(_number: int, _frame: object) -> None:
        if os.getppid() != parent:
            sys.exit(0)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)


def _allow_open_files() -> None:
    if resource is not None:
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):  # macOS says "unlimited" and means less
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
