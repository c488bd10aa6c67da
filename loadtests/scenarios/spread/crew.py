"""A trial's clients as the process that conducts it sees them: its workers hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from loadtests.arithmetic.pacing import ConstantRate, Schedule
from loadtests.scenarios.broadcasting import Published, Received
from loadtests.scenarios.broadcasts import Progress
from loadtests.scenarios.echoed import Echoed
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.gathering import lost_of
from loadtests.scenarios.spread import orders
from loadtests.scenarios.spread.orders import EchoedSince, WorkerAnswer, WorkerOrder

if TYPE_CHECKING:
    from loadtests.scenarios.broadcasts import Broadcasts


class Workers(Protocol):
    """The processes that hold clients, numbered from 0."""

    @property
    def many(self) -> int:
        """How many there are."""

    def ask(self, cell: int, asked: Mapping[int, WorkerOrder]) -> dict[int, WorkerAnswer]:
        """Order several of them something for a trial, and wait for all answers.

        Raises:
            TrialFailed: one does not answer.
        """


@dataclass(slots=True)
class RemoteSession:
    """What is known here of a worker's session; see Session.

    Attributes:
        worker: whose it is.
        number: which of its sessions.
    """

    worker: int
    number: int
    compressed: bool = False
    ended: str | None = None
    unheard: dict[str, int] | None = None
    codings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Crew:
    """The clients of one trial.

    Attributes:
        workers: who hold them.
        cell: the trial's number among those of the load generators.
        sessions: of all workers; those of one in the order in which they are there.
        broken: whether a worker did not answer: nobody is asked any more.
    """

    workers: Workers
    cell: int
    sessions: list[RemoteSession]
    broken: bool = False

    def by_worker(self) -> dict[int, list[int]]:
        """Worker -> which of the sessions are there."""
        found: dict[int, list[int]] = {}
        for which, session in enumerate(self.sessions):
            found.setdefault(session.worker, []).append(which)
        return found

    def ask(self, asked: Mapping[int, WorkerOrder]) -> dict[int, Any]:
        """Order each of these workers something; what they answer.

        Raises:
            TrialFailed: one could not do it, or does not answer.
        """
        try:
            answers = self.workers.ask(self.cell, asked)
        except TrialFailed:
            self.broken = True
            raise
        for worker, answer in answers.items():
            if answer.error:
                raise TrialFailed(answer.error)
            self.heard(worker, answer.ended)
            if answer.told is not None:
                self._told(worker, answer.told)
        return {
            worker: msgspec.msgpack.decode(answer.given, type=asked[worker].answer)
            for worker, answer in answers.items()
        }

    def heard(self, worker: int, ended: Iterable[tuple[int, str]]) -> None:
        """Which sessions of a worker have ended, and why."""
        reasons = dict(ended)
        for session in self._of(worker):
            session.ended = reasons.get(session.number)

    def _told(self, worker: int, told: orders.Told) -> None:
        for session in self._of(worker):
            session.codings = told.codings
            # It is told of all sessions of a worker together.
            session.unheard = None if session.number else told.unheard

    def _of(self, worker: int) -> list[RemoteSession]:
        return [session for session in self.sessions if session.worker == worker]

    def echoes(self, payload_bytes: int) -> RemoteEchoes:
        """See ``echo_clients``."""
        return RemoteEchoes(self, payload_bytes)

    def broadcasts(self, publishers: int, payload_bytes: int) -> RemoteBroadcasts:
        """See ``broadcast.broadcasts``."""
        made = {
            worker: orders.MakeBroadcasts(
                [(which, self.sessions[which].number) for which in whiches if which < publishers],
                payload_bytes,
            )
            for worker, whiches in self.by_worker().items()
        }
        self.ask(made)
        numbers = {
            worker: [number for number, _ in order.publishers] for worker, order in made.items()
        }
        return RemoteBroadcasts(self, numbers, [Published() for _ in range(publishers)])

    def gathering(self, payload_bytes: int) -> RemoteGathering:
        """See Gathering."""
        return RemoteGathering(self, payload_bytes)


class RemoteEchoes(list[Echoed]):
    """Echoing clients of workers; see Echoes."""

    def __init__(self, crew: Crew, payload_bytes: int) -> None:
        self._crew = crew
        self._by_worker = crew.by_worker()
        super().__init__(Echoed() for _ in crew.sessions)
        crew.ask(
            {
                worker: orders.MakeEchoes(payload_bytes, whiches)
                for worker, whiches in self._by_worker.items()
            }
        )

    def open_loop(self, schedules: Sequence[Schedule], until_ns: int) -> None:
        """See Echoes."""
        self._crew.ask(
            {
                worker: orders.OpenLoop([schedules[which] for which in whiches], until_ns)  # type: ignore[misc]
                for worker, whiches in self._by_worker.items()
            }
        )

    def closed_loop(self, until_ns: int, starts_ns: Sequence[int]) -> None:
        """See Echoes."""
        self._crew.ask(
            {
                worker: orders.ClosedLoop([starts_ns[which] for which in whiches], until_ns)
                for worker, whiches in self._by_worker.items()
            }
        )

    def go_on(self, waited_ns: int) -> None:
        """See Echoes."""
        self._all(orders.GoOn(waited_ns))

    def outstanding(self) -> bool:
        """See Echoes."""
        return any(self._all(orders.Outstanding()).values())

    def stop(self) -> None:
        """See Echoes."""
        if self._crew.broken:
            return
        given = self._all(orders.StopEchoes())
        for worker, whiches in self._by_worker.items():
            for which, since in zip(whiches, given[worker], strict=True):
                _add(self[which], since)

    def _all(self, order: WorkerOrder) -> dict[int, Any]:
        return self._crew.ask(dict.fromkeys(self._by_worker, order))


def _add(client: Echoed, since: EchoedSince) -> None:
    for name in Echoed.GROWING:
        getattr(client, name).frombytes(getattr(since, name))
    client.unanswered = set(since.unanswered)
    client.first = since.first
    client.is_acknowledged = since.is_acknowledged
    client.goes_by_order = since.goes_by_order
    client.surplus = since.surplus
    client.says_something = since.says_something


@dataclass(slots=True)
class RemoteBroadcasts:
    """Publishers and recipients of workers; see Broadcasts.

    Attributes:
        publishers: worker -> numbers of its publishers, of all workers with clients.
    """

    crew: Crew
    publishers: Mapping[int, Sequence[int]]
    published: list[Published]

    def begin(self, schedules: Sequence[ConstantRate], until_ns: int) -> None:
        """See Broadcasts."""
        self.crew.ask(
            {
                worker: orders.Begin([schedules[number] for number in numbers], until_ns)
                for worker, numbers in self.publishers.items()
            }
        )

    def progress(self) -> Progress:
        """See Broadcasts."""
        found = [Progress(*each) for each in self._all(orders.GetProgress()).values()]
        return Progress(
            sent=sum(each.sent for each in found),
            owes=any(each.owes for each in found),
            fewest=min(each.fewest for each in found),
            copies=sum(each.copies for each in found),
        )

    def stop(self) -> None:
        """See Broadcasts."""
        given = self._all(orders.StopBroadcasts())
        for worker, numbers in self.publishers.items():
            for number, sent in zip(numbers, given[worker], strict=True):
                found = self.published[number] = Published()
                found.due_ns.frombytes(sent.due_ns)
                found.sent_ns.frombytes(sent.sent_ns)

    def came_between(self, begin_ns: int, end_ns: int) -> int:
        """See Broadcasts."""
        return sum(self._all(orders.CameBetween(begin_ns, end_ns)).values())

    def received(self) -> list[Received]:
        """See Broadcasts."""
        return [
            Received(*(np.frombuffer(column, dtype=np.int64) for column in columns))
            for each in self._all(orders.GetReceived()).values()
            for columns in each
        ]

    def _all(self, order: WorkerOrder) -> dict[int, Any]:
        return self.crew.ask(dict.fromkeys(self.publishers, order))


@dataclass(slots=True)
class RemoteGathering:
    """Recipients of workers, more of them or fewer; see Gathering. The first worker's publish."""

    crew: Crew
    payload_bytes: int

    @property
    def most(self) -> int | None:
        """See Gathering."""
        found = self._all(orders.GetMost(self.payload_bytes)).values()
        known = [each for each in found if each is not None]
        return sum(known) if len(known) == len(found) else None

    @property
    def there(self) -> int:
        """See Gathering."""
        return len(self.crew.sessions)

    def become(self, many: int) -> str:
        """See Gathering."""
        workers = self.crew.workers.many
        wanted = [(many + workers - 1 - worker) // workers for worker in range(workers)]
        became = self.crew.ask(
            {
                worker: orders.Become(each, not worker, self.payload_bytes)
                for worker, each in enumerate(wanted)
            }
        )
        if became[0].afresh:
            self.crew.ask(dict.fromkeys(range(1, workers), orders.BeginAnew()))
        self.crew.sessions[:] = [
            RemoteSession(worker, number)
            for worker, each in became.items()
            for number in range(each.there)
        ]
        return "; ".join(each.failure for each in became.values() if each.failure)

    def lost(self) -> str:
        """See Gathering."""
        return lost_of(list(chain(*self._all(orders.GetLost()).values())), self.there)

    def leave(self) -> None:
        """See Gathering."""
        if not self.crew.broken:
            self._all(orders.Leave())

    def broadcasts(self) -> Broadcasts:
        """See Gathering."""
        publishers: dict[int, list[int]] = {each: [] for each in range(self.crew.workers.many)}
        publishers[0] = [0]
        return RemoteBroadcasts(self.crew, publishers, [Published()])

    def _all(self, order: WorkerOrder) -> dict[int, Any]:
        return self.crew.ask(dict.fromkeys(range(self.crew.workers.many), order))
