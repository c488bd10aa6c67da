"""What every contender of Python is given and gives back; importing it imports no client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

#: What the application says on connecting; it is not a reply.
GREETING = "Connected"


#: Handshakes at a time: most of each is waiting.
_TOGETHER = 20

_Client = TypeVar("_Client")


@dataclass(frozen=True, slots=True)
class Call:
    """What a contender is to do.

    Attributes:
        url: of the server.
        transport: ``polling`` or ``websocket``, forced.
        clients: how many.
        rate_hz: broadcasts per second of the one publisher.
        payload_bytes: length of a message's text.
    """

    url: str
    transport: str
    clients: int
    rate_hz: float
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Running:
    """Clients that are connected and at work.

    Attributes:
        count: replies or deliveries so far, over all clients.
        lost: clients that have lost their connection.
    """

    count: Callable[[], int]
    lost: Callable[[], int]


class ContenderModule(Protocol):
    """What each contender's module provides."""

    PACKAGE: str  #: whose version is reported; empty for our own client

    def patch(self) -> None:
        """Replace what its users replace, before the client is imported."""

    def echo(self, call: Call) -> Running:
        """Connect, and have each client send again whenever its reply has come."""

    def broadcast(self, call: Call) -> Running:
        """Connect, and have the first client broadcast at the rate."""


def connect_all(connect: Callable[[int], _Client], clients: int) -> list[_Client]:
    """Connect so many clients by their numbers from 0 on, some at a time; needs gevent."""
    from gevent.pool import Pool

    return list(Pool(_TOGETHER).imap(connect, range(clients)))
