"""What the runner tells a load generator to do, and what the load generator answers.

The assignment goes to the Locust process as one line of JSON on its standard input, once the server
is verified; the outcome comes back as a file.
"""

from __future__ import annotations

from typing import Any

import msgspec

from loadtests.record.results import Measurement
from loadtests.record.words import Cause, Client, Transport
from loadtests.run.experiment import Experiment


def connect_timeout_s(clients: int) -> float:
    """How long all clients of a trial together may take to connect, in seconds."""
    return 30 + clients / 20


class Cable(msgspec.Struct, frozen=True):
    """The way into a network whose link can be taken down (loadtests/machine/network.py).

    Attributes:
        prefix: of a command that is to run in it.
        interface: the link, inside.
    """

    prefix: tuple[str, ...]
    interface: str


class Assignment(msgspec.Struct, frozen=True):
    """One trial for one load generator.

    Attributes:
        scenario: whose options are in ``experiment``.
        url: of the server.
        server_core: where that server is pinned; None where it is not, or is not ours.
        server_pid: of a server on this host that we started, for its CPU and memory; else None.
        journal: path of that server's journal.
        seed: for what is random in the trial.
        outcome: path of the file to write.
        client: whose Socket.IO client every user has.
        variant: of the scenario's trials, see PlannedTrial.
        websocket: the server's WebSocket implementation, as its READY line says; None where it is
            not ours.
        cable: where clients are to be cut off.
        missing: cause -> why no client can go that way here.
    """

    scenario: str
    transport: Transport
    url: str
    server_core: int | None
    server_pid: int | None
    journal: str | None
    seed: int
    experiment: Experiment
    outcome: str
    client: Client = Client.TRANSPORT_BENCH
    variant: str = ""
    websocket: str | None = None
    cable: Cable | None = None
    missing: dict[Cause, str] = {}


class Outcome(msgspec.Struct, frozen=True):
    """What came of it: an error, or measurements and what the generator says of itself."""

    error: str | None = None
    measurements: list[Measurement] = []
    generator: dict[str, Any] = {}
