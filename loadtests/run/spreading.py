"""Several load generators for one group of trials, over Locust's own distributed mode.

Locust's master conducts: it makes the schedules, reads the clocks and makes the numbers. The users,
with their connections, are its workers', which do as they are told in messages of ours beside
Locust's.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import gevent
import msgspec
from gevent.event import AsyncResult

from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.machine import wakeups
from loadtests.machine.cores import own_cores
from loadtests.machine.meter import Meter
from loadtests.run.trial import Assignment, Orders
from loadtests.run.turns import Absence
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.spread import orders
from loadtests.scenarios.spread.hand import Hand
from loadtests.scenarios.spread.orders import Answer, Order

if TYPE_CHECKING:
    from locust.runners import MasterRunner, WorkerRunner

#: Types of our messages: to the workers, and from them.
_ORDERED, _ASKED, _CAME, _ANSWERED = "tb-ordered", "tb-asked", "tb-came", "tb-answered"
#: How often a worker that does not answer is looked after.
_LOOK_S = 0.5
#: Locust's messages hold a dictionary; ours has one key.
_BYTES = "bytes"


class _Ordered(msgspec.Struct, frozen=True):
    """The trials, and which of the ``places`` workers it is that is told of them."""

    orders: Orders
    place: int
    places: int


class _Asked(msgspec.Struct, frozen=True):
    """An order for one of the trials, and a number to answer it by."""

    number: int
    cell: int
    order: orders.Every


class _Came(msgspec.Struct, frozen=True):
    """A user of a trial has a session, or has failed."""

    cell: int
    place: int
    compressed: bool = False
    failure: str = ""


class _Answered(msgspec.Struct, frozen=True):
    """The answer of that number."""

    number: int
    answer: Answer


def shares(expected: list[int], place: int, places: int) -> list[int]:
    """Which trial each user of a worker belongs to, in turn.

    Args:
        expected: how many users each trial has, over all workers.
        place: of the worker.
        places: how many workers there are.
    """
    every = [cell for cell, many in enumerate(expected) for _ in range(many)]
    return every[place::places]


def spawned(expected: list[int], places: int) -> int:
    """How many users Locust is to spawn, so that every worker has as many as any other.

    Locust shares them evenly, and which worker has one more where they do not come out even is its
    own affair; one that is left over does nothing.
    """
    return -(-sum(expected) // places) * places


class Workers:
    """The workers, from their master; see ``crew.Link``.

    Args:
        runner: Locust's.
        told: the trials.
        came: called with a trial's number and what became of one of its users: the place that it is
            at, whether its messages are compressed, and why it could not connect (or nothing).
    """

    def __init__(
        self, runner: MasterRunner, told: Orders, came: Callable[[int, int, bool, str], None]
    ) -> None:
        self._runner = runner
        self._told = told
        self._came = came
        self._ids: list[str] = []
        self._numbers = count()
        self._waiting: dict[int, AsyncResult] = {}
        self._absent_ns = 0
        runner.register_message(_CAME, self._hear_came)
        runner.register_message(_ANSWERED, self._hear_answer)

    @property
    def places(self) -> int:
        """How many there are."""
        return len(self._ids)

    def begin(self) -> None:
        """Tell them what is to be done, before their users are spawned."""
        self._ids = sorted(each.id for each in self._runner.clients.ready)
        for place, worker in enumerate(self._ids):
            self._send(_ORDERED, _Ordered(self._told, place, self.places), worker)

    def ask(self, cell: int, asked: Mapping[int, Order]) -> dict[int, Answer]:
        """See Link."""
        waiting = {place: self._ask(cell, place, order) for place, order in asked.items()}
        try:
            answers = {
                place: self._answer(place, result, asked[place].patience_s)
                for place, (_, result) in waiting.items()
            }
        finally:
            for number, _ in waiting.values():
                del self._waiting[number]
        self._absent_ns = max([self._absent_ns, *(each.absent_ns for each in answers.values())])
        return answers

    def absent_ns(self) -> int:
        """The longest time in which one of them stood still, since this was asked last."""
        found, self._absent_ns = self._absent_ns, 0
        return found

    def _ask(self, cell: int, place: int, order: Order) -> tuple[int, AsyncResult]:
        number = next(self._numbers)
        result = self._waiting[number] = AsyncResult()
        self._send(_ASKED, _Asked(number, cell, order), self._ids[place])  # type: ignore[arg-type]
        return number, result

    def _answer(self, place: int, result: AsyncResult, patience_s: float) -> Answer:
        give_up = time.monotonic() + patience_s
        while not result.ready():
            who = f"load generator {place + 1} of {self.places}"
            if self._ids[place] in {each.id for each in self._runner.clients.missing}:
                raise TrialFailed(f"{who} has ended or stands still")
            if time.monotonic() > give_up:
                raise TrialFailed(f"{who} did not answer within {patience_s:g} s")
            result.wait(timeout=_LOOK_S)
        answer: Answer = result.get()
        return answer

    def _send(self, kind: str, message: msgspec.Struct, worker: str) -> None:
        self._runner.send_message(kind, {_BYTES: msgspec.msgpack.encode(message)}, worker)

    def _hear_came(self, msg: Any, **_others: Any) -> None:
        came = msgspec.msgpack.decode(msg.data[_BYTES], type=_Came)
        self._came(came.cell, came.place, came.compressed, came.failure)

    def _hear_answer(self, msg: Any, **_others: Any) -> None:
        answered = msgspec.msgpack.decode(msg.data[_BYTES], type=_Answered)
        if answered.number in self._waiting:  # else it came too late
            self._waiting[answered.number].set(answered.answer)


class Recruit:
    """A trial's users of this worker; see ``BenchUser.conductor``.

    Args:
        assignment: the trial.
        sessions: where they are put.
        tell: the master what became of a user: whether its messages are compressed, and why it
            could not connect (or nothing).
        idle: whether its users are left over, and do nothing.
    """

    def __init__(
        self,
        assignment: Assignment,
        sessions: list[Session],
        tell: Callable[[bool, str], None],
        *,
        idle: bool = False,
    ) -> None:
        self.assignment = assignment
        self.idle = idle
        self._sessions = sessions
        self._tell = tell

    def joined(self, session: Session) -> None:
        """A user has connected."""
        self._sessions.append(session)
        self._tell(session.compressed, "")

    def failed(self, reason: str) -> None:
        """A user could not connect."""
        self._tell(False, reason)


class Worker:
    """This process as one of several load generators: it holds clients and does as it is told.

    Args:
        runner: Locust's.
    """

    def __init__(self, runner: WorkerRunner) -> None:
        wakeups.least_timer_slack()
        self._runner = runner
        # It shares its core with others where there are few: it must not spin.
        self._alarm = Alarm()
        self._absence: Absence | None = None
        self._hands: list[Hand] = []
        self._recruits: list[Recruit] = []
        self._calls: list[int] = []
        runner.register_message(_ORDERED, self._hear_orders)
        runner.register_message(_ASKED, self._hear_order)

    def next(self) -> Recruit:
        """Whose trial the next user belongs to."""
        if not self._calls:
            any_of_them = self._recruits[0].assignment
            return Recruit(any_of_them, [], lambda _compressed, _failure: None, idle=True)
        return self._recruits[self._calls.pop(0)]

    def _hear_orders(self, msg: Any, **_others: Any) -> None:
        ordered = msgspec.msgpack.decode(msg.data[_BYTES], type=_Ordered)
        assignments = ordered.orders.assignments
        expected = [each.variant.in_generator for each in assignments]
        self._calls = shares(expected, ordered.place, ordered.places)
        for cell, assignment in enumerate(assignments):
            sessions: list[Session] = []
            bench = Bench(
                sessions=sessions,
                alarm=self._alarm,
                meter=Meter(None),
                seed=assignment.seed,
                place=assignment.place,
                sleep=gevent.sleep,
            )
            self._hands.append(Hand(bench))
            self._recruits.append(Recruit(assignment, sessions, self._tells(cell, ordered.place)))

    def _tells(self, cell: int, place: int) -> Callable[[bool, str], None]:
        return lambda compressed, failure: self._send(
            _CAME, _Came(cell, place, compressed, failure)
        )

    def _hear_order(self, msg: Any, **_others: Any) -> None:
        asked = msgspec.msgpack.decode(msg.data[_BYTES], type=_Asked)
        if isinstance(asked.order, orders.Become | orders.Leave):
            gevent.spawn(self._answer, asked)  # connecting takes long, and Locust is to be heard
        else:
            self._answer(asked)

    def _answer(self, asked: _Asked) -> None:
        if isinstance(asked.order, orders.Quiet):
            answer = Answer(given=msgspec.Raw(msgspec.msgpack.encode(self._quiet())))
        else:
            try:
                answer = self._hands[asked.cell].carry_out(asked.order)
            except Exception as error:  # the master must hear of it, whatever it was
                answer = Answer(error=f"a load generator broke: {type(error).__name__}: {error}")
                self._send(_ANSWERED, _Answered(asked.number, answer))
                raise
        if self._absence is not None:
            answer = msgspec.structs.replace(answer, absent_ns=self._absence.since())
        self._send(_ANSWERED, _Answered(asked.number, answer))

    def _quiet(self) -> orders.Quiet.Helper:
        """Do nothing more but what is measured."""
        if self._absence is None:
            self._absence = Absence()
            gc.collect()
            gc.freeze()
            gc.disable()
        return orders.Quiet.Helper(os.getpid(), sorted(own_cores()))

    def _send(self, kind: str, message: msgspec.Struct) -> None:
        self._runner.send_message(kind, {_BYTES: msgspec.msgpack.encode(message)})
