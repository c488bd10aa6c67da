"""Players who take turns, and a keeper; what they do is noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

import gevent

from loadtests.arithmetic.disturbance import Watched
from loadtests.run.turns import Keeper
from loadtests.scenarios.turns import Interrupted
from tests.support.waiting import PATIENCE_S

LABELS = ["a", "b", "c"]


class FakeWatch:
    """Says what the test says of each turn."""

    def __init__(self, found: Callable[[str], Watched] = lambda _label: Watched(1.0)) -> None:
        self.found = found
        self.begun = 0
        self.together: list[set[str]] = []

    def begin(self) -> None:
        self.begun += 1

    def end(self, _before: None, labels: Collection[str], _absent_ns: int) -> Watched:
        self.together.append(set(labels))
        return self.found(min(labels))


class Table:
    """A keeper, and players in greenlets who note what happens."""

    def __init__(
        self,
        watch: FakeWatch | None = None,
        labels: Sequence[str] = LABELS,
        *,
        at_once: bool = False,
    ) -> None:
        self.labels = list(labels)
        self.watch = FakeWatch() if watch is None else watch
        begun_ns = time.monotonic_ns()
        self.keeper = Keeper(5, self.watch, begun_ns, at_once=at_once)  # type: ignore[arg-type]
        self.seats = {label: self.keeper.seat(label) for label in labels}
        self.had: list[tuple[int, str]] = []
        self.ended: dict[str, str] = {}
        self.whole: dict[str, int] = {}
        self.playing: str | None = None
        self.during: Callable[[int, str], None] = lambda _number, _label: None

    def plays(self, label: str, rounds: int) -> None:
        """Have so many turns, and rest."""
        seat = self.seats[label]
        self.ended[label] = "played"
        try:
            for _ in range(rounds):
                with seat.turn() as turn:
                    assert self.playing is None, "nobody else is on turn"
                    self.playing = label
                    self.had.append((turn.number, label))
                    gevent.sleep(0)
                    self.during(turn.number, label)
                    self.playing = None
        except Interrupted:
            self.ended[label] = "interrupted"
        self.whole[label] = seat.rest()

    def run(self, rounds: dict[str, int]) -> None:
        """To the end."""
        players = [gevent.spawn(self.plays, *each) for each in rounds.items()]
        keeping = gevent.spawn(self.keeper.run)
        done = gevent.joinall([*players, keeping], timeout=PATIENCE_S, raise_error=True)
        assert len(done) == len(rounds) + 1
