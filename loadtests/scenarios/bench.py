"""What a scenario has at its disposal during a trial, and what it gives back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

from loadtests.client.errors import tallied
from loadtests.client.target import Target
from loadtests.record.application import NAMESPACE
from loadtests.record.generator_facts import GeneratorFacts, SliceFacts
from loadtests.record.results import Measurement
from loadtests.record.words import Client, Transport
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.messages import BROADCAST, ECHO, Exchange
from loadtests.scenarios.own_messages import Messages, Spoken
from loadtests.scenarios.turns import Lone, Shared, Turns

if TYPE_CHECKING:  # nothing here needs gevent, which these do
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session
    from loadtests.machine.launch import RunningServer
    from loadtests.machine.meter import Meter
    from loadtests.scenarios.spread.crew import Crew

#: From the decision to begin to the first due time.
LEAD_NS = 10_000_000

_LOOK_S = 0.25


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


class Place(msgspec.Struct, frozen=True):
    """Where a trial takes place, as the load generator is told.

    Attributes:
        url: of the server.
        transport: of the cell.
        label: path that the names of the trial's files begin with.
        client: whose Socket.IO client every user has.
        variant: of the scenario's trials, see PlannedTrial.
        websocket: the server's WebSocket implementation, as its READY line says; None where it is
            not ours.
        journal: path of that server's journal; None where it is not ours.
        cable: where clients are to be cut off.
        missing: what cannot be had here -> why.
        target: what every connection is told.
        compression: whether clients offer to compress WebSocket messages.
        compresses: whether the server's WebSocket takes that offer, as its READY line says; None
            where it does not.
        messages: of somebody's own application, in place of those of the one under test.
    """

    url: str
    transport: Transport
    label: str
    client: Client = Client.TRANSPORT_BENCH
    variant: str = ""
    websocket: str | None = None
    journal: str | None = None
    cable: Cable | None = None
    missing: dict[str, str] = {}
    target: Target = Target()
    compression: bool = True
    compresses: bool | None = None
    messages: Messages | None = None

    @property
    def namespace(self) -> str:
        """The one that clients join."""
        return self.target.namespace or NAMESPACE

    @property
    def echo(self) -> Exchange:
        """What an echo is."""
        return self._spoken("echo") or ECHO

    @property
    def broadcast(self) -> Exchange:
        """What a broadcast is."""
        return self._spoken("broadcast") or BROADCAST

    def _spoken(self, kind: str) -> Spoken | None:
        own = None if self.messages is None else self.messages.of(kind)
        return None if own is None else Spoken(own, f"{crc32(self.label.encode()):08x}")

    def file(self, ending: str) -> Path:
        """The path of one of the trial's files."""
        label = Path(self.label)
        return label.with_name(f"{label.name}-{ending}")


class Outcome(msgspec.Struct, frozen=True):
    """What came of a trial: an error, or measurements and what the generator says of itself.

    Attributes:
        unfinished: whether the error is that the run was interrupted before there was anything.
    """

    error: str | None = None
    unfinished: bool = False
    measurements: list[Measurement] = []
    generator: GeneratorFacts = GeneratorFacts()


@dataclass(frozen=True, slots=True)
class Site:
    """What the runner has prepared for a trial beyond server and generator.

    Attributes:
        prefix: of the commands of both, to have them run there.
        host: address for the server to listen on; None for its own default.
        cable, missing: see Place.
    """

    prefix: tuple[str, ...] = ()
    host: str | None = None
    cable: Cable | None = None
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario has that conducts its trials by itself, in the runner's process.

    Attributes:
        mode: how the servers are served, for messages.
        transport: of all clients.
        seed: for what is random in the trial.
        serve: starts a server of the cell on a port (0: a free one) with a log and a journal.
        label: path that the names of the trial's files begin with.
        core: for the clients; None for any.
        namespace: that they join.
    """

    mode: str
    transport: Transport
    seed: int
    serve: Callable[[int, Path, Path], AbstractContextManager[RunningServer]]
    label: Path
    core: int | None
    namespace: str = NAMESPACE


@dataclass(slots=True)
class Bench:
    """One trial's equipment in the load generator.

    Attributes:
        sessions: connected, in the order in which they connected.
        alarm: for everything that is due at a moment.
        meter: of server and generator.
        seed: for what is random in the trial.
        place: where it takes place.
        sleep: lets the loop run for so many seconds.
        now_ns: the monotonic clock.
        numbers: what the scenario tells of the trial that is no metric; units in their names.
        judged: the sessions whose loss spoils every number; None for all.
        turns: whose turn it is, where several trials take turns.
        slices: what is told of each slice of load.
        compression: what the scenario's own connections agreed on, of those that offered it; see
            GeneratorFacts. Empty where it makes none.
        shared: the present turn with others; None where it is the trial's own.
        crew: the clients, where other processes hold them; None where this one does.
    """

    sessions: list[Session]
    alarm: Alarm
    meter: Meter
    seed: int
    place: Place
    sleep: Callable[[float], Any]
    now_ns: Callable[[], int] = time.monotonic_ns
    numbers: dict[str, float] = field(default_factory=dict)
    judged: Sequence[Session] | None = None
    turns: Turns = field(default_factory=Lone)
    slices: list[SliceFacts] = field(default_factory=list)
    compression: str = ""
    shared: Shared | None = None
    crew: Crew | None = None

    def first_due_ns(self, rate_hz: float) -> int:
        """When a schedule of sends begins: soon, and between the sends of others on the same turn.

        Args:
            rate_hz: of all its sends together.
        """
        if self.shared is None:
            return self.now_ns() + LEAD_NS
        return self.shared.at_ns + LEAD_NS + round(self.shared.phase * 1e9 / rate_hz)

    def sleep_until(self, moment_ns: int) -> None:
        """Let the loop run until then, to a millisecond.

        Raises:
            TrialFailed: no session is left.
        """
        while (left_ns := moment_ns - self.now_ns()) > 0:
            self.sleep(min(left_ns / 1e9, _LOOK_S))
            self.check_sessions()

    def check_sessions(self) -> None:
        """Fail the trial when every client was lost; as long as one is left, it goes on."""
        ended = [session.ended for session in self.sessions if session.ended is not None]
        if len(ended) == len(self.sessions):
            raise TrialFailed(f"all {len(ended)} clients lost their connection: {tallied(ended)}")

    def distrust(self, measurements: Sequence[Measurement]) -> list[Measurement]:
        """The same; every number is invalid when clients were lost that nobody sent away."""
        judged = self.sessions if self.judged is None else self.judged
        ended = [session.ended for session in judged if session.ended is not None]
        if not ended:
            return list(measurements)
        reason = f"clients lost their connection: {tallied(ended)} ({len(ended)} of {len(judged)})"
        return [each.distrusted(reason, above_all=True) for each in measurements]


def hint(bench: Bench, exchange: Exchange) -> str:
    """What to ask oneself where nothing answers a message, and what came instead."""
    instead: Counter[str] = Counter()
    for session in bench.sessions:
        instead.update(session.unheard or {})
    asked = f"does it handle {exchange.event!r} in namespace {bench.place.namespace}"
    if bench.place.messages is not None:
        asked += f", and answer {exchange.answer!r}"
    if not instead:
        return f"{asked}?"
    said = ", ".join(f"{name!r} ({many})" for name, many in instead.most_common(3))
    return f"{asked}? What came instead: {said}"
