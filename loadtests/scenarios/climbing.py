"""Looking for the highest load that a server still bears: a step of load at a time.

What a step comes to is a scenario's own; here is which load comes next, that a step is tried again
where the machine or the generator spoiled it, and what all of it is worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from loadtests.arithmetic.search import Bound, Counted, Range, Search, load_at
from loadtests.arithmetic.usage import Usage
from loadtests.record.generator_facts import SliceFacts
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.turns import Interrupted

if TYPE_CHECKING:
    from loadtests.scenarios.bench import Bench

#: A step that the machine disturbed is tried so often; then it counts as it is.
_ATTEMPTS = 3
#: From here on the generator is close to being what limits.
GENERATOR_PERCENT = 70.0
#: From here on a server's core is full.
FULL_PERCENT = 90.0
#: The share of messages that may exceed the limit: it is one of their p99.
_SHARE = 0.01
#: Steps on the way there count where they are no further from the end than this factor.
_NEAR = 1.25
#: So many of the last failures say what ended it.
_LATEST = 3
#: Sends that are late by more than this share of the limit are no fault of the server's.
_LATE_SHARE = 0.25


class End(StrEnum):
    """Why a load is too much."""

    LATENCY = "latency"  #: too slow, with the server's core not full
    SATURATED = "the server's core is full"  #: too slow, and that is why
    LOSS = "messages were lost"
    CONNECTIONS = "connections were lost"  #: or refused
    GENERATOR = "the load generator"  #: it may be what was too slow


#: Of these one is too many.
_LOST = (End.LOSS, End.CONNECTIONS)

#: What a scenario keeps of a step, to make its numbers from.
Piece = TypeVar("Piece")


@dataclass(frozen=True, slots=True)
class Step(Generic[Piece]):
    """What came of one load.

    Attributes:
        piece: what the numbers are made from in the end.
        counted: what was offered, how many messages, and how many of them exceeded the limit.
        p99_ns: of the times that have a limit; None where it is among what was lost.
        lateness_p99_ns: of the sends; None where nothing was sent.
        lost: messages that never came.
        usage: over the measured time.
        gone: why connections were lost or refused; empty where none was.
        over: whether there is nobody left to go on with.
    """

    piece: Piece
    counted: Counted
    p99_ns: int | None
    lateness_p99_ns: int | None
    lost: int
    usage: Usage
    gone: str = ""
    over: bool = False

    @property
    def load(self) -> float:
        """That was offered."""
        return self.counted.load

    def end(self, limit_ns: int) -> End | None:
        """Why this load is too much; None where it is not."""
        if self.gone:
            return End.CONNECTIONS
        slow = self.p99_ns is None or self.p99_ns > limit_ns
        if not slow and not self.lost:
            return None
        late_ns = self.lateness_p99_ns or 0
        if self.usage.working_percent > GENERATOR_PERCENT or late_ns > _LATE_SHARE * limit_ns:
            return End.GENERATOR
        # Where a queue grows, some of it is still to come when nobody waits any more.
        busy = self.usage.server_percent
        if busy is not None and busy > FULL_PERCENT:
            return End.SATURATED
        return End.LOSS if self.lost else End.LATENCY


@dataclass(slots=True)
class Climb(Generic[Piece]):
    """All steps of a search.

    Attributes:
        search: where it looked, and between which loads it ended.
        limit_ns: of the steps' p99.
        near: the steps near the end, that the numbers are made from.
        every: all of them.
        ends: why loads were too much, of all steps that failed.
        gone: see Step; of the last one.
    """

    search: Search
    limit_ns: int
    near: list[Step[Piece]] = field(default_factory=list)
    every: list[Step[Piece]] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    gone: str = ""

    @property
    def found(self) -> float | None:
        """The highest load that passes; None where not even the least does."""
        middle = self.search.middle
        if middle is None or self.search.bound is not None or not self.near:
            return self.search.low if self._over else middle
        if self.end in _LOST:
            return self._without_loss
        # Also of the way there, where it was near.
        low, high = middle / _NEAR, middle * _NEAR
        looks = [each for each in self.every if each not in self.near and low <= each.load <= high]
        counted = [each.counted for each in (*looks, *self.near) if not each.gone]
        if not counted:
            return self.search.low
        found = load_at(_SHARE, counted)
        # No further away than anything was tried.
        tried = [each.load for each in counted]
        return max(tried) if found is None else min(max(found, min(tried)), max(tried))

    @property
    def _over(self) -> bool:
        return bool(self.every) and self.every[-1].over

    @property
    def _without_loss(self) -> float | None:
        """The highest load at which, in the end, nothing was lost: that is no matter of a share."""
        latest = {each.load: each for each in self.every}
        lost = [load for load, each in latest.items() if each.end(self.limit_ns) in _LOST]
        passed = [load for load, each in latest.items() if self._passed(each) and load < min(lost)]
        return max(passed, default=None)

    @property
    def borne(self) -> list[Step[Piece]]:
        """Those of the steps near the end that were not beyond it; all where each was."""
        found = self.found
        below = [each for each in self.near if found is not None and each.load <= found]
        return below or self.near

    def _passed(self, step: Step[Piece]) -> bool:
        return step.end(self.limit_ns) is None

    @property
    def end(self) -> End | None:
        """What ended it: the most frequent reason of the latest failures."""
        latest = self.ends[-_LATEST:]
        return Counter(latest).most_common(1)[0][0] if latest else None

    @property
    def words(self) -> str:
        """The same for a reader, this climb's figures in brackets at the end."""
        if self.search.bound is Bound.MOST:
            return "no more was offered"
        limit = f"p99 beyond {self.limit_ns / 1e6:g} ms"
        busy = [each.usage.server_percent for each in self.near if not each.gone]
        known = [each for each in busy if each is not None]
        core = f" ({sum(known) / len(known):.0f} % of the server's core used)" if known else ""
        match self.end:
            case End.SATURATED:
                return f"{limit}: the server's core is full{core}"
            case End.LATENCY:
                return f"{limit}, with the server's core not full{core}"
            case End.LOSS:
                return f"messages were lost{core}"
            case End.CONNECTIONS:
                return f"connections were lost or refused: {self.gone}"
            case End.GENERATOR:
                return "the load generator had no more to give"
            case None:
                return "nothing failed"

    @property
    def doubt(self) -> str:
        """Why the result is no capacity; empty where it is one."""
        if self.search.bound is Bound.MOST:
            return f"at least this: no more was offered (at most {self.search.within.most:g})"
        if self.end is End.GENERATOR:
            known = [each for each in self.near if not each.gone]
            busiest = max((each.usage.working_percent for each in known), default=0.0)
            return (
                "at least this: the load generator came to its own limit first "
                f"({busiest:.0f} % of its core used)"
            )
        if self._over:
            return f"at least this: clients were lost before the end was found ({self.gone})"
        if self.found is None and self.search.bound is not Bound.LEAST:
            return f"no load passes for sure: {self.words}"
        if self.found is None:
            least = f"{self.search.within.least:g}"
            return f"not even the least load passes: {self.words} (the least is {least})"
        return ""


#: Offers a load, for a first look or a longer one, and says what came of it.
Attempt = Callable[[float, bool], Step[Piece]]


def climb(
    bench: Bench, within: Range, limit_ns: int, steps: int, attempt: Attempt[Piece]
) -> Climb[Piece]:
    """Look for the highest load whose p99 stays within a limit, and with which nothing is lost.

    Args:
        bench: tells when a step may begin.
        within: where to look.
        limit_ns: of the p99.
        steps: how many are taken near the end, above and below it in turn.
        attempt: offers a load.

    Raises:
        Unfinished: the run was interrupted.
        TrialFailed: of an attempt.
    """
    found: Climb[Piece] = Climb(Search(within), limit_ns)
    search = found.search
    try:
        while (load := search.next) is not None:
            step = _taken(bench, found, load, partial(attempt, load, True))
            search.saw(passed=step.end(limit_ns) is None)
            if step.over:
                search.stop()
        if search.low is not None and search.high is not None and not found.every[-1].over:
            for number in range(steps):
                middle = found.found or search.low
                factor = 1 + within.resolution
                load = within.within(middle * factor if number % 2 else middle / factor)
                step = _taken(bench, found, load, partial(attempt, load, False))
                found.near.append(step)
                if step.over:
                    break
    except Interrupted:
        raise Unfinished from None
    finally:
        bench.turns.rest()
    return found


def _taken(
    bench: Bench, found: Climb[Piece], load: float, attempt: Callable[[], Step[Piece]]
) -> Step[Piece]:
    """A step in which neither machine nor generator stood still, if there is one in a few."""
    for tried in range(1, _ATTEMPTS + 1):
        with bench.turns.turn() as turn:
            try:
                step = attempt()
            except TrialFailed as error:
                raise TrialFailed(f"{error} (at a load of {load:,.0f})") from error
        spoiled = turn.disturbance is not None and tried < _ATTEMPTS
        reason = turn.disturbance.reason if turn.disturbance is not None and spoiled else ""
        seconds = step.usage.wall_ns / 1e9
        bench.slices.append(SliceFacts(turn.begun_s, seconds, None, reason))
        if not spoiled:
            break
    found.every.append(step)
    why = step.end(found.limit_ns)
    if why is not None:
        found.ends.append(why)
    found.gone = step.gone or found.gone
    return step
