"""The connections of python-socketio's client, which it keeps to itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR, SO_LINGER, SOL_SOCKET
from typing import Any
from weakref import WeakSet

import websocket
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from loadtests.client.stream import NO_LINGERING


class FirstHeard(websocket.WebSocket):
    """A WebSocket that hands over its first message."""

    def __init__(self, heard: Callable[[bytes], None], **options: Any) -> None:
        super().__init__(**options)
        self._heard = heard

    def recv(self) -> Any:
        """The same as ever; from the second message on it is the library's own."""
        first = super().recv()
        self.recv = super().recv  # type: ignore[method-assign]
        self._heard(first if isinstance(first, bytes) else first.encode())
        return first


class Connections(HTTPAdapter):
    """The library's HTTP connections: a pool of urllib3 knows only those that are idle."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools as always, but of connections that are noted."""
        super().init_poolmanager(*arguments, **options)
        made: WeakSet[HTTPConnection] = WeakSet()

        class Plain(HTTPConnection):
            def connect(self) -> None:
                made.add(self)
                super().connect()

        class Encrypted(HTTPSConnection):
            def connect(self) -> None:
                made.add(self)
                super().connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self._made = made
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def shut(self) -> None:
        """End every connection, whatever waits on it; who waits then closes it."""
        for connection in list(self._made):
            if connection.sock is not None:
                with suppress(OSError):  # the server was quicker
                    connection.sock.shutdown(SHUT_RDWR)

    def abort(self) -> None:
        """End every connection with RST."""
        for connection in list(self._made):
            if connection.sock is not None:
                abort(connection.sock)


def abort(sock: Any) -> None:
    """End a connection with RST."""
    with suppress(OSError):  # the server was quicker
        sock.setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGERING)
        # `close` would wait for the response that is being read from it; gevent wakes who reads.
        sock._real_close()
