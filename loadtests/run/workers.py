"""The workers of Locust's master, which hold the clients of trials that it conducts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING

from gevent.event import AsyncResult, Event

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
)
from loadtests.run.trial import Orders
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.spread.orders import WorkerAnswer, WorkerOrder

if TYPE_CHECKING:
    from locust.runners import MasterRunner

#: All of them have begun when the first user is to be spawned, and need to say so.
_HERE_S = 10.0


class LocustWorkers:
    """The workers, from their master; see ``crew.Workers``.

    Args:
        runner: Locust's.
        told: the trials.
        came: called with a trial's number and what became of one of its users: its worker,
            whether its messages are compressed, and why it could not connect (or nothing).
        ended: called with a trial's number, a worker's and all of its sessions that have ended.
    """

    def __init__(
        self,
        runner: MasterRunner,
        told: Orders,
        came: Callable[[int, int, bool, str], None],
        ended: Callable[[int, int, list[tuple[int, str]]], None],
    ) -> None:
        self._runner = runner
        self._told = told
        self.many = told.generators
        self._ids: dict[int, str] = {}
        self._all_here = Event()
        self._numbers = count()
        self._waiting: dict[int, AsyncResult] = {}
        self._absent_ns = 0
        listen(runner, Here, self._hear_here)
        listen(
            runner,
            Came,
            lambda one, _: came(one.cell, one.worker, one.compressed, one.failure),
        )
        listen(runner, Ended, lambda one, _: ended(one.cell, one.worker, one.ended))
        listen(runner, Answered, lambda one, _: self._hear_answer(one))

    def begin(self) -> None:
        """Tell them what is to be done, before their users are spawned."""
        if not self._all_here.wait(timeout=_HERE_S):
            return  # nobody comes, and the trials fail for that
        for worker in self._ids.values():
            send(self._runner, Ordered(self._told), worker)

    def ask(self, cell: int, asked: Mapping[int, WorkerOrder]) -> dict[int, WorkerAnswer]:
        """See Workers."""
        waiting = {worker: self._ask(cell, worker, order) for worker, order in asked.items()}
        try:
            answers = {
                worker: self._answer(worker, result, asked[worker].patience_s)
                for worker, (_, result) in waiting.items()
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

    def _ask(self, cell: int, worker: int, order: WorkerOrder) -> tuple[int, AsyncResult]:
        number = next(self._numbers)
        result = self._waiting[number] = AsyncResult()
        send(self._runner, Asked(number, cell, order), self._ids.get(worker, ""))  # type: ignore[arg-type]
        return number, result

    def _answer(self, worker: int, result: AsyncResult, patience_s: float) -> WorkerAnswer:
        give_up = time.monotonic() + patience_s
        result.wait(timeout=LOOK_S)
        while not result.ready():
            who = f"load generator {worker + 1} of {self.many}"
            if not self._is_there(worker):
                raise TrialFailed(f"{who} has ended or stands still")
            if time.monotonic() > give_up:
                raise TrialFailed(f"{who} did not answer within {patience_s:g} s")
            result.wait(timeout=LOOK_S)
        answer: WorkerAnswer = result.get()
        return answer

    def _is_there(self, worker: int) -> bool:
        clients = self._runner.clients
        own = self._ids.get(worker, "")
        return own in clients and own not in {each.id for each in clients.missing}

    def _hear_here(self, here: Here, sender: str) -> None:
        self._ids[here.worker] = sender
        if len(self._ids) == self.many:
            self._all_here.set()

    def _hear_answer(self, answered: Answered) -> None:
        if answered.number in self._waiting:  # else it came too late
            self._waiting[answered.number].set(answered.answer)
