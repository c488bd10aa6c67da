"""What the process that conducts a trial asks of a worker, and what it is answered.

Each order is a message of its own, with what answers it. Times are monotonic nanoseconds.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from loadtests.arithmetic.pacing import ConstantRate, Moments


class WorkerOrder(msgspec.Struct, frozen=True, tag=True):
    """What one worker is asked for one trial.

    Attributes:
        answer: type of what it is answered with.
        patience_s: how long that may take.
        takes_long: whether so long that the worker does something else beside it.
    """

    answer: ClassVar[Any] = type(None)
    patience_s: ClassVar[float] = 20.0
    takes_long: ClassVar[bool] = False


class Quiet(WorkerOrder, frozen=True):
    """Get ready to be measured; who is it that measures?"""

    class Helper(msgspec.Struct, frozen=True):
        """A process that holds clients, and the cores that it may run on."""

        pid: int
        cores: list[int]

    answer: ClassVar[Any] = Helper


class MakeEchoes(WorkerOrder, frozen=True):
    """Have every session echo: of what length, and as which publisher each."""

    payload_bytes: int
    publishers: list[int]


class OpenLoop(WorkerOrder, frozen=True):
    """See Echoes."""

    schedules: list[ConstantRate | Moments]
    until_ns: int


class ClosedLoop(WorkerOrder, frozen=True):
    """See Echoes."""

    starts_ns: list[int]
    until_ns: int


class GoOn(WorkerOrder, frozen=True):
    """See Echoes."""

    waited_ns: int


class Outstanding(WorkerOrder, frozen=True):
    """See Echoes."""

    answer: ClassVar[Any] = bool


class EchoedSince(msgspec.Struct, frozen=True):
    """What a client sent and got since the last of these; times as bytes of int64.

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


class StopEchoes(WorkerOrder, frozen=True):
    """Send nothing more, and say what there is."""

    answer: ClassVar[Any] = list[EchoedSince]
    patience_s: ClassVar[float] = 60.0


class MakeBroadcasts(WorkerOrder, frozen=True):
    """Have every session receive, and some publish.

    Attributes:
        publishers: number of a publisher, and of the session that it is.
        payload_bytes: of a message.
    """

    publishers: list[tuple[int, int]]
    payload_bytes: int


class Begin(WorkerOrder, frozen=True):
    """See Broadcasts."""

    schedules: list[ConstantRate]
    until_ns: int


class GetProgress(WorkerOrder, frozen=True):
    """See Broadcasts: sent, owes, fewest, copies."""

    answer: ClassVar[Any] = tuple[int, bool, int, int]


class Sent(msgspec.Struct, frozen=True):
    """All that a publisher has sent, as bytes of int64."""

    due_ns: bytes
    sent_ns: bytes


class StopBroadcasts(WorkerOrder, frozen=True):
    """Send nothing more, and say what was sent."""

    answer: ClassVar[Any] = list[Sent]
    patience_s: ClassVar[float] = 60.0


class CameBetween(WorkerOrder, frozen=True):
    """See Broadcasts."""

    begin_ns: int
    end_ns: int
    answer: ClassVar[Any] = int
    patience_s: ClassVar[float] = 60.0


class GetReceived(WorkerOrder, frozen=True):
    """All that each recipient got: four columns of int64, see Received."""

    answer: ClassVar[Any] = list[tuple[bytes, bytes, bytes, bytes]]
    patience_s: ClassVar[float] = 300.0
    takes_long: ClassVar[bool] = True


class GetMost(WorkerOrder, frozen=True):
    """See Gathering."""

    payload_bytes: int
    answer: ClassVar[Any] = int | None


class Become(WorkerOrder, frozen=True):
    """See Gathering: so many, in this process.

    Attributes:
        publishes: whether the first of them does.
    """

    many: int
    publishes: bool
    payload_bytes: int

    class Became(msgspec.Struct, frozen=True):
        """How many there are, why some are not, and whether counting has begun anew."""

        there: int
        failure: str
        afresh: bool

    answer: ClassVar[Any] = Became
    patience_s: ClassVar[float] = 600.0
    takes_long: ClassVar[bool] = True


class BeginAnew(WorkerOrder, frozen=True):
    """See Gathering: somebody else publishes now."""


class GetLost(WorkerOrder, frozen=True):
    """See Gathering: why, one by one."""

    answer: ClassVar[Any] = list[str]


class Leave(WorkerOrder, frozen=True):
    """See Gathering."""

    takes_long: ClassVar[bool] = True


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
    | GetMost
    | Become
    | BeginAnew
    | GetLost
    | Leave
)

#: With these a turn begins.
BEGINS = (OpenLoop, ClosedLoop, Begin)


class Told(msgspec.Struct, frozen=True):
    """What is told of a worker's sessions beside their messages.

    Attributes:
        unheard: events that nobody listened to, with how often they came.
        codings: see Session.
    """

    unheard: dict[str, int]
    codings: list[str]


class WorkerAnswer(msgspec.Struct, frozen=True):
    """What comes back.

    Attributes:
        given: what the order is answered with; nothing where there is an error.
        error: why it could not be carried out; empty where it was.
        ended: sessions that have ended, and why.
        told: at the end of a turn.
        absent_ns: the longest time in which the process stood still since its turn began.
    """

    given: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    ended: list[tuple[int, str]] = []
    told: Told | None = None
    absent_ns: int = 0
