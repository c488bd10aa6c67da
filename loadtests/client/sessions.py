"""Whose client the users of a trial have, and what follows from it for what they measured."""

from __future__ import annotations

from typing import cast

from loadtests.client import arrivals
from loadtests.client.link import Server
from loadtests.client.session import Session
from loadtests.record.words import Client, Transport

#: Packages whose versions the facts of a trial name.
PACKAGES = {
    Client.TRANSPORT_BENCH: ("locust", "gevent", "msgspec"),
    Client.LEAN: ("locust", "gevent", "msgspec"),
    Client.REFERENCE: (
        "locust",
        "gevent",
        "python-socketio",
        "python-engineio",
        "websocket-client",
        "requests",
    ),
}


def make_session(client: Client, server: Server, transport: Transport, namespace: str) -> Session:
    """A session of the client that is asked for, on one transport from beginning to end."""
    if client is Client.REFERENCE:
        # python-socketio and requests are not loaded into a generator that does without them.
        from loadtests.client.reference import ReferenceSession

        # It has what scenarios use of a session.
        return cast("Session", ReferenceSession(server, (transport,), namespace))
    return Session(server, (transport,), namespace)


def arrival_clock(client: Client) -> str:
    """Who says when a message arrived: the kernel, or user space as it reads it."""
    kernel = arrivals.KERNEL_CLOCK and client is not Client.REFERENCE
    return "kernel" if kernel else "user"
