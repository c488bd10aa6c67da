"""Whose client the users of a trial have, and what follows from it for what they measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from loadtests.client import arrivals
from loadtests.client.link import Server
from loadtests.client.session import Session
from loadtests.record.results import Measurement
from loadtests.record.words import Client, Transport, row_of

#: Packages whose versions the facts of a trial name.
PACKAGES = {
    Client.TRANSPORT_BENCH: ("locust", "gevent", "msgspec"),
    Client.REFERENCE: (
        "locust",
        "gevent",
        "python-socketio",
        "python-engineio",
        "websocket-client",
        "requests",
    ),
}

_LAG = "receive_lag_p99"
_NO_LAG = "python-socketio's client does not tell when the kernel had a message"


def make_session(client: Client, server: Server, transport: Transport, namespace: str) -> Session:
    """A session of the client that is asked for, on one transport from beginning to end."""
    if client is Client.REFERENCE:
        # python-socketio and requests are not loaded into a generator that does without them.
        from loadtests.reference import ReferenceSession

        # It has what scenarios use of a session.
        return cast("Session", ReferenceSession(server, (transport,), namespace))
    return Session(server, (transport,), namespace)


def arrival_clock(client: Client) -> str:
    """Who says when a message arrived: the kernel, or user space as it reads it."""
    kernel = arrivals.KERNEL_CLOCK and client is Client.TRANSPORT_BENCH
    return "kernel" if kernel else "user"


def measured_with(client: Client, measurements: Sequence[Measurement]) -> list[Measurement]:
    """The measurements of a scenario under the row names of a client.

    What the reference cannot know is unavailable, never zero.
    """
    if client is Client.TRANSPORT_BENCH:
        return list(measurements)
    return [
        msgspec.structs.replace(
            each,
            scenario=row_of(each.scenario, client),
            metrics=each.metrics | {_LAG: None},
            invalid={name: why for name, why in each.invalid.items() if name != _LAG},
            unavailable=each.unavailable | {_LAG: _NO_LAG},
        )
        for each in measurements
    ]
