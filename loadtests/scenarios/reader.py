"""Reader: what one client that stops reading costs a server that goes on broadcasting.

Its connection stays up and nobody reads from it, as behind a network that has stalled, or in a page
that a debugger holds. What is for it gathers in the kernel at first and then in the server, until a
heartbeat that was not answered ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from loadtests.arithmetic.usage import together
from loadtests.machine.journal import entries
from loadtests.record.application import BROADCAST_EVENT
from loadtests.record.results import Measurement, Window
from loadtests.record.words import Cause, Client
from loadtests.scenarios import broadcast
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.broadcast import Broadcast, BroadcastSlice, collect, slice_of
from loadtests.scenarios.broadcasting import Publisher, Recipient
from loadtests.scenarios.broadcasts import LocalBroadcasts
from loadtests.scenarios.disconnect.windows import Situation, window
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.messages import TextMaker
from loadtests.scenarios.reader_numbers import METRICS, NAME, GivenUp, Reads, with_reader
from loadtests.scenarios.scenario import (
    Count,
    Heartbeat,
    PayloadBytes,
    Positive,
    Scenario,
)
from loadtests.scenarios.texts import letters
from loadtests.scenarios.turns import Interrupted, fitting

if TYPE_CHECKING:
    from loadtests.client.session import Session

_SEED = 1
#: Beyond the window of the heartbeat's rules.
_PATIENCE_S = 2.0


class Reader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Broadcasts to clients of which one stops reading.

    Attributes:
        clients: that read; the one that stops comes on top.
        rate_hz: broadcasts per second.
        payload_bytes: of each; letters at random, which hardly pack, as encoded images do not.
        slice_s: after so long it is looked whether the server has given the reader up.
        before_s: measured while all read, after one slice that is not.
        after_s: from giving up to reading the memory for the last time, without load.
        drain_s: as in broadcast.
        ping_interval_s, ping_timeout_s: of the server's heartbeat.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    clients: Count = 5
    rate_hz: Positive = 40
    payload_bytes: PayloadBytes = 32_768
    slice_s: Positive = 0.5
    before_s: Positive = 4.0
    after_s: Positive = 1.5
    drain_s: Positive = 2.0
    ping_interval_s: Positive = 4
    ping_timeout_s: Positive = 4
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if self.before_s < self.slice_s:
            raise ValueError("before_s is below slice_s: it holds no slice")
        _ = self.offer

    @property
    def offer(self) -> Broadcast:
        """What is published in a slice."""
        return Broadcast(
            recipients=self.clients,
            publishers=1,
            rate_hz=self.rate_hz,
            measure_s=self.slice_s,
            payload_bytes=self.payload_bytes,
            warmup_s=0,
            settle_s=0,
            drain_s=self.drain_s,
            rounds=1,
        )


@dataclass(slots=True)
class Phase:
    """What was seen while the reader did one thing.

    Attributes:
        pieces: slices of load.
        server_mib: the server's memory before the first and after each; empty where not known.
        disturbed: why the time is not to be trusted, if it is not.
    """

    pieces: list[BroadcastSlice] = field(default_factory=list)
    server_mib: list[float] = field(default_factory=list)
    disturbed: str | None = None

    @property
    def grown_mib(self) -> float | None:
        """By how much the memory had grown at the most; None where it is not known."""
        return max(self.server_mib) - self.server_mib[0] if self.server_mib else None


def measure(bench: Bench, options: Reader) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: there is no journal, nothing was delivered, or every client was lost.
        Unfinished: the run was interrupted.
    """
    if bench.place.journal is None:
        raise TrialFailed("the server keeps no journal that could be read")
    *others, one = bench.sessions
    bench.judged = others  # the one is to be lost
    words = letters(_SEED, options.payload_bytes)
    load = _Load(
        bench,
        options.offer,
        Publisher(
            others[0],
            bench.alarm,
            TextMaker(BROADCAST_EVENT, 0, words, others[0].namespace),
            now_ns=bench.now_ns,
        ),
    )
    everybody = [Recipient(session) for session in bench.sessions]
    rules = _rules(bench, options)
    try:
        load.phase(everybody, lambda done: done >= 1)  # what a server needs once is nobody's
        calm = load.phase(
            everybody, lambda done: done >= fitting(options.before_s, options.slice_s)
        )
        if one.ended is not None or _end_of(bench, one) is not None:
            why = one.ended or "the server has given it up"
            raise TrialFailed(f"the one that was to stop reading was lost before that: {why}")
        stopped_ns = bench.now_ns()
        one.depart(Cause.FREEZE)
        give_up_ns = stopped_ns + round((rules.latest_s + _PATIENCE_S) * 1e9)
        beside = load.phase(
            everybody[:-1],
            lambda _: _end_of(bench, one) is not None or bench.now_ns() >= give_up_ns,
        )
        end = _end_of(bench, one)
    except Interrupted:
        raise Unfinished from None
    finally:
        bench.turns.rest()
    first = load.row(Reads.READS, calm, everybody, None, None)
    given_up = _given_up(bench, options, beside, stopped_ns, end, rules)
    return [first, load.row(Reads.STOPS, beside, everybody[:-1], first, given_up)]


def _given_up(
    bench: Bench,
    options: Reader,
    beside: Phase,
    stopped_ns: int,
    end: tuple[int, str] | None,
    rules: Window,
) -> GivenUp:
    """What became of the one, and some time later of what was kept for it."""
    waited_s = (bench.now_ns() - stopped_ns) / 1e9
    bench.sleep_until(bench.now_ns() + round(options.after_s * 1e9))
    after_mib = bench.meter.server_mib()
    return GivenUp(
        after_s=None if end is None else (end[0] - stopped_ns) / 1e9,
        reason="" if end is None else end[1],
        waited_s=waited_s,
        left_mib=None if after_mib is None else after_mib - beside.server_mib[0],
        rules=rules,
    )


def _rules(bench: Bench, options: Reader) -> Window:
    """When the server is to give the one up, by python-engineio's own rules."""
    place = bench.place
    situation = Situation(
        transport=place.transport,
        cause=Cause.FREEZE,
        ping_interval_s=options.ping_interval_s,
        ping_timeout_s=options.ping_timeout_s,
        websocket=place.websocket or "",
        connections=options.clients + 1,
        leaving=1,
        sent_every_s=1 / options.rate_hz,
    )
    return window(situation)


def _end_of(bench: Bench, one: Session) -> tuple[int, str] | None:
    """When and why the server gave it up, by its journal; None as long as it has not."""
    for entry in entries(Path(bench.place.journal or "")):
        if entry["event"] == "disconnect" and entry["sid"] == one.sid:
            return entry["at_ns"], entry["reason"]
    return None


@dataclass(frozen=True, slots=True)
class _Load:
    """The broadcasts."""

    bench: Bench
    offer: Broadcast
    publisher: Publisher

    def phase(self, recipients: Sequence[Recipient], over: Callable[[int], bool]) -> Phase:
        """Slices of load until it is over, which is asked with how many were done."""
        found = Phase()
        casts = LocalBroadcasts([self.publisher], recipients)
        with self.bench.turns.turn() as turn:
            self._weigh(found)
            while not over(len(found.pieces)):
                number = len(found.pieces)
                found.pieces.append(slice_of(self.bench, self.offer, casts, number))
                self._weigh(found)
        if turn.disturbance is not None:
            found.disturbed = turn.disturbance.reason
        return found

    def _weigh(self, found: Phase) -> None:
        mib = self.bench.meter.server_mib()
        if mib is not None:
            found.server_mib.append(mib)

    def row(
        self,
        kind: Reads,
        phase: Phase,
        recipients: Sequence[Recipient],
        calm: Measurement | None,
        given_up: GivenUp | None,
    ) -> Measurement:
        """The row of one phase; ``calm`` and ``given_up`` where the one had stopped."""
        received = [each.received() for each in recipients]
        deliveries = collect([self.publisher], received, phase.pieces)
        if not len(deliveries.receive_lag_ns):
            raise TrialFailed(
                f"none of {len(deliveries.delivery_ns)} copies was delivered; does the server "
                f"handle {BROADCAST_EVENT!r} in {self.bench.place.namespace}?"
            )
        found = broadcast.summarise(
            deliveries,
            sum(piece.messages for piece in phase.pieces),
            together([piece.usage for piece in phase.pieces]),
            phase.server_mib[-1] if phase.server_mib else None,
        )
        whole = with_reader(found, kind, phase.grown_mib, calm, given_up)
        lost = deliveries.audit.missing
        return whole.disturbed_by(phase.disturbed, list(METRICS), lost=lost)


def _order(row: str) -> tuple[float, ...]:
    """As they are declared; a stranger's rows last."""
    rows = [kind.row for kind in Reads]
    return (rows.index(row) if row in rows else len(rows),)


SCENARIO = Scenario(
    name=NAME,
    rank=42,
    options=Reader,
    metrics=METRICS,
    clients=lambda options: options.clients + 1,
    expected_s=lambda options: (
        options.slice_s
        + options.before_s
        + options.ping_interval_s
        + options.ping_timeout_s
        + options.after_s
        + 1
    ),
    longest_wait_s=lambda options: options.ping_timeout_s + _PATIENCE_S + 4 * options.drain_s,
    rows=lambda _options, _variant: [kind.row for kind in Reads],
    order=_order,
    heartbeat=lambda options: Heartbeat(options.ping_interval_s, options.ping_timeout_s),
    with_clients=(Client.TRANSPORT_BENCH,),
    needs_journal="the server keeps no journal of disconnects that could be read",
    reaches_all=True,
    measure=measure,
)
