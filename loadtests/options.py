"""What each scenario can be told: the tables of an experiment file."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from loadtests.record.words import Cause, DepartureRow, Official, Outage, OutageRow
from loadtests.scenarios.disconnect import windows

#: Bounded, since TOML can write infinity.
Positive = Annotated[float, Meta(gt=0, le=1e6)]
NotNegative = Annotated[float, Meta(ge=0, le=1e6)]
Count = Annotated[int, Meta(ge=1)]
#: A message carries its publisher and its number: ``9999:99999999:`` at the longest.
PayloadBytes = Annotated[int, Meta(ge=16, le=500_000)]


class Echo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open loop for latency, then a closed loop for throughput, with the same clients.

    Attributes:
        clients: connections, in both loops.
        rate_hz: messages per second over all clients in the open loop; well below saturation.
        payload_bytes: length of the message's ``data``.
        warmup_s: sent but not measured, at the beginning of each loop.
        latency_s: of the open loop that are measured.
        throughput_s: of the closed loop that are measured.
        drain_s: how long the last replies of a loop may take before they count as lost.
    """

    clients: Count
    rate_hz: Positive
    latency_s: Positive
    throughput_s: Positive
    payload_bytes: PayloadBytes = 32
    warmup_s: NotNegative = 1.0
    drain_s: Positive = 2.0

    def __post_init__(self) -> None:
        if self.rate_hz * self.latency_s < 1:
            raise ValueError("rate_hz × latency_s is below 1: no message would be measured")


class Broadcast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Publishers send at a rate; everybody receives everything.

    Attributes:
        recipients: connections; the publishers are among them, since a broadcast reaches its
            sender too.
        publishers: how many of them publish.
        rate_hz: broadcasts per second over all publishers.
        payload_bytes, warmup_s, drain_s: as in echo.
        measure_s: of the open loop that are measured.
    """

    recipients: Count
    publishers: Count
    rate_hz: Positive
    measure_s: Positive
    payload_bytes: PayloadBytes = 32
    warmup_s: NotNegative = 1.0
    drain_s: Positive = 2.0

    def __post_init__(self) -> None:
        if self.publishers > self.recipients:
            raise ValueError("publishers are among the recipients, so there cannot be more of them")
        if self.rate_hz * self.measure_s < 1:
            raise ValueError("rate_hz × measure_s is below 1: no broadcast would be measured")


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One setting of a sweep: a heartbeat, and how many connections there are.

    Attributes:
        ping_interval_s, ping_timeout_s: of the server.
        causes: how its clients go.
        clients: per cause.
        connections: in all, with those that stay; None for no more than one that stays.
    """

    ping_interval_s: Positive
    ping_timeout_s: Positive
    causes: Annotated[list[Cause], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [Cause.FREEZE]
    )
    clients: Count = 20
    connections: Count | None = None

    def __post_init__(self) -> None:
        going = self.clients * len(self.causes)
        if self.connections is not None and self.connections <= going:
            raise ValueError(
                f"connections is {self.connections}: {going} are to go and at least one is to stay"
            )

    @property
    def name(self) -> str:
        """As in rows: ``10/5`` or ``10/5:1000``."""
        heartbeat = f"{self.ping_interval_s:g}/{self.ping_timeout_s:g}"
        return heartbeat if self.connections is None else f"{heartbeat}:{self.connections}"


class ServerGone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The server goes away; when do the official clients notice, and when are they back?

    Attributes:
        clients: of each official client.
        ping_interval_s, ping_timeout_s: of the server; whole seconds, since python-engineio's
            server announces no others.
        down_s: from the kill of one server to the start of the next.
        causes: one after the other, with the same clients.
    """

    clients: Count
    ping_interval_s: Positive
    ping_timeout_s: Positive
    down_s: NotNegative = 2
    causes: Annotated[list[Outage], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(Outage)
    )

    def __post_init__(self) -> None:
        if len(set(self.causes)) < len(self.causes):
            raise ValueError("a cause is named twice")
        # engineio.server.Server announces int(ping_interval) * 1000 (4.15): 0 for half a second.
        if self.ping_interval_s % 1:
            raise ValueError(
                f"ping_interval_s is {self.ping_interval_s:g}; whole seconds only, "
                "python-engineio's server announces no others to its clients"
            )

    @property
    def rows(self) -> list[str]:
        """The summary's row names."""
        return [str(OutageRow(cause, client)) for cause in self.causes for client in Official]


#: CPU per heartbeat is measured for at least so long.
_QUIET_S = 2.0

#: Causes for which a client needs no process of its own.
IN_GENERATOR = (Cause.CLOSE, Cause.RESET)

#: The variant of a disconnect trial in which the server goes.
SERVER = "server"


class Disconnect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Clients go away, each at a random phase of its heartbeat; when does the server notice?

    Attributes:
        causes: how they go.
        clients: per cause; and as many again that the server is sending to, see ``busy_hz``.
        ping_interval_s: of the server, for this scenario.
        ping_timeout_s: of the server, for this scenario.
        busy_hz: messages per second that the server sends to each client of the rows ``:busy``;
            0 leaves these rows out.
        bystanders: connections that stay; the first of them sends to the busy ones.
        window_s: how long each is waited for; None takes what python-engineio's rules imply and a
            second more (see ``expected.longest_s``).
        blocks: in how many of the experiment's blocks it has trials, the first ones; None for all.
            Every client is a point here, so fewer trials do than for a percentile.
        sweep: more settings of heartbeat and number of connections, each a trial of its own.
        server: the server goes instead; None leaves these rows out.
    """

    clients: Count
    ping_interval_s: Positive
    ping_timeout_s: Positive
    causes: Annotated[list[Cause], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(Cause)
    )
    busy_hz: NotNegative = 0
    bystanders: Count = 1
    window_s: Positive | None = None
    blocks: Count | None = None
    sweep: list[Setting] = []
    server: ServerGone | None = None

    def __post_init__(self) -> None:
        if len(set(self.causes)) < len(self.causes):
            raise ValueError("a cause is named twice")
        names = [setting.name for setting in self.sweep]
        if len(set(names)) < len(names):
            raise ValueError("the sweep has a setting twice")
        if self.window_s is not None:
            heartbeats = [(self.ping_interval_s, self.ping_timeout_s)]
            heartbeats += [(each.ping_interval_s, each.ping_timeout_s) for each in self.sweep]
            for interval_s, timeout_s in heartbeats:
                implied_s = windows.longest_s(interval_s, timeout_s)
                if self.window_s < implied_s:
                    raise ValueError(
                        f"window_s is {self.window_s:g}, shorter than the {implied_s:g} s that a "
                        f"heartbeat of {interval_s:g}/{timeout_s:g} s implies"
                    )

    @property
    def observed_s(self) -> float:
        """The observation window in force."""
        if self.window_s is not None:
            return self.window_s
        heartbeat = (self.ping_interval_s, self.ping_timeout_s)
        return windows.longest_s(*heartbeat, self.connections) + 1

    @property
    def quiet_s(self) -> float:
        """How long there are heartbeats only: whole intervals, so that their number is known."""
        return self.ping_interval_s * max(1, math.ceil(_QUIET_S / self.ping_interval_s))

    @property
    def going(self) -> int:
        """How many clients go away in a trial."""
        return self.clients * len(self.causes) * (2 if self.busy_hz else 1)

    @property
    def connections(self) -> int:
        """How many clients are connected before the first one goes."""
        return self.going + self.bystanders

    @property
    def in_generator(self) -> int:
        """How many of them the load generator's own process holds."""
        here = [cause for cause in self.causes if cause in IN_GENERATOR]
        return self.clients * len(here) * (2 if self.busy_hz else 1) + self.bystanders

    def connections_of(self, variant: str) -> int:
        """How many clients a variant's trial has at the same time."""
        if variant == SERVER and self.server is not None:
            return len(Official) * self.server.clients
        return self.of(variant).connections

    @property
    def variants(self) -> list[str]:
        """Its kinds of trials: empty for the main one, a setting's name, ``server``."""
        settings = [setting.name for setting in self.sweep]
        return ["", *settings, *([SERVER] if self.server is not None else [])]

    def of(self, variant: str) -> Disconnect:
        """The options of a variant in which clients go."""
        if not variant:
            return self
        (setting,) = (each for each in self.sweep if each.name == variant)
        going = setting.clients * len(setting.causes)
        return msgspec.structs.replace(
            self,
            causes=setting.causes,
            clients=setting.clients,
            ping_interval_s=setting.ping_interval_s,
            ping_timeout_s=setting.ping_timeout_s,
            busy_hz=0,
            bystanders=(setting.connections or going + 1) - going,
        )

    def rows(self, variant: str) -> list[str]:
        """The summary's row names of a variant."""
        if variant == SERVER and self.server is not None:
            return self.server.rows
        return [
            str(DepartureRow(row.cause, row.busy, variant)) for row in self.of(variant).departing
        ]

    @property
    def departing(self) -> list[DepartureRow]:
        """What clients go in the main trial: each cause, and busy ones beside idle ones."""
        return [
            DepartureRow(cause, busy)
            for cause in self.causes
            for busy in ((False, True) if self.busy_hz else (False,))
        ]


class ServerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Heartbeat of the server where a scenario does not set its own: the library's defaults."""

    ping_interval_s: Positive = 25
    ping_timeout_s: Positive = 20
