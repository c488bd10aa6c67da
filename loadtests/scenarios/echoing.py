"""Driving the loops of an echo, turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from loadtests.arithmetic.pacing import Schedule, staggered
from loadtests.arithmetic.usage import between
from loadtests.scenarios.bench import LEAD_NS, Bench, hint
from loadtests.scenarios.echo_loops import (
    ClosedLoop,
    EchoSlice,
    OpenLoop,
    Window,
    combine_closed,
    combine_open,
)
from loadtests.scenarios.echoes import Echoes
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.turns import fitting, in_turns

#: In each turn: the lead, and the last replies. 11 to 25 ms, 55 where a reply takes 44.
_PAUSE_S = 0.03

#: The kinds of slices.
OPEN, CLOSED = "open", "closed"
#: What is measured over the closed loop beside its rates.
USED = ("server_cpu", "server_busy", "generator_cpu", "generator_busy")

#: A round trip beyond this makes slices no longer.
_LONGEST_S = 2.0


class Offer(Protocol):
    """What an open loop offers."""

    @property
    def rate_hz(self) -> float:
        """Messages per second over all clients."""

    @property
    def drain_s(self) -> float:
        """How long the last replies may take before they count as lost."""


class Loops(Offer, Protocol):
    """How long both loops are, and how fast the open one: an ``Echo``, or another's options."""

    @property
    def slices(self) -> int:
        """In how many turns the open loop is cut."""

    @property
    def closed_slice_s(self) -> float:
        """How long a slice of the closed loop should be at least."""

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


def closed_slices(options: Loops) -> int:
    """How many turns of the closed loop follow each of the open one.

    A slice of it tells its cost within a tenth of a second, and the machine's speed changes within
    one: many short ones know more than few long ones.
    """
    return fitting(options.throughput_s / options.slices, options.closed_slice_s)


def turns_of(options: Loops) -> int:
    """All turns of a trial."""
    return options.slices * (1 + closed_slices(options))


def expected_s(options: Loops) -> float:
    """About how long all turns take."""
    uncounted_s = 2 * options.warmup_s + (turns_of(options) - 2) * options.settle_s
    return uncounted_s + options.latency_s + options.throughput_s + turns_of(options) * _PAUSE_S


@dataclass(frozen=True, slots=True)
class BothLoops:
    """What all turns gave.

    Attributes:
        opened, closed: of the slices that count.
        lost: messages of all slices that were never answered.
        doubts: ``open``, ``closed`` -> what the machine or the generator did to its slices.
    """

    opened: OpenLoop
    closed: ClosedLoop
    lost: int
    doubts: Mapping[str, str]


@dataclass(slots=True)
class Pace:
    """What the turns so far have shown of a server: how long a round trip of the closed loop is."""

    round_trip_s: float = 0.0

    def saw(self, window: Window, answered: int, clients: int) -> None:
        """Of the latest closed loop (Little's law)."""
        if answered:
            self.round_trip_s = min(clients * window.usage.wall_ns / 1e9 / answered, _LONGEST_S)


def both_loops(bench: Bench, options: Loops, clients: Echoes) -> BothLoops:
    """All turns of a trial.

    Raises:
        TrialFailed: nothing is answered, or every client lost its connection.
    """
    pace = Pace()
    try:
        taken = in_turns(
            bench,
            turns_of(options),
            lambda number: slice_of(bench, options, clients, number, pace),
            cycle=1 + closed_slices(options),
            hint=partial(hint, bench, bench.place.echo),
        )
    finally:
        clients.stop()  # nothing is to be sent beside another's turn
    counted, every = _by_kind(taken.pieces), _by_kind(taken.every)
    if not counted[CLOSED]:
        raise Unfinished
    opened = combine_open(clients, counted[OPEN])
    if opened.lost == len(opened.latency_ns):
        raise TrialFailed(
            f"the server answered none of {opened.lost} messages; {hint(bench, bench.place.echo)}"
        )
    lost_closed = combine_closed(clients, every[CLOSED]).lost
    closed = replace(combine_closed(clients, counted[CLOSED]), lost=lost_closed)
    lost = combine_open(clients, every[OPEN]).lost + lost_closed
    return BothLoops(opened, closed, lost, taken.doubts)


def _by_kind(pieces: Sequence[EchoSlice]) -> dict[str, list[Window]]:
    return {
        kind: [piece.window for piece in pieces if piece.kind == kind] for kind in (OPEN, CLOSED)
    }


def slice_of(bench: Bench, options: Loops, clients: Echoes, number: int, pace: Pace) -> EchoSlice:
    """One turn: of the open loop, or one of those of the closed loop that follow it.

    Args:
        bench: of the trial.
        options: of all turns together.
        clients: that send.
        number: of the turn; the first of each loop warms up.
        pace: of the turns before.
    """
    per_open = closed_slices(options)
    round_, place = divmod(number, 1 + per_open)
    uncounted_s = options.settle_s if round_ or place > 1 else options.warmup_s
    before = sum(len(client.numbers) for client in clients)
    if place:
        # Two round trips at least, of clients that began within one.
        uncounted_s = max(uncounted_s, pace.round_trip_s)
        seconds = max(options.throughput_s / options.slices / per_open, 2 * pace.round_trip_s)
        window = closed_window(
            bench, options, clients, uncounted_s, seconds, paced=pace.round_trip_s > 0
        )
        messages = combine_closed(clients, [window]).answered
        pace.saw(window, messages, len(clients))
    else:
        seconds = options.latency_s / options.slices
        window = open_window(bench, options, clients, uncounted_s, seconds)
        messages = 0
    return EchoSlice(
        kind=CLOSED if place else OPEN,
        window=window,
        messages=messages,
        answered=sum(len(client.numbers) for client in clients) - before,
    )


#: Makes the schedules of an open loop: from its start on, for a rate over all of so many clients.
Scheduling = Callable[[int, float, int], Sequence[Schedule]]


def open_window(
    bench: Bench,
    options: Offer,
    clients: Echoes,
    uncounted_s: float,
    seconds: float,
    *,
    scheduled: Scheduling = staggered,
) -> Window:
    """Send on schedule and wait for the last replies; what comes first is sent and not measured."""
    start_ns = bench.first_due_ns(options.rate_hz)
    begin_ns = start_ns + round(uncounted_s * 1e9)
    end_ns = begin_ns + round(seconds * 1e9)
    schedules = scheduled(start_ns, options.rate_hz, len(clients))
    clients.open_loop(schedules, end_ns)
    bench.sleep_until(begin_ns)
    begin = bench.meter.read()
    bench.sleep_until(end_ns)
    end = bench.meter.read()
    _drain(bench, options, clients)
    clients.stop()  # what is still owed is lost, and not to be sent beside another's turn
    return Window(
        begin_ns=begin_ns,
        end_ns=end_ns,
        firsts=tuple(client.first for client in clients),
        afters=tuple(len(client.due_ns) for client in clients),
        due=sum(schedule.due_between(begin_ns, end_ns) for schedule in schedules),
        usage=between(begin, end),
    )


def closed_window(
    bench: Bench,
    options: Offer,
    clients: Echoes,
    uncounted_s: float,
    seconds: float,
    *,
    paced: bool = True,
) -> Window:
    """Have every client send again when its reply has come; the beginning is not measured.

    ``paced``: the slice is known to hold two round trips, so that the last replies come within it.
    """
    start_ns = bench.now_ns()
    begin_ns = start_ns + round(uncounted_s * 1e9)
    end_ns = begin_ns + round(seconds * 1e9)
    # One after the other: clients that begin as one stay in step where each waits 40 ms for
    # its reply, and a slice would hold two steps or three.
    many = len(clients)
    starts_ns = [start_ns + (begin_ns - start_ns) * place // many for place in range(many)]
    # A little beyond the end, so that the loop is still full when the clocks are read.
    clients.closed_loop(end_ns + LEAD_NS, starts_ns)
    _keep_going(bench, options, clients, begin_ns)
    begin = bench.meter.read()
    _keep_going(bench, options, clients, end_ns)
    end = bench.meter.read()
    _drain(bench, options, clients)
    if paced and bench.now_ns() - end.at_ns > end_ns - begin_ns:
        # The last replies are late: a stall that began in the slice is the slice's to its end.
        end = bench.meter.read()
    clients.stop()
    return Window(
        begin_ns=begin.at_ns,
        end_ns=end.at_ns,
        firsts=tuple(client.first for client in clients),
        afters=tuple(len(client.due_ns) for client in clients),
        due=0,
        usage=between(begin, end),
    )


def _keep_going(bench: Bench, options: Offer, clients: Echoes, until_ns: int) -> None:
    """Wait until then; a client whose reply was lost sends again when that is sure."""
    patience_ns = round(options.drain_s * 1e9)
    while bench.now_ns() < until_ns:
        bench.sleep_until(min(bench.now_ns() + patience_ns, until_ns))
        if bench.now_ns() < until_ns:
            clients.go_on(patience_ns)


def _drain(bench: Bench, options: Offer, clients: Echoes) -> None:
    give_up_ns = bench.now_ns() + round(options.drain_s * 1e9)
    while clients.outstanding() and bench.now_ns() < give_up_ns:
        bench.sleep_until(min(bench.now_ns() + 5_000_000, give_up_ns))
