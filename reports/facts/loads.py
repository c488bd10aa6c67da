"""What can be asked of a cell, what is known of it, and what it comes to: the words of advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reports.facts.rows import Cell

#: What can be asked for, the least and the most; a p99 and a detection in ms.
CLIENTS = (1, 100_000)
RATE_HZ = (0.02, 10_000)
P99_MS = (0.01, 10_000)
DETECT_MS = (100, 3_600_000)


class Need(StrEnum):
    """What can be asked of a cell, in the order in which it is answered."""

    CLIENTS = "clients"  #: so many connected at the same time
    ECHO = "echo"  #: messages of each client, answered in time
    BROADCAST = "broadcast"  #: copies of what goes to all, in time
    SILENT = "silent"  #: a client that fell silent, noticed in time
    TOGETHER = "together"  #: echoes and broadcasts at the same time


class Decision(StrEnum):
    """What the measurements come to."""

    MET = "met"
    NOT_MET = "not met"
    NOT_MEASURED = "not measured"


class Grounds(StrEnum):
    """Why: a key of ``advise_words.WORDS`` each."""

    HELD = "held"  #: this load or a heavier one was borne
    BEYOND_TIME = "beyond-time"  #: this load or a lighter one took too long
    BEYOND_LOAD = "beyond-load"  #: a search for the highest load ended below this one
    OVERLOADED = "overloaded"  #: this load or a lighter one was not kept up with
    ARITHMETIC = "arithmetic"  #: more than a core, by the CPU time of a message
    DISAGREE = "disagree"  #: one measurement says yes and another no
    UNDECIDED = "undecided"  #: measured, but too few trials to tell
    FEWER = "fewer"  #: borne at this rate by fewer clients
    SLOWER = "slower"  #: borne by so many clients at a lower rate
    OTHER = "other"  #: only other loads were measured
    DISTRUSTED = "distrusted"  #: what was measured is invalid or failed
    NOTHING = "nothing"  #: no scenario of this kind
    ALONE = "alone"  #: each was measured alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What somebody asks for; None for what is not asked.

    Attributes:
        clients: connected at the same time.
        echo_hz: messages per second of each client.
        broadcast_hz: broadcasts per second of the whole application, each to all clients.
        p99_ms: within this 99 of 100 echoes, and copies, are to come.
        detect_ms: within this a client that fell silent is to be noticed.
    """

    clients: int
    echo_hz: float | None = None
    broadcast_hz: float | None = None
    p99_ms: float | None = None
    detect_ms: float | None = None

    @property
    def echoes_hz(self) -> float:
        """Messages per second of all clients together."""
        return self.clients * (self.echo_hz or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a measurement says of one load.

    Attributes:
        clients, rate_hz: the load; both 0 for what depends on neither.
        at_most_ms: the p99 is this at most, by the upper end of its interval; None if not known.
        at_least_ms: the same by the lower end.
        value_ms: the middle; None where the number is not to be trusted.
        overloaded: whether the server did not keep up.
        bears: where a search ended, in messages per second or recipients; None of other points.
        told: the measurement in words.
    """

    told: str
    clients: int = 0
    rate_hz: float = 0.0
    at_most_ms: float | None = None
    at_least_ms: float | None = None
    value_ms: float | None = None
    overloaded: bool = False
    bears: float | None = None

    def holds(self, limit_ms: float) -> bool:
        """Whether the limit was kept here, with the whole interval."""
        return self.at_most_ms is not None and self.at_most_ms <= limit_ms

    def exceeds(self, limit_ms: float) -> bool:
        """Whether it was missed here, with the whole interval.

        The limit itself is missed where a search says so: it has no upper end.
        """
        if self.overloaded or self.at_least_ms is None:
            return self.overloaded
        if self.at_most_ms is None and self.bears is not None:
            return self.at_least_ms >= limit_ms
        return self.at_least_ms > limit_ms

    def below(self, limit_ms: float) -> bool:
        """Whether the middle is within the limit, however far the interval reaches."""
        return self.value_ms is not None and self.value_ms <= limit_ms

    def above(self, limit_ms: float) -> bool:
        """Whether the middle is at the limit or beyond, and the limit was not kept for sure."""
        return self.value_ms is not None and self.value_ms >= limit_ms and not self.holds(limit_ms)


@dataclass(frozen=True, slots=True)
class CellKnown:
    """All that is known of a cell.

    Attributes:
        known: of each need, in the order of the result.
        cost_us: the server's CPU time for one message, the least that was measured.
        connection_kib: memory that a connection takes; None if not known.
    """

    cell: Cell
    known: Mapping[Need, Sequence[Known]]
    cost_us: Mapping[Need, float]
    connection_kib: float | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """Heartbeats that keep a limit by the rules alone.

    Attributes:
        limit_s: it.
        interval_s, timeout_s: the one that forgives most.
        told: all of them in words.
    """

    limit_s: int
    interval_s: float
    timeout_s: float
    told: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said of one need in one cell."""

    need: Need
    decision: Decision
    grounds: Grounds
    text: str


@dataclass(frozen=True, slots=True)
class CellAdvice:
    """What is said of a cell: its needs one by one, and together."""

    cell: Cell
    advice: tuple[Advice, ...]

    @property
    def decision(self) -> Decision:
        """Not met if any is not, met if all are; both loads at once were never measured."""
        each = {
            one.decision
            for one in self.advice
            if one.need is not Need.TOGETHER or one.decision is Decision.NOT_MET
        }
        for decision in (Decision.NOT_MET, Decision.NOT_MEASURED):
            if decision in each:
                return decision
        return Decision.MET
