"""What a Socket.IO session asks of the transport below it, and where the server is."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from loadtests.client.errors import ConnectionFailed
from loadtests.client.stream import Address

#: Called with one Engine.IO packet, when the kernel had it and when it was read (monotonic ns).
OnPacket = Callable[[bytes, int, int], None]

#: Called once when the link ends without having been asked to, with why.
OnEnd = Callable[[str], None]


class Link(Protocol):
    """A transport of Engine.IO. Nothing in it blocks; callbacks run in gevent's loop."""

    def open(self) -> None:
        """Begin; the server's open packet arrives as the first packet."""

    def send(self, packet: bytes) -> None:
        """Send one Engine.IO packet, in order."""

    def say_goodbye(self) -> None:
        """Send what is queued, then end as Engine.IO asks."""

    def kill(self) -> None:
        """Close every connection without a word."""

    def freeze(self) -> None:
        """Keep the connections and never read or write again."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Socket.IO server listens.

    Attributes:
        host: with the port if it is not 80: the value of the Host header.
        address: resolved once, so that no trial measures a resolver.
        path: of the Engine.IO endpoint.
    """

    host: str
    address: Address
    path: str = "/socket.io/"


def locate(url: str) -> Server:
    """Resolve ``http://host:port``.

    Raises:
        ConnectionFailed: no such host, or the scheme is not http.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ConnectionFailed(f"{url}: expected http://HOST:PORT")
    try:
        family, _kind, _proto, _name, peer = socket.getaddrinfo(
            parts.hostname, parts.port or 80, type=socket.SOCK_STREAM
        )[0]
    except (OSError, ValueError) as error:
        raise ConnectionFailed(f"{url}: {error}") from error
    return Server(host=parts.netloc, address=(family, peer))
