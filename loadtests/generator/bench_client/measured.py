"""What is measured against what, and what came of it: the raw numbers of a run."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from loadtests.generator.footprint import Footprint
from loadtests.record.words import Transport

#: Our client as a browser speaks; and bare: with short headers and without compression, as the
#: clients that it is compared with are, or nearly so.
OURS, BARE = "ours", "ours-bare"


class ContenderFailed(Exception):
    """There is no number; the message says why, in one line."""


class NotAvailable(Exception):
    """Something that a trial needs cannot be had here; the message says how to get it."""


class Workload(StrEnum):
    """What a contender is made to do."""

    ECHO = "echo"  #: closed loop: each client sends again when its reply has come
    BROADCAST = "broadcast"  #: one publisher at a low rate, everybody receives
    IDLE = "idle"  #: connections that do nothing, for their memory
    LATENCY = "latency"  #: open loop of echoes, watched by a packet capture
    BUSY_LATENCY = "busy latency"  #: the same, by a load generator that is busy with other clients


class Offered(NamedTuple):
    """What a server is put under, whoever does it."""

    workload: Workload
    transport: Transport


class Setup(msgspec.Struct, frozen=True):
    """A contender and its peer.

    Attributes:
        workload: see Workload.
        transport: forced; there is no upgrade.
        contender: of ``contenders.CONTENDERS``.
        mode: how the server is served; None for loadtests/generator/responder/__main__.py.
    """

    workload: Workload
    transport: Transport
    contender: str
    mode: str | None

    @property
    def load(self) -> Offered:
        """What the server is put under."""
        return Offered(self.workload, self.transport)

    def __str__(self) -> str:
        peer = self.mode or "responder"
        return f"{self.workload} × {self.transport}: {self.contender} and {peer}"


class Spending(msgspec.Struct, frozen=True):
    """CPU time of both sides over the same time.

    Attributes:
        messages: replies or deliveries that the contender counted.
        contender_cpu_ns, contender_wall_ns: by the contender's own clocks, between its counts.
        server_cpu_ns, server_wall_ns: of the server, between the driver's two looks at it.
    """

    messages: int
    contender_cpu_ns: int
    contender_wall_ns: int
    server_cpu_ns: int
    server_wall_ns: int

    @property
    def rate_hz(self) -> float:
        """Messages per second."""
        return 1e9 * self.messages / self.contender_wall_ns

    @property
    def contender_us(self) -> float:
        """Per message."""
        return self.contender_cpu_ns / self.messages / 1e3

    @property
    def server_us(self) -> float:
        """Per message.

        The driver's looks and the contender's are some microseconds to milliseconds apart, so each
        side is divided by its own time: share of a core over messages per second.
        """
        return 1e6 * (self.server_cpu_ns / self.server_wall_ns) / self.rate_hz


class Quantiles(msgspec.Struct, frozen=True):
    """Of the same echoes, in milliseconds.

    Attributes:
        captured: from the packet that completed the request to the one that completed the reply.
        service: what the generator reported of the same: from the send to the kernel's arrival.
        latency: from when the send was due.
        lateness: from when it was due to the send.
    """

    captured: float
    service: float
    latency: float
    lateness: float

    @property
    def difference(self) -> float:
        """Reported minus captured."""
        return self.service - self.captured


class Echoes(msgspec.Struct, frozen=True):
    """An open loop of echoes, as reported and as captured.

    Attributes:
        messages: that were measured.
        unseen: of them, how many the capture lacks; they are in no quantile.
        dropped: packets that the capture lost; None if it did not say.
        p50, p99: over all messages that are in the capture.
        generator_percent, server_percent: shares of one core over the measured time.
        busy_clients: that loaded the generator beside the measured ones.
    """

    messages: int
    unseen: int
    dropped: int | None
    p50: Quantiles
    p99: Quantiles
    generator_percent: float
    server_percent: float
    busy_clients: int


class ContenderTrial(msgspec.Struct, frozen=True):
    """What came of a setup once; one of cost, footprint and echoes, or a problem.

    Attributes:
        round: from 0; None for the pilot.
        setup: what it was.
        client: the contender's own name and version.
        seconds: how long it took, start-up included.
        problem: why there is no number, in one line; beside a footprint, why it is none of what
            was wanted.
        available: False where the contender cannot be had here, so that nothing went wrong.
    """

    round: int | None
    setup: Setup
    client: str = ""
    seconds: float = 0.0
    cost: Spending | None = None
    footprint: Footprint | None = None
    echoes: Echoes | None = None
    problem: str | None = None
    available: bool = True
