"""What a server says of itself as soon as it can be asked: its READY line (servers/ready.py)."""

from __future__ import annotations

from typing import Any

import msgspec

#: Addresses that mean all interfaces -> one of them.
_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Listening(msgspec.Struct, frozen=True):
    """Of whatever listens, the application under test or not.

    Attributes:
        ready: always true; it begins the line.
        host: address that it listens on.
        port: the same.
        pid: of the process that answers.
    """

    ready: bool
    host: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        """Where it can be reached from where it runs."""
        host = _REACHABLE.get(self.host, self.host)
        # RFC 3986, section 3.2.2: an IPv6 address is told from the port by brackets.
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


class Ready(Listening, frozen=True):
    """Of the application under test, asked of the running process and not of its arguments.

    Attributes:
        mode: one of ``servers.modes``.
        async_mode: Flask-SocketIO's.
        websocket: the package behind python-engineio's WebSocket; None where it has none.
        compression: whether that agrees to compress messages; None where it is not known.
        patched: whether gevent or eventlet has replaced the standard library's sockets.
        debug: Flask's.
        ping_interval, ping_timeout: of the heartbeat, in seconds.
        versions: of Python and of what is installed.
        source: digest of the application's files, which git's own listing gives too; None, as the
            two that follow, where the server is of a version that did not say so.
        packages: digest of the names and versions of every package that it could import.
        prefix: folder of its Python's environment.
        path: of Engine.IO.
    """

    mode: str
    async_mode: str
    websocket: str | None
    patched: bool
    debug: bool
    ping_interval: float
    ping_timeout: float
    versions: dict[str, str]
    compression: bool | None = None
    source: str | None = None
    packages: str | None = None
    prefix: str | None = None
    path: str = "/socket.io"

    def stored(self) -> dict[str, Any]:
        """As a result keeps it: all but the folder, which is nobody else's business."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        del told["prefix"]
        return told
