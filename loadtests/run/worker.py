"""This process as one of several load generators: it holds clients and does as it is told."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent
import msgspec

from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.machine import wakeups
from loadtests.machine.cores import own_cores
from loadtests.machine.launch import WORKER
from loadtests.machine.meter import Meter
from loadtests.machine.watch import waited_ns
from loadtests.run.spreading import (
    LOOK_S,
    Answered,
    Asked,
    Came,
    Ended,
    Here,
    Ordered,
    listen,
    send,
    shares,
)
from loadtests.run.trial import Assignment, Orders
from loadtests.run.turns import Absence
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.spread import orders
from loadtests.scenarios.spread.hand import Hand
from loadtests.scenarios.spread.orders import WorkerAnswer

if TYPE_CHECKING:
    from locust.runners import WorkerRunner


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
        self._number = int(os.environ[WORKER])
        self._alarm = Alarm()  # without spinning: others may be on the same core
        self._orders = Orders([])
        self._absence: Absence | None = None
        self._hands: list[Hand] = []
        self._recruits: list[Recruit] = []
        self._calls: list[int] = []
        listen(runner, Ordered, lambda one, _: self._hear_orders(one.orders))
        listen(runner, Asked, lambda one, _: self._hear_order(one))
        send(runner, Here(self._number))

    def next(self) -> Recruit:
        """Whose trial the next user belongs to."""
        if not self._calls:
            any_of_them = self._recruits[0].assignment
            return Recruit(any_of_them, [], lambda _compressed, _failure: None, idle=True)
        return self._recruits[self._calls.pop(0)]

    def _hear_orders(self, told: Orders) -> None:
        self._orders = told
        expected = [each.variant.in_generator for each in told.assignments]
        self._calls = shares(expected, self._number, told.generators)
        for cell, assignment in enumerate(told.assignments):
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
            self._recruits.append(Recruit(assignment, sessions, self._tells(cell)))

    def _tells(self, cell: int) -> Callable[[bool, str], None]:
        return lambda compressed, failure: send(
            self._runner, Came(cell, self._number, compressed, failure)
        )

    def _hear_order(self, asked: Asked) -> None:
        if asked.order.takes_long:
            gevent.spawn(self._answer, asked)
        else:
            self._answer(asked)

    def _answer(self, asked: Asked) -> None:
        absence = self._absence
        if absence is not None and isinstance(asked.order, orders.BEGINS):
            absence.since()  # what was before is no part of the turn
        try:
            answer = self._answered(asked)
        except Exception as error:  # the master must hear of it, whatever it was
            reason = f"a load generator broke: {type(error).__name__}: {error}"
            send(self._runner, Answered(asked.number, WorkerAnswer(error=reason)))
            raise
        if absence is not None:
            answer = msgspec.structs.replace(answer, absent_ns=absence.since())
        send(self._runner, Answered(asked.number, answer))

    def _answered(self, asked: Asked) -> WorkerAnswer:
        if isinstance(asked.order, orders.Quiet):
            return WorkerAnswer(given=msgspec.Raw(msgspec.msgpack.encode(self._quiet())))
        return self._hands[asked.cell].carry_out(asked.order)

    def _quiet(self) -> orders.Quiet.Helper:
        """From now on all that is done may be measured."""
        if self._absence is None:
            # Where others are on its core a process waits for them, and that is no standing still.
            waited = waited_ns if self._orders.crowded else (lambda: 0)
            self._absence = Absence(waited_ns=waited)
            gc.collect()
            gc.freeze()
            gc.disable()
            gevent.spawn(self._look)
        return orders.Quiet.Helper(os.getpid(), sorted(own_cores()))

    def _look(self) -> None:
        """Tell of sessions that end, as soon as somebody would see it who held them himself."""
        told: list[list[tuple[int, str]]] = [[] for _ in self._hands]
        while True:
            gevent.sleep(LOOK_S)
            for cell, hand in enumerate(self._hands):
                if (ended := hand.ended) != told[cell]:
                    told[cell] = ended
                    send(self._runner, Ended(cell, self._number, ended))
