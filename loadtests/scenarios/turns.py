"""Load in slices: the servers of a block take turns, and each has its load piece by piece.

A machine's speed changes within seconds. What is measured in short slices, one cell after the
other and round after round, meets all of it alike, so that ratios of cells are free of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from loadtests.arithmetic.disturbance import Disturbance, choose
from loadtests.arithmetic.usage import Usage
from loadtests.record.generator_facts import SliceFacts
from loadtests.scenarios.errors import TrialFailed, Unfinished

if TYPE_CHECKING:
    from loadtests.scenarios.bench import Bench

#: About as long as a slice should be: several round trips, of 44 ms each in the slowest cell, and a
#: round of all cells within the few seconds in which a machine changes its speed.
USUAL_SLICE_S = 0.25
#: Shorter ones hold too little; fewer messages say too little of where a slice's time went.
SHORTEST_SLICE_S, FEWEST_MESSAGES = 0.2, 10
#: What a cell needs to be itself again after the others' turns: caches, the core's clock.
SETTLE_S = 0.05
#: What a closed loop needs to show its cost.
CLOSED_SLICE_S = 0.1
#: A server that answered nothing for so many turns has stopped answering.
_SILENT_TURNS = 2


class Interrupted(Exception):
    """There are no more turns: the run is to end."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What those who are on turn at the same time have to know of each other.

    Attributes:
        at_ns: when they were called, monotonic, the same for all.
        phase: how far one's schedule is shifted, as a share of the time between two sends, so that
            the sends of one fall between those of another.
    """

    at_ns: int
    phase: float


@dataclass(slots=True)
class Turn:
    """One turn of a cell.

    Attributes:
        number: of the round, from 0.
        begun_s: since the start of the run.
        disturbance: what spoiled it; known once its round is over.
        shared: with others; None where it is one's own.
    """

    number: int
    begun_s: float = 0.0
    disturbance: Disturbance | None = None
    shared: Shared | None = None


class Turns(Protocol):
    """Who tells a trial that it is its turn.

    Attributes:
        cycle: after so many turns the kinds of its load come again.
    """

    cycle: int

    def turn(self) -> AbstractContextManager[Turn]:
        """Wait for the next turn, and have it.

        Raises:
            Interrupted: there is none.
        """

    def rest(self) -> int:
        """Have no more turns, and wait until nobody has any; how many rounds were whole."""


class Lone:
    """Turns of a trial that nobody else takes part in and nobody watches."""

    def __init__(self) -> None:
        self.cycle = 1
        self._rounds = 0

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """See Turns."""
        yield Turn(self._rounds)
        self._rounds += 1

    def rest(self) -> int:
        """See Turns."""
        return self._rounds


class Piece(Protocol):
    """What was measured in one slice."""

    @property
    def kind(self) -> str:
        """Of the load: among pieces of one kind it is chosen which count."""

    @property
    def usage(self) -> Usage:
        """Over the time in which messages were counted."""

    @property
    def messages(self) -> int:
        """How many the CPU time is divided by; 0 where that is not to be told."""

    @property
    def answered(self) -> int:
        """What came back in all of the turn."""


Measured = TypeVar("Measured", bound=Piece)


@dataclass(frozen=True, slots=True)
class Taken(Generic[Measured]):
    """What all turns of a trial gave.

    Attributes:
        pieces: those that count.
        every: also those that were left out: what was lost in them was lost.
        doubts: kind of load -> why numbers made from its pieces are not to be trusted.
    """

    pieces: Sequence[Measured]
    every: Sequence[Measured]
    doubts: Mapping[str, str]


def in_turns(
    bench: Bench,
    rounds: int,
    load: Callable[[int], Measured],
    *,
    cycle: int = 1,
    hint: Callable[[], str] = str,
) -> Taken[Measured]:
    """Carry out a piece of load in each round, and choose the pieces that count.

    Args:
        bench: tells whose turn it is, and keeps what is told of each slice.
        rounds: how many.
        load: given the number of the round.
        cycle: after so many rounds the kinds of load come again.
        hint: says what to ask oneself where nothing was ever answered.

    Raises:
        TrialFailed: the server answered nothing any more, or no round was whole.
    """
    bench.turns.cycle = cycle
    done: list[tuple[Turn, Measured]] = []
    silent = 0
    try:
        for _ in range(rounds):
            with bench.turns.turn() as turn:
                bench.shared = turn.shared
                piece = load(turn.number)
            done.append((turn, piece))
            silent = 0 if piece.answered else silent + 1
            if silent == min(rounds, _SILENT_TURNS):
                raise TrialFailed(_silence(len(done), silent, rounds, hint()))
    except Interrupted:
        pass
    except TrialFailed:
        bench.turns.rest()  # what is still to be said of it is not to be said beside others' load
        raise
    whole = bench.turns.rest()
    done = done[:whole]
    if not done:
        raise Unfinished
    return _chosen(bench, done)


def _chosen(bench: Bench, done: Sequence[tuple[Turn, Measured]]) -> Taken[Measured]:
    """Which of the pieces count, among those of each kind; the bench is told of all."""
    kept: set[int] = set()
    doubts: dict[str, str] = {}
    for kind in dict.fromkeys(piece.kind for _, piece in done):
        places = [place for place, (_, piece) in enumerate(done) if piece.kind == kind]
        chosen = choose([done[place][0].disturbance for place in places])
        kept.update(places[each] for each in chosen.kept)
        if chosen.doubt is not None:
            doubts[kind] = chosen.doubt
    bench.slices += [
        _told(turn, piece, kept=place in kept) for place, (turn, piece) in enumerate(done)
    ]
    every = [piece for _, piece in done]
    return Taken([every[place] for place in sorted(kept)], every, doubts)


def _silence(turns: int, silent: int, rounds: int, hint: str) -> str:
    if turns == silent:
        return f"the server answered nothing; {hint}".removesuffix("; ")
    return f"the server stopped answering: nothing in turns {turns - 1} and {turns} of {rounds}"


def _told(turn: Turn, piece: Piece, *, kept: bool) -> SliceFacts:
    usage = piece.usage
    cpu_us = None
    if usage.server_ns is not None and piece.messages:
        cpu_us = usage.server_ns / piece.messages / 1000
    left_out = turn.disturbance.reason if turn.disturbance is not None and not kept else ""
    return SliceFacts(turn.begun_s, usage.wall_ns / 1e9, cpu_us, left_out)


def fitting(whole: float, part: float) -> int:
    """How many parts fit into a whole, at least one: 0.2 into 0.6 three times, whatever floats say."""
    return max(1, int(whole / part * (1 + 1e-9)))


def rounds_of(
    seconds: float, rate_hz: float, rounds: int | None, *, fewest: int = FEWEST_MESSAGES
) -> int:
    """In how many slices a time of load is cut: as many as asked for, or of the usual length.

    Args:
        seconds: of load.
        rate_hz: of its messages.
        rounds: as asked for; None for slices of the usual length, as far as they hold enough.
        fewest: messages that are enough.

    Raises:
        ValueError: a slice would be too short or hold too little; says what would work.
    """
    most = min(fitting(seconds, SHORTEST_SLICE_S), fitting(seconds * rate_hz, fewest))
    if rounds is None:
        return max(1, min(round(seconds / USUAL_SLICE_S), most))
    if rounds > most:
        raise ValueError(
            f"{rounds} rounds make slices of {seconds / rounds:.3g} s with "
            f"{seconds * rate_hz / rounds:.1f} messages; a slice wants {SHORTEST_SLICE_S} s and "
            f"{fewest} messages: at most {most} rounds, of {seconds / most:.3g} s each"
        )
    return rounds
