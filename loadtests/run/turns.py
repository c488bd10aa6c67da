"""Who is on turn: one cell's load at a time, round after round, in an order that is fair."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import gevent
from gevent.event import Event

from loadtests.arithmetic.disturbance import Watched, disturbance_of
from loadtests.machine.watch import Watch
from loadtests.scenarios.turns import Interrupted, Shared, Turn

_TICK_S = 0.01


def order_of(labels: list[str], number: int, seed: int, cycle: int = 1) -> list[str]:
    """The order of a round: random, and turned round in the next one of its kind.

    So within each two rounds of a kind everybody is as early as late, and no two cells follow each
    other more often than chance has it.

    Args:
        labels: of the cells.
        number: of the round.
        seed: of all orders.
        cycle: after so many rounds the kinds of load come again.
    """
    order = list(labels)
    cycles, kind = divmod(number, cycle)
    random.Random(f"{seed}/{cycles // 2}/{kind}").shuffle(order)
    return order[::-1] if cycles % 2 else order


class Keeper:
    """Gives turns to those who have a seat, until all of them have left.

    Args:
        seed: of the order.
        watch: what happens beside the load.
        begun_ns: when the run began, monotonic.
        at_once: whether all of a round are on turn at the same time.
        absent_ns: the longest time in which another process of the generator stood still, since
            it was asked last.
    """

    def __init__(
        self,
        seed: int,
        watch: Watch,
        begun_ns: int,
        *,
        at_once: bool = False,
        absent_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        self._seed = seed
        self._absent_ns = absent_ns
        self._watch = watch
        self._begun_ns = begun_ns
        self._at_once = at_once
        self._on_turn: frozenset[str] = frozenset()
        self._seats: dict[str, Seat] = {}
        self._stopping = False
        self.whole = 0
        self.over = Event()

    def seat(self, label: str) -> Seat:
        """A place in every round, for a cell."""
        seat = self._seats[label] = Seat(self, label)
        return seat

    def stop(self) -> None:
        """Give no more turns; the present one may end."""
        self._stopping = True

    def run(self) -> None:
        """Give turns, in a greenlet of its own."""
        try:
            self._give()
        finally:  # nobody is to wait for ever
            self.over.set()
            for seat in self._seats.values():
                seat.call(None)

    def _give(self) -> None:
        # What a trial does before its first turn is not to be done beside another's.
        for seat in list(self._seats.values()):
            seat.here.wait()
        for number in count():
            cycle = max((seat.cycle for seat in self._seats.values()), default=1)
            order = order_of(list(self._seats), number, self._seed, cycle)
            playing = [self._seats[label] for label in order if self._seats[label].playing]
            if not playing or not self._played(playing, number):
                break
            self.whole = number + 1

    def _played(self, seats: Sequence[Seat], number: int) -> bool:
        """Play a round; whether it is whole."""
        if self._at_once:
            return self._played_at_once(seats, number)
        for seat in seats:
            if self._stopping:
                return False
            if seat.playing:
                self._on_turn = frozenset({seat.label})
                seat.call(number)
                seat.wait()
        return True

    def _played_at_once(self, seats: Sequence[Seat], number: int) -> bool:
        """The same, all together: what the machine does it does to all of them at once."""
        if self._stopping:
            return False
        self._on_turn = frozenset(seat.label for seat in seats)
        at_ns = time.monotonic_ns()
        for place, seat in enumerate(seats):
            seat.call(number, Shared(at_ns, place / len(seats)))
        for seat in seats:
            seat.wait()
        _share([seat.latest for seat in seats if seat.latest is not None])
        return True

    @contextmanager
    def watched(self, label: str, turn: Turn) -> Iterator[None]:
        """Look at what happens during a turn, and judge it at its end."""
        turn.begun_s = (time.monotonic_ns() - self._begun_ns) / 1e9
        before, on_turn = self._watch.begin(), self._on_turn
        self._absent_ns()  # what was before the turn is no part of it
        absence = Absence()
        try:
            yield
        finally:
            absent_ns = max(absence.stop(), self._absent_ns())
            found = self._watch.end(before, on_turn, absent_ns)
            self._seats[label].saw(found)
            for other, used_s in found.off_turn_s.items():
                if other in self._seats:
                    self._seats[other].was_off_turn(used_s, found.seconds)
            turn.disturbance = disturbance_of(found)


def _share(turns: Sequence[Turn]) -> None:
    """What spoiled a turn for one spoiled it for all that had it at the same time.

    Else a slice would count on one side of a comparison and not on the other.
    """
    found = next((turn.disturbance for turn in turns if turn.disturbance is not None), None)
    for turn in turns:
        turn.disturbance = turn.disturbance or found


class Seat:
    """One cell's place in the rounds; see ``scenarios.turns.Turns``.

    Attributes:
        label: of the cell.
        here: set once it waits for its first turn, or has none.
        playing: whether it takes part in the next round.
        latest: the turn that it had last.
        cycle: see Turns.
        seconds, stolen_s, others_s: over all of its turns.
        off_turn_s, off_turn_used_s: how long others were on turn, and what its server used then.
    """

    def __init__(self, keeper: Keeper, label: str) -> None:
        self._keeper = keeper
        self.label = label
        self._called = Event()
        self._done = Event()
        self._number: int | None = None
        self._shared: Shared | None = None
        self.here = Event()
        self.playing = True
        self.latest: Turn | None = None
        self.cycle = 1
        self.seconds = self.stolen_s = self.others_s = 0.0
        self.off_turn_s = self.off_turn_used_s = 0.0

    def call(self, number: int | None, shared: Shared | None = None) -> None:
        """It is its turn, alone or with others; None: there are no more."""
        self._done.clear()
        self._number, self._shared = number, shared
        self._called.set()

    def wait(self) -> None:
        """For the end of its turn."""
        self._done.wait()

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """See Turns."""
        self.here.set()
        self._called.wait()
        self._called.clear()
        if self._number is None:
            raise Interrupted
        turn = self.latest = Turn(self._number, shared=self._shared)
        try:
            with self._keeper.watched(self.label, turn):
                yield turn
        finally:
            self._done.set()

    def rest(self) -> int:
        """See Turns."""
        self.leave()
        # What follows computes, which is not to be done beside another's load.
        self._keeper.over.wait()
        return self._keeper.whole

    def leave(self) -> None:
        """Have no more turns."""
        self.playing = False
        self.here.set()
        self._done.set()

    def saw(self, found: Watched) -> None:
        """Add up what happened during its turn."""
        self.seconds += found.seconds
        self.stolen_s += found.stolen_s
        self.others_s += found.others_s

    def was_off_turn(self, used_s: float, seconds: float) -> None:
        """Add up what its server did while another was on turn."""
        self.off_turn_used_s += used_s
        self.off_turn_s += seconds

    def stolen_percent(self, cores: int) -> float:
        """CPU time that a hypervisor took, as a share of these cores, over all turns."""
        return 100 * self.stolen_s / self.seconds / max(1, cores) if self.seconds else 0.0

    def numbers(self) -> dict[str, float]:
        """What is told of all turns: shares of the server's core, per cent."""
        found = {}
        if self.seconds:
            found["others_percent"] = 100 * self.others_s / self.seconds
        if self.off_turn_s:
            found["off_turn_percent"] = 100 * self.off_turn_used_s / self.off_turn_s
        return found


class Absence:
    """The longest time in which this thread's loop stood still and used no CPU, from now on.

    A loop that is busy is late as well, but it uses its core; a process that was stopped, or a core
    that was taken away, does not.

    Args:
        now_ns: the clock.
        waited_ns: time so far that is not to count.
    """

    def __init__(
        self,
        now_ns: Callable[[], int] = time.monotonic_ns,
        waited_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        self._now_ns = now_ns
        self._waited_ns = waited_ns
        self._longest_ns = 0
        self._ticked = self._clocks()
        self._timer: Any = gevent.get_hub().loop.timer(_TICK_S, _TICK_S)
        self._timer.start(self._tick, update=True)

    def since(self) -> int:
        """How long it was, nanoseconds, since this was asked last."""
        self._tick()
        found, self._longest_ns = self._longest_ns, 0
        return found

    def stop(self) -> int:
        """How long it was, nanoseconds; watches no more."""
        self._tick()
        self._timer.stop()
        self._timer.close()
        return self._longest_ns

    def _clocks(self) -> tuple[int, int]:
        """What has passed, and what of it was used or is not to count."""
        return self._now_ns(), time.process_time_ns() + self._waited_ns()

    def _tick(self) -> None:
        now = self._clocks()
        passed_ns, used_ns = now[0] - self._ticked[0], now[1] - self._ticked[1]
        self._longest_ns = max(self._longest_ns, passed_ns - used_ns - round(_TICK_S * 1e9))
        self._ticked = now
