"""What a Socket.IO session asks of the transport below it, and where the server is."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, quote, urlsplit

from loadtests.client.cookies import Jar
from loadtests.client.errors import ConnectionFailed
from loadtests.client.packets import Handshake
from loadtests.client.stream import Address, OnData, OnEnd, Stream
from loadtests.client.target import Target
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

    @property
    def compressed(self) -> bool:
        """Whether messages are compressed, both ways."""

    @property
    def codings(self) -> Set[bytes]:
        """Content codings of the answers to long-polling's GETs so far."""

    @property
    def connecting(self) -> str:
        """The address that has not answered yet; empty once there is a connection."""

    def open(self) -> None:
        """Begin; the server's open packet arrives as the first packet."""

    def joined(self, handshake: Handshake) -> None:
        """The server's open packet was read."""

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """Send one Engine.IO packet, in order; ``leaves`` is called when it really goes out."""

    def say_goodbye(self) -> None:
        """Send what is queued, then end as Engine.IO asks."""

    def carried(self) -> tuple[int, int] | None:
        """Bytes sent and received on its connection; None where there are several, or no count."""

    def keep(self) -> None:
        """Have what arrives compressed kept as it is, until ``read_kept``; see Session.gather."""

    @property
    def kept(self) -> int:
        """How many packets are kept so; heartbeats, which were heard, are none of them."""

    def read_kept(self) -> None:
        """Read them now, in order."""

    def kill(self) -> None:
        """Close every connection without a word."""

    def reset(self) -> None:
        """The same with RST instead of FIN."""

    def freeze(self) -> None:
        """Keep the connections and never read or write again."""


_NOTHING = Target()


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Socket.IO server listens, and how it is spoken to.

    Attributes:
        host: with the port if it is not the scheme's own: the value of the Host header.
        addresses: of its name, in the resolver's order; resolved once, so that no trial measures a
            resolver. Every connection tries one after the other.
        path: of the Engine.IO endpoint.
        tls: for an encrypted connection; it says whom to trust.
        name: that the server's certificate must bear.
        target: what it is told.
        lean: whether requests have no more headers than they need, instead of a browser's.
        compression: whether WebSocket messages may be compressed.
    """

    host: str
    addresses: tuple[Address, ...]
    path: str = "/socket.io/"
    tls: ssl.SSLContext | None = None
    name: str = ""
    target: Target = _NOTHING
    lean: bool = False
    compression: bool = True

    @property
    def origin(self) -> str:
        """What a page of its own comes from (RFC 6454)."""
        return f"{'http' if self.tls is None else 'https'}://{self.host}"

    def jar(self) -> Jar:
        """The cookies that a session begins with."""
        return Jar(self.origin + self.path, self.target.cookies)

    def connect(self, on_data: OnData, on_end: OnEnd) -> Stream | TlsStream:
        """Begin a connection."""
        if self.tls is None:
            return Stream(self.addresses, on_data, on_end)
        return TlsStream(self.addresses, self.tls, self.name, on_data, on_end)


def locate(
    url: str, target: Target | None = None, *, lean: bool = False, compression: bool = True
) -> Server:
    """Resolve ``http://host:port``, or the same with ``https``, ``ws`` or ``wss``.

    A path behind it is where the application is mounted: that of Engine.IO follows it.

    Certificates are checked against the system's authorities, or those of OpenSSL's own
    environment variable ``SSL_CERT_FILE``, unless ``target`` says otherwise.

    Args:
        url: of the server.
        target: see Server.
        lean: see Server.
        compression: see Server.

    Raises:
        ConnectionFailed: no such host, or it is no such URL, or it holds a user or a password.
    """
    told = target or _NOTHING
    parts, port = _parts(url)
    usual_port, encrypted = _SCHEMES[parts.scheme]
    return Server(
        host=parts.netloc,
        addresses=_resolved(url, parts.hostname or "", usual_port if port is None else port),
        path=f"{_mount(parts.path)}{_mount(told.path)}/",
        tls=_trusting(told) if encrypted else None,
        name=parts.hostname or "",
        target=told,
        lean=lean,
        compression=compression,
    )


def _resolved(url: str, host: str, port: int) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error  # without the number before it
        raise ConnectionFailed(f"{url}: {why}") from error
    return tuple(dict.fromkeys((family, peer) for family, _, _, _, peer in found))


def _parts(url: str) -> tuple[SplitResult, int | None]:
    """Of a URL that is one of ours, and its port where it has one."""
    if "@" in url:  # said of no URL in particular: messages go to terminals and logs
        raise ConnectionFailed(
            "a URL with a user or a password (an @) is not taken; "
            "give http://HOST:PORT (or https, ws, wss)"
        )
    url, *more = re.split("[?#]", url, maxsplit=1)
    wanted = f"{url}: expected http://HOST:PORT (or https, ws, wss)"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConnectionFailed(f"{wanted}; {error}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ConnectionFailed(wanted)
    if more:  # of which nothing is repeated: it may be a secret
        raise ConnectionFailed(f"{wanted} and at most a path; parameters are given by --query")
    return parts, port


def _mount(path: str) -> str:
    inside = quote(path.strip("/"), safe="/%:@!$&'()*+,;=~")
    return f"/{inside}" if inside else ""


def _trusting(target: Target) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=target.ca_file)
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror or error
        raise ConnectionFailed(f"ca_file {target.ca_file}: {why}") from error
    if target.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
