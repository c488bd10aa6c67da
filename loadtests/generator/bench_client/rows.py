"""The rows of the table: what each compares, its target, and its values from the trials. Pure.

A ratio is formed within one round, between trials that ran minutes apart at most, and only then is
the median taken: what the machine does meanwhile hits both sides of a ratio alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple, Protocol

import msgspec

from loadtests.generator.bench_client.contenders import CONTENDERS
from loadtests.generator.bench_client.measured import (
    BARE,
    OURS,
    ContenderTrial,
    Offered,
    Quantiles,
    Setup,
    Spending,
    Workload,
)
from loadtests.record.words import Transport

_WEBSOCKET = Offered(Workload.ECHO, Transport.WEBSOCKET)

#: Setup -> its trial, of one round.
Round = Mapping[Setup, ContenderTrial]


@dataclass(frozen=True, slots=True)
class Reference:
    """What is measured against, as the pilot found.

    Attributes:
        cheapest: load -> the modes whose servers may need the least CPU per message, the one that
            did in the pilot first; a load is missing where no mode gave a number or none was asked
            for.
        open_loop: workload -> the mode whose latencies are looked at; missing where that is not
            quick enough, so that the responder takes its place.
    """

    cheapest: Mapping[Offered, tuple[str, ...]]
    open_loop: Mapping[Workload, str]

    def setups(self, load: Offered, *contenders: str) -> list[Setup]:
        """Contenders against the cheapest mode; none where there is no such mode."""
        return [
            Setup(load.workload, load.transport, contender, mode)
            for mode in self.cheapest.get(load, ())[:1]
            for contender in contenders
        ]


class Value(NamedTuple):
    """What one round gives to a row.

    Attributes:
        shown: in the row's unit.
        share: of the target, at most 1 where it is met; None for a row without one.
    """

    shown: float
    share: float | None


class BenchRow(Protocol):
    """One comparison."""

    @property
    def name(self) -> str:
        """As in ``--only``."""

    @property
    def what(self) -> str:
        """For a reader of the table."""

    @property
    def target(self) -> str:
        """For a reader of the table; empty for a row that only informs."""

    @property
    def unit(self) -> str:
        """Of the values that are shown; empty for a ratio."""

    @property
    def pilot(self) -> Offered | None:
        """Whose cheapest mode has to be known beforehand, if one has to."""

    def setups(self, reference: Reference) -> list[Setup]:
        """What has to be measured in each round; nothing if the pilot found no mode for it."""

    def values(self, rounds: Sequence[Round]) -> list[Value]:
        """One for each round, all of whose setups of this row gave numbers."""

    def note(self, rounds: Sequence[Round]) -> str:
        """What a reader should know beside the values."""


def _prefix(load: Offered) -> str:
    return str(load.transport if load.workload is Workload.ECHO else load.workload)


def _message(load: Offered) -> str:
    return (
        f"{load.transport} echo"
        if load.workload is Workload.ECHO
        else "broadcast delivery, as it is received"
    )


@dataclass(frozen=True, slots=True)
class AgainstServer:
    """Our CPU time per message over that of the cheapest mode's server."""

    pilot: Offered
    limit: float
    contender: str = OURS
    unit: str = ""

    @property
    def name(self) -> str:
        """As in ``--only``."""
        return f"{_prefix(self.pilot)}-server" + ("-bare" if self.contender == BARE else "")

    @property
    def what(self) -> str:
        """For a reader of the table."""
        how = ", bare" if self.contender == BARE else ""
        return f"our CPU per {_message(self.pilot)}{how} / the cheapest server's"

    @property
    def target(self) -> str:
        """An upper limit."""
        return f"≤ {self.limit:g}"

    def setups(self, reference: Reference) -> list[Setup]:
        """Us against every mode that may be the cheapest."""
        workload, transport = self.pilot
        return [
            Setup(workload, transport, self.contender, mode)
            for mode in reference.cheapest.get(self.pilot, ())
        ]

    def values(self, rounds: Sequence[Round]) -> list[Value]:
        """Ratios within the trials of the mode that is cheapest over all rounds."""
        costs = self._costs(rounds)
        cheapest = min(costs.values(), key=_servers_us)
        ratios = [cost.contender_us / cost.server_us for cost in cheapest]
        return [Value(ratio, ratio / self.limit) for ratio in ratios]

    def note(self, rounds: Sequence[Round]) -> str:
        """Which mode it was, and what each cost."""
        costs = {mode: _servers_us(found) for mode, found in self._costs(rounds).items()}
        ordered = sorted(costs, key=lambda mode: costs[mode])
        listed = ", ".join(f"{mode} {costs[mode]:.0f} µs" for mode in ordered)
        return f"cheapest server: {ordered[0]} (per message: {listed})"

    def _costs(self, rounds: Sequence[Round]) -> dict[str, list[Spending]]:
        """Mode -> its costs, one for each round."""
        return {
            str(setup.mode): [cost for each in rounds if (cost := each[setup].cost) is not None]
            for setup in rounds[0]
            if (setup.load, setup.contender) == (self.pilot, self.contender)
        }


def _servers_us(costs: Sequence[Spending]) -> float:
    return median(cost.server_us for cost in costs)


@dataclass(frozen=True, slots=True)
class AgainstPeer:
    """Our CPU time per message over another client's, both against the same mode."""

    pilot: Offered
    peer: str
    limit: float | None = None
    unit: str = ""

    @property
    def name(self) -> str:
        """As in ``--only``."""
        return f"{_prefix(self.pilot)}-{self.peer}"

    @property
    def what(self) -> str:
        """For a reader of the table."""
        message = _message(self.pilot)
        return f"our CPU per {message}, bare / {CONTENDERS[self.peer].title}'s"

    @property
    def target(self) -> str:
        """An upper limit, where there is one."""
        return "" if self.limit is None else f"≤ {self.limit:g}"

    def setups(self, reference: Reference) -> list[Setup]:
        """The two of them, against one mode only; ours bare, as the others are or nearly so."""
        return reference.setups(self.pilot, BARE, self.peer)

    def values(self, rounds: Sequence[Round]) -> list[Value]:
        """Ratios between two trials of the same round."""
        ratios = [ours.contender_us / theirs.contender_us for ours, theirs in self._pairs(rounds)]
        return [Value(each, None if self.limit is None else each / self.limit) for each in ratios]

    def note(self, rounds: Sequence[Round]) -> str:
        """Both sides of the ratio."""
        pairs = self._pairs(rounds)
        ours_us = median(ours.contender_us for ours, _ in pairs)
        theirs_us = median(theirs.contender_us for _, theirs in pairs)
        mode = next(iter(rounds[0])).mode
        return f"{ours_us:.1f} µs and {theirs_us:.1f} µs per message against {mode}"

    def _pairs(self, rounds: Sequence[Round]) -> list[tuple[Spending, Spending]]:
        theirs = next(
            setup for setup in rounds[0] if (setup.load, setup.contender) == (self.pilot, self.peer)
        )
        ours = msgspec.structs.replace(theirs, contender=BARE)
        pairs = [(each[ours].cost, each[theirs].cost) for each in rounds]
        return [(own, other) for own, other in pairs if own is not None and other is not None]


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of an idle WebSocket connection."""

    name: str
    what: str
    limit_kib: float
    unit: str = "KiB"
    pilot: None = None

    @property
    def target(self) -> str:
        """An upper limit."""
        return f"≤ {self.limit_kib:g} KiB"

    def setups(self, _reference: Reference) -> list[Setup]:
        """Connections to the cheapest peer: it is not its memory that counts."""
        return [_IDLE]

    def values(self, rounds: Sequence[Round]) -> list[Value]:
        """Growth of resident memory per connection."""
        grown = [found.rss_kib for each in rounds if (found := each[_IDLE].footprint) is not None]
        return [Value(each, each / self.limit_kib) for each in grown]

    def note(self, rounds: Sequence[Round]) -> str:
        """How many connections, and the memory that no other process shares."""
        known = [found for each in rounds if (found := each[_IDLE].footprint) is not None]
        text = f"{known[0].connections:,} connections in one process"
        own = [each.uss_kib for each in known if each.uss_kib is not None]
        return text + (f"; not shared with any process: {median(own):.1f} KiB" if own else "")


_IDLE = Setup(Workload.IDLE, Transport.WEBSOCKET, OURS, None)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Service time as reported, less the same as a packet capture sees it."""

    name: str
    what: str
    workload: Workload
    quantile: str
    limit_share: float
    limit_ms: float
    unit: str = "ms"
    pilot: Offered = _WEBSOCKET

    @property
    def target(self) -> str:
        """The larger of two limits."""
        return f"≤ {100 * self.limit_share:g} % or {self.limit_ms:g} ms"

    def setups(self, reference: Reference) -> list[Setup]:
        """An open loop against the cheapest mode, if that is quick enough."""
        if self.pilot not in reference.cheapest:
            return []
        mode = reference.open_loop.get(self.workload)
        return [Setup(self.workload, self.pilot.transport, OURS, mode)]

    def values(self, rounds: Sequence[Round]) -> list[Value]:
        """Differences, with their sign; the target is for their size."""
        return [
            Value(
                each.difference,
                abs(each.difference) / max(self.limit_share * each.captured, self.limit_ms),
            )
            for each in self._quantiles(rounds)
        ]

    def note(self, rounds: Sequence[Round]) -> str:
        """What the difference is of, and how busy the generator was."""
        setup = self._setup(rounds)
        known = [found for each in rounds if (found := each[setup].echoes) is not None]
        quantiles = self._quantiles(rounds)
        service, captured, latency, lateness = (
            median(getattr(each, part) for each in quantiles)
            for part in ("service", "captured", "latency", "lateness")
        )
        peer = setup.mode or "responder (the server is too slow here)"
        busy = median(each.generator_percent for each in known)
        return (
            f"against {peer}: service time {service:.3f} ms reported, {captured:.3f} ms captured; "
            f"latency {latency:.3f} ms, lateness {lateness:.3f} ms; generator {busy:.0f} % busy"
        )

    def _setup(self, rounds: Sequence[Round]) -> Setup:
        return next(each for each in rounds[0] if each.workload is self.workload)

    def _quantiles(self, rounds: Sequence[Round]) -> list[Quantiles]:
        setup = self._setup(rounds)
        return [
            getattr(found, self.quantile)
            for each in rounds
            if (found := each[setup].echoes) is not None
        ]


_POLLING = Offered(Workload.ECHO, Transport.POLLING)
_BROADCAST = Offered(Workload.BROADCAST, Transport.WEBSOCKET)
_CALM, _BUSY = Workload.LATENCY, Workload.BUSY_LATENCY

#: Every row, in the order of the table.
ROWS: tuple[BenchRow, ...] = (
    AgainstServer(_WEBSOCKET, 0.17),
    AgainstServer(_POLLING, 0.15),
    AgainstServer(_BROADCAST, 0.40),
    AgainstServer(_WEBSOCKET, 0.15, BARE),
    AgainstServer(_POLLING, 0.15, BARE),
    AgainstServer(_BROADCAST, 0.45, BARE),
    AgainstPeer(_WEBSOCKET, "python-socketio", 0.25),
    AgainstPeer(_POLLING, "python-socketio", 0.05),
    AgainstPeer(_WEBSOCKET, "node", 1.0),
    AgainstPeer(_POLLING, "node", 0.2),
    AgainstPeer(_WEBSOCKET, "locust"),
    AgainstPeer(_POLLING, "locust"),
    AgainstPeer(_BROADCAST, "python-socketio"),
    Memory("memory", "resident memory per idle WebSocket connection, compression agreed on", 12),
    Agreement("latency-p50", "service p50, reported less captured", _CALM, "p50", 0.03, 0.1),
    Agreement("latency-p99", "service p99, reported less captured", _CALM, "p99", 0.03, 0.1),
    Agreement("busy-latency-p50", "the same p50, generator 80 % busy", _BUSY, "p50", 0.05, 0.2),
    Agreement("busy-latency-p99", "the same p99, generator 80 % busy", _BUSY, "p99", 0.05, 0.2),
)
