"""What the process that conducts a trial asks of one that holds clients, and what it is answered.

Each order is a message of its own, with what answers it. Times are monotonic nanoseconds.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from loadtests.arithmetic.pacing import ConstantRate, Moments


class Order(msgspec.Struct, frozen=True, tag=True):
    """What one process is asked for one trial.

    Attributes:
        patience_s: how long the answer may take.
    """

    answer: ClassVar[type] = type(None)

    @property
    def patience_s(self) -> float:
        """For what only has to be handed on."""
        return 20.0


class Quiet(Order, frozen=True):
    """Get ready to be measured; who is it that measures?"""

    class Helper(msgspec.Struct, frozen=True):
        """A process that holds clients, and the cores that it may run on."""

        pid: int
        cores: list[int]

    answer: ClassVar[type] = Helper


class MakeEchoes(Order, frozen=True):
    """Have every session echo: of what length, and as which publisher each."""

    payload_bytes: int
    publishers: list[int]


class OpenLoop(Order, frozen=True):
    """See Echoes."""

    schedules: list[ConstantRate | Moments]
    until_ns: int


class ClosedLoop(Order, frozen=True):
    """See Echoes."""

    starts_ns: list[int]
    until_ns: int


class GoOn(Order, frozen=True):
    """See Echoes."""

    waited_ns: int


class Outstanding(Order, frozen=True):
    """See Echoes."""

    answer: ClassVar[type] = bool


class EchoedSince(msgspec.Struct, frozen=True):
    """What a client sent and got since it was asked last; times as bytes of int64.

    Attributes:
        unanswered: all, as in Echoed; so are those that follow.
    """

    due_ns: bytes
    handed_ns: bytes
    sent_ns: bytes
    numbers: bytes
    kernel_ns: bytes
    user_ns: bytes
    unanswered: list[int]
    first: int
    is_acknowledged: bool
    goes_by_order: bool
    surplus: int
    says_something: bool


class StopEchoes(Order, frozen=True):
    """Send nothing more, and say what there is."""

    answer: ClassVar[type] = list[EchoedSince]


class MakeBroadcasts(Order, frozen=True):
    """Have every session receive, and some publish.

    Attributes:
        publishers: number of a publisher, and of the session that it is.
        payload_bytes: of a message.
    """

    publishers: list[tuple[int, int]]
    payload_bytes: int


class Begin(Order, frozen=True):
    """See Broadcasts."""

    schedules: list[ConstantRate]
    until_ns: int


class GetProgress(Order, frozen=True):
    """See Broadcasts: sent, owes, fewest, copies."""

    answer: ClassVar[type] = tuple[int, bool, int, int]


class PublishedSince(msgspec.Struct, frozen=True):
    """What a publisher sent since it was asked last, as bytes of int64."""

    due_ns: bytes
    sent_ns: bytes


class StopBroadcasts(Order, frozen=True):
    """Send nothing more, and say what was sent."""

    answer: ClassVar[type] = list[PublishedSince]


class CameBetween(Order, frozen=True):
    """See Broadcasts."""

    begin_ns: int
    end_ns: int
    answer: ClassVar[type] = int


class GetReceived(Order, frozen=True):
    """What each recipient got since it was asked last: four columns of int64, see Received."""

    answer: ClassVar[type] = list[tuple[bytes, bytes, bytes, bytes]]


class Become(Order, frozen=True):
    """See Gathering: so many, in this process.

    Attributes:
        publishes: whether the first of them does.
        afresh: whether everybody begins to count anew.
    """

    many: int
    publishes: bool
    payload_bytes: int
    afresh: bool

    class Became(msgspec.Struct, frozen=True):
        """How many there are, why some are not, and whether counting has begun anew."""

        many: int
        failure: str
        afresh: bool

    answer: ClassVar[type] = Became

    @property
    def patience_s(self) -> float:
        """Each may try for some seconds."""
        return 60.0 + self.many / 10


class GetLost(Order, frozen=True):
    """See Gathering."""

    answer: ClassVar[type] = list[str]


class Leave(Order, frozen=True):
    """See Gathering."""


#: All of them.
Every = (
    Quiet
    | MakeEchoes
    | OpenLoop
    | ClosedLoop
    | GoOn
    | Outstanding
    | StopEchoes
    | MakeBroadcasts
    | Begin
    | GetProgress
    | StopBroadcasts
    | CameBetween
    | GetReceived
    | Become
    | GetLost
    | Leave
)


class Answer(msgspec.Struct, frozen=True):
    """What comes back.

    Attributes:
        given: what the order is answered with; nothing where there is an error.
        error: why it could not be carried out; empty where it was.
        ended: sessions that have ended, and why.
        unheard: events that nobody listened to, with how often they came.
        codings: see Session.
        absent_ns: see Crew.
    """

    given: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    ended: list[tuple[int, str]] = []
    unheard: dict[str, int] = {}
    codings: list[str] = []
    absent_ns: int = 0
