"""Driving the loops of an echo, turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from loadtests.arithmetic.pacing import staggered
from loadtests.arithmetic.usage import between
from loadtests.record.application import ECHO_EVENT
from loadtests.scenarios.bench import LEAD_NS, Bench
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echo_loops import (
    ClosedLoop,
    EchoSlice,
    OpenLoop,
    Window,
    combine_closed,
    combine_open,
)
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.turns import SHORTEST_SLICE_S, fitting, in_turns, rounds_of

#: In each turn: the lead, and the last replies of both loops.
_PAUSE_S = 0.1

_HINT = f"does it handle {ECHO_EVENT!r} in namespace /test?"


class Loops(Protocol):
    """How long both loops are, and how fast the open one: an ``Echo``, or another's options."""

    @property
    def rate_hz(self) -> float:
        """Messages per second over all clients in the open loop."""

    @property
    def slices(self) -> int:
        """In how many turns the loops are cut."""

    @property
    def warmup_s(self) -> float:
        """Sent but not measured, at the beginning of each loop in the first turn."""

    @property
    def settle_s(self) -> float:
        """The same in each later turn."""

    @property
    def latency_s(self) -> float:
        """Of the open loop that are measured, over all turns."""

    @property
    def throughput_s(self) -> float:
        """Of the closed loop that are measured, over all turns."""

    @property
    def drain_s(self) -> float:
        """How long the last replies of a loop may take before they count as lost."""


def slices_of(options: Loops, rounds: int | None) -> int:
    """In how many turns both loops are cut.

    Args:
        options: of both loops.
        rounds: as asked for; None for slices of the usual length.

    Raises:
        ValueError: a slice would be too short; says what would work.
    """
    found = rounds_of(options.latency_s, options.rate_hz, rounds)
    most = fitting(options.throughput_s, SHORTEST_SLICE_S)
    if rounds is not None and rounds > most:
        raise ValueError(
            f"{rounds} rounds cut throughput_s into slices of {options.throughput_s / rounds:.3g} "
            f"s; a slice wants {SHORTEST_SLICE_S} s: at most {most} rounds, "
            f"or {rounds * SHORTEST_SLICE_S:g} s"
        )
    return min(found, most)


def expected_s(options: Loops) -> float:
    """About how long all turns take."""
    uncounted_s = options.warmup_s + (options.slices - 1) * options.settle_s
    return 2 * uncounted_s + options.latency_s + options.throughput_s + options.slices * _PAUSE_S


@dataclass(frozen=True, slots=True)
class BothLoops:
    """What all turns gave.

    Attributes:
        doubt: what the machine or the generator did to them; None where nothing did.
    """

    opened: OpenLoop
    closed: ClosedLoop
    doubt: str | None


def both_loops(bench: Bench, options: Loops, clients: Sequence[EchoClient]) -> BothLoops:
    """All turns of a trial.

    Raises:
        TrialFailed: nothing is answered, or every client lost its connection.
    """
    taken = in_turns(
        bench,
        options.slices,
        lambda number: slice_of(bench, options, clients, number),
        hint=_HINT,
    )
    opened = combine_open(clients, [piece.opened for piece in taken.pieces])
    if opened.lost == len(opened.latency_ns):
        raise TrialFailed(f"the server answered none of {opened.lost} messages; {_HINT}")
    closed = combine_closed(clients, [piece.closed for piece in taken.pieces])
    return BothLoops(opened, closed, taken.doubt)


def slice_of(bench: Bench, options: Loops, clients: Sequence[EchoClient], number: int) -> EchoSlice:
    """One turn: the open loop, a pause until all is answered, the closed loop.

    Args:
        bench: of the trial.
        options: of all turns together.
        clients: that send.
        number: of the turn; the first warms up.
    """
    uncounted_s = options.settle_s if number else options.warmup_s
    before = sum(len(client.numbers) for client in clients)
    opened = open_window(bench, options, clients, uncounted_s, options.latency_s / options.slices)
    closed = closed_window(
        bench, options, clients, uncounted_s, options.throughput_s / options.slices
    )
    return EchoSlice(
        opened=opened,
        closed=closed,
        messages=combine_closed(clients, [closed]).answered,
        answered=sum(len(client.numbers) for client in clients) - before,
    )


def open_window(
    bench: Bench, options: Loops, clients: Sequence[EchoClient], uncounted_s: float, seconds: float
) -> Window:
    """Send on schedule and wait for the last replies; what comes first is sent and not measured."""
    start_ns = bench.now_ns() + LEAD_NS
    begin_ns = start_ns + round(uncounted_s * 1e9)
    end_ns = begin_ns + round(seconds * 1e9)
    schedules = staggered(start_ns, options.rate_hz, len(clients))
    for client, schedule in zip(clients, schedules, strict=True):
        client.open_loop(schedule, end_ns)
    bench.sleep_until(begin_ns)
    begin = bench.meter.read()
    bench.sleep_until(end_ns)
    end = bench.meter.read()
    _drain(bench, options, clients)
    for client in clients:  # what it still owes is lost, and not to be sent beside another's turn
        client.stop()
    return Window(
        begin_ns=begin_ns,
        end_ns=end_ns,
        firsts=tuple(client.first for client in clients),
        afters=tuple(len(client.due_ns) for client in clients),
        due=sum(schedule.due_between(begin_ns, end_ns) for schedule in schedules),
        usage=between(begin, end),
    )


def closed_window(
    bench: Bench, options: Loops, clients: Sequence[EchoClient], uncounted_s: float, seconds: float
) -> Window:
    """Have every client send again when its reply has come; the beginning is not measured."""
    begin_ns = bench.now_ns() + round(uncounted_s * 1e9)
    end_ns = begin_ns + round(seconds * 1e9)
    for client in clients:
        # A little beyond the end, so that the loop is still full when the clocks are read.
        client.closed_loop(end_ns + LEAD_NS)
    _keep_going(bench, options, clients, begin_ns)
    begin = bench.meter.read()
    _keep_going(bench, options, clients, end_ns)
    end = bench.meter.read()
    _drain(bench, options, clients)
    return Window(
        begin_ns=begin.at_ns,
        end_ns=end.at_ns,
        firsts=tuple(client.first for client in clients),
        afters=tuple(len(client.due_ns) for client in clients),
        due=0,
        usage=between(begin, end),
    )


def _keep_going(bench: Bench, options: Loops, clients: Sequence[EchoClient], until_ns: int) -> None:
    """Wait until then; a client whose reply was lost sends again when that is sure."""
    patience_ns = round(options.drain_s * 1e9)
    while bench.now_ns() < until_ns:
        bench.sleep_until(min(bench.now_ns() + patience_ns, until_ns))
        for client in clients:
            client.go_on(patience_ns)


def _drain(bench: Bench, options: Loops, clients: Sequence[EchoClient]) -> None:
    give_up_ns = bench.now_ns() + round(options.drain_s * 1e9)
    while (
        any(client.owes or client.waited_for for client in clients) and bench.now_ns() < give_up_ns
    ):
        bench.sleep_until(min(bench.now_ns() + 5_000_000, give_up_ns))
