"""What the disconnect scenario can be told."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from loadtests.record.words import Cause
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.rows import DepartureRow, Official, Outage, OutageRow
from loadtests.scenarios.scenario import LAUNCH_S, Count, NotNegative, Positive

#: Clients in processes of their own, or in a browser's tabs, have started by then.
HOSTS_S = 2.5
_BACK_S = 3.0  # clients try again after a second, then after two


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

    @property
    def expected_s(self) -> float:
        """About how long a trial takes after launching."""
        each_s = {
            Outage.KILL: self.down_s + _BACK_S,
            Outage.FREEZE: self.ping_interval_s + self.ping_timeout_s + 3 + _BACK_S,
            Outage.RESTART: LAUNCH_S + _BACK_S,
        }
        pauses_s = self.ping_interval_s * (1 + len(self.causes))
        return HOSTS_S + pauses_s + sum(each_s[cause] for cause in self.causes)


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
            second more (see ``windows.longest_s``).
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

    def at(self, setting: Setting) -> Disconnect:
        """The options of a sweep's trial."""
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

    @property
    def departing(self) -> list[DepartureRow]:
        """What clients go in the main trial: each cause, and busy ones beside idle ones."""
        return [
            DepartureRow(cause, busy)
            for cause in self.causes
            for busy in ((False, True) if self.busy_hz else (False,))
        ]

    @property
    def expected_s(self) -> float:
        """About how long a trial takes after launching."""
        usually_s = self.ping_interval_s + 1.5 * self.ping_timeout_s
        hosts_s = HOSTS_S if self.in_generator < self.connections else 0
        if Cause.CUT in self.causes:
            hosts_s = max(hosts_s, self.ping_interval_s)
        return (
            hosts_s
            + self.connections / 100
            + self.quiet_s
            + self.ping_interval_s
            + min(usually_s, self.observed_s)
        )
