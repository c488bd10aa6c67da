"""What a Socket.IO session asks of the transport below it, and where the server is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from loadtests.client.errors import ConnectionFailed
from loadtests.client.packets import Handshake
from loadtests.client.stream import Address, OnData, OnEnd, Stream
from loadtests.client.tls import TlsStream
from loadtests.record.words import Transport

#: Called with one Engine.IO packet, when the kernel had it and when it was read (monotonic ns).
OnPacket = Callable[[bytes, int, int], None]

#: Called right before a packet leaves; it must not send.
OnLeave = Callable[[], None]

#: Scheme -> its port and whether it is encrypted.
_SCHEMES = {"http": (80, False), "ws": (80, False), "https": (443, True), "wss": (443, True)}


class Link(Protocol):
    """A transport of Engine.IO. Nothing in it blocks; callbacks run in gevent's loop."""

    @property
    def transport(self) -> Transport:
        """What carries packets now."""

    def open(self) -> None:
        """Begin; the server's open packet arrives as the first packet."""

    def joined(self, handshake: Handshake) -> None:
        """The server's open packet was read."""

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """Send one Engine.IO packet, in order; ``leaves`` is called when it really goes out."""

    def say_goodbye(self) -> None:
        """Send what is queued, then end as Engine.IO asks."""

    def kill(self) -> None:
        """Close every connection without a word."""

    def reset(self) -> None:
        """The same with RST instead of FIN."""

    def freeze(self) -> None:
        """Keep the connections and never read or write again."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Socket.IO server listens.

    Attributes:
        host: with the port if it is not the scheme's own: the value of the Host header.
        address: resolved once, so that no trial measures a resolver.
        path: of the Engine.IO endpoint.
        tls: for an encrypted connection; it says whom to trust.
        name: that the server's certificate must bear.
    """

    host: str
    address: Address
    path: str = "/socket.io/"
    tls: ssl.SSLContext | None = None
    name: str = ""

    def connect(self, on_data: OnData, on_end: OnEnd) -> Stream | TlsStream:
        """Begin a connection."""
        if self.tls is None:
            return Stream(self.address, on_data, on_end)
        return TlsStream(self.address, self.tls, self.name, on_data, on_end)


def locate(url: str) -> Server:
    """Resolve ``http://host:port``, or the same with ``https``, ``ws`` or ``wss``.

    Certificates are checked against the system's authorities, or those of OpenSSL's own
    environment variable ``SSL_CERT_FILE``.

    Raises:
        ConnectionFailed: no such host, or it is no such URL, or it holds a user or a password.
    """
    if "@" in url:  # said of no URL in particular: messages go to terminals and logs
        raise ConnectionFailed(
            "a URL with a user or a password (an @) is not taken; "
            "give http://HOST:PORT (or https, ws, wss)"
        )
    wanted = f"{url}: expected http://HOST:PORT (or https, ws, wss)"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConnectionFailed(f"{wanted}; {error}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ConnectionFailed(wanted)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConnectionFailed(f"{wanted} and nothing behind it")
    usual_port, encrypted = _SCHEMES[parts.scheme]
    try:
        family, _kind, _proto, _name, peer = socket.getaddrinfo(
            parts.hostname, usual_port if port is None else port, type=socket.SOCK_STREAM
        )[0]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error  # without the number before it
        raise ConnectionFailed(f"{url}: {why}") from error
    return Server(
        host=parts.netloc,
        address=(family, peer),
        tls=ssl.create_default_context() if encrypted else None,
        name=parts.hostname,
    )
