"""What a load generator says of itself and of a trial, beside the measurements."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

#: Far beyond anything measured, and such that sums and squares of it are still numbers: JSON can
#: hold more than arithmetic can take.
Number = Annotated[float, Meta(ge=-1e15, le=1e15)]
Count = Annotated[int, Meta(ge=0, le=10**15)]

#: What WebSocket connections may have agreed on (RFC 7692).
DEFLATE, NOT_COMPRESSED = "permessage-deflate", "none"

#: The content coding of a response that has none (RFC 9110, section 12.5.3).
IDENTITY = "identity"


class ReturnFacts(msgspec.Struct, frozen=True):
    """What the clients of one library did at an outage beside what is measured of them.

    Attributes:
        reconnected_latest_s: when the last of them should have been connected again by their own
            delays, without what connecting itself takes.
        reconnected_later: how many were later than that.
        connected_twice: how many were connected again more than once.
        left_out: how many were not connected when the server went.
        started_anew: whether they had not all come back from the outage before.
    """

    reconnected_latest_s: Number = 0.0
    reconnected_later: Count = 0
    connected_twice: Count = 0
    left_out: Count = 0
    started_anew: bool = False


class OutageFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """One outage of a trial.

    Attributes:
        away_s: how long no server could be reached.
        python, javascript: what the clients of each library did; None where there were none.
    """

    away_s: Number = 0.0
    python: ReturnFacts | None = None
    javascript: ReturnFacts | None = None


class SliceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the slices of load that make a trial.

    Attributes:
        begun_s: since the start of the run.
        seconds: how long it was measured.
        server_cpu_us: the server's CPU time per message in it, microseconds; None where not known.
        left_out: why it is not in the trial's numbers; empty where it is.
    """

    begun_s: Number
    seconds: Number
    server_cpu_us: Number | None = None
    left_out: str = ""


class GeneratorFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the load generator says of itself and of a trial, beside the measurements.

    Attributes:
        arrival_clock: who says when a message arrived: ``kernel``, or ``user`` as it is read.
        transport: that all clients were on.
        client: whose they were.
        compression: that WebSocket connections agreed on: ``permessage-deflate`` or ``none``; empty
            where there was none, and in results of earlier versions.
        codings: content codings of the answers to long-polling's GETs, ``identity`` for none;
            empty over WebSocket, where the client does not tell, and in results of earlier
            versions.
        connections: how many were connected at first.
        generators: processes that held them.
        seconds: how long measuring took.
        yardstick_ms: a fixed piece of Python on the server's core, right before.
        stolen_percent: CPU time that a hypervisor gave to others, of the cores in use.
        versions: of packages and Python in the generator.
        open_loop_server_busy, open_loop_generator_busy: where results of earlier versions have
            these two ``numbers`` of echo.
        outages: outage -> what its clients did.
        crashes: exceptions that ended threads of clients.
        numbers: what else a scenario tells, that is no metric.
        slices: of load, in the order of time; empty where the load was not cut into slices.
    """

    arrival_clock: str = ""
    transport: str = ""
    client: str = ""
    compression: str = ""
    codings: list[str] = []
    connections: Count = 0
    generators: Count = 1
    seconds: Number = 0.0
    yardstick_ms: Number | None = None
    stolen_percent: Number = 0.0
    versions: dict[str, str] = {}
    open_loop_server_busy: Number | None = None
    open_loop_generator_busy: Number | None = None
    outages: dict[str, OutageFacts] = {}
    crashes: list[str] = []
    numbers: dict[str, Number] = {}
    slices: list[SliceFacts] = []

    def number(self, name: str) -> float | None:
        """One of the numbers that a scenario tells; None where it does not."""
        found: float | None = self.numbers.get(name, getattr(self, name, None))
        return found
