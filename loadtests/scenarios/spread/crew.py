"""A trial's clients as the process that conducts it sees them: somebody else holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from loadtests.scenarios.gathering import told
from loadtests.scenarios.spread import orders
from loadtests.scenarios.spread.orders import Answer, EchoedSince, Order

if TYPE_CHECKING:
    from loadtests.scenarios.broadcasts import Broadcasts


class Link(Protocol):
    """How the processes that hold clients are reached, which are numbered from 0."""

    @property
    def places(self) -> int:
        """How many there are."""

    def ask(self, cell: int, asked: Mapping[int, Order]) -> dict[int, Answer]:
        """Order several of them something for a trial, and wait for all answers.

        Raises:
            TrialFailed: one does not answer.
        """


@dataclass(slots=True)
class RemoteSession:
    """What is known here of a session elsewhere; see Session.

    Attributes:
        place: where it is.
        number: which one there.
    """

    place: int
    number: int
    compressed: bool = False
    ended: str | None = None
    unheard: dict[str, int] | None = None
    codings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Crew:
    """The clients of one trial.

    Attributes:
        link: to where they are.
        cell: the trial's number among those of the load generators.
        sessions: of all processes; those of one in the order in which they are there.
    """

    link: Link
    cell: int
    sessions: list[RemoteSession]

    def by_place(self) -> dict[int, list[int]]:
        """Place -> which of the sessions are there."""
        found: dict[int, list[int]] = {}
        for which, session in enumerate(self.sessions):
            found.setdefault(session.place, []).append(which)
        return found

    def ask(self, asked: Mapping[int, Order]) -> dict[int, Any]:
        """Order each of these places something; what they answer.

        Raises:
            TrialFailed: one could not do it, or does not answer.
        """
        answers = self.link.ask(self.cell, asked)
        for place, answer in answers.items():
            if answer.error:
                raise TrialFailed(answer.error)
            self._heard(place, answer)
        return {
            place: msgspec.msgpack.decode(answer.given, type=asked[place].answer)
            for place, answer in answers.items()
        }

    def _heard(self, place: int, answer: Answer) -> None:
        ended = dict(answer.ended)
        first = True
        for session in self.sessions:
            if session.place != place:
                continue
            session.ended = ended.get(session.number)
            session.codings = answer.codings
            # They are told of all sessions of a place together.
            session.unheard = answer.unheard if first else None
            first = False

    def echoes(self, payload_bytes: int) -> RemoteEchoes:
        """See ``echo_clients``."""
        return RemoteEchoes(self, payload_bytes)

    def broadcasts(self, publishers: int, payload_bytes: int) -> RemoteBroadcasts:
        """See ``broadcast.broadcasts``."""
        places = self.by_place()
        made = {
            place: orders.MakeBroadcasts(
                [(which, self.sessions[which].number) for which in whiches if which < publishers],
                payload_bytes,
            )
            for place, whiches in places.items()
        }
        self.ask(made)
        of_place = {place: [each for each, _ in made[place].publishers] for place in places}
        return RemoteBroadcasts(self, of_place, [Published() for _ in range(publishers)])

    def gathering(self, payload_bytes: int) -> RemoteGathering:
        """See Gathering."""
        return RemoteGathering(self, payload_bytes)


class RemoteEchoes(list[Echoed]):
    """Echoing clients elsewhere; see Echoes."""

    def __init__(self, crew: Crew, payload_bytes: int) -> None:
        self._crew = crew
        self._places = crew.by_place()
        super().__init__(Echoed() for _ in crew.sessions)
        self._ask(
            {
                place: orders.MakeEchoes(payload_bytes, whiches)
                for place, whiches in self._places.items()
            }
        )

    def open_loop(self, schedules: Sequence[Schedule], until_ns: int) -> None:
        """See Echoes."""
        self._ask(
            {
                place: orders.OpenLoop([schedules[which] for which in whiches], until_ns)  # type: ignore[misc]
                for place, whiches in self._places.items()
            }
        )

    def closed_loop(self, until_ns: int, starts_ns: Sequence[int]) -> None:
        """See Echoes."""
        self._ask(
            {
                place: orders.ClosedLoop([starts_ns[which] for which in whiches], until_ns)
                for place, whiches in self._places.items()
            }
        )

    def go_on(self, waited_ns: int) -> None:
        """See Echoes."""
        self._ask(dict.fromkeys(self._places, orders.GoOn(waited_ns)))

    def outstanding(self) -> bool:
        """See Echoes."""
        return any(self._ask(dict.fromkeys(self._places, orders.Outstanding())).values())

    def stop(self) -> None:
        """See Echoes."""
        given = self._ask(dict.fromkeys(self._places, orders.StopEchoes()))
        for place, whiches in self._places.items():
            for which, since in zip(whiches, given[place], strict=True):
                _add(self[which], since)

    def _ask(self, asked: Mapping[int, Order]) -> dict[int, Any]:
        return self._crew.ask(asked)


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
    """Publishers and recipients elsewhere; see Broadcasts.

    Attributes:
        publishers: place -> numbers of the publishers that are there, of all places with clients.
    """

    crew: Crew
    publishers: Mapping[int, Sequence[int]]
    published: list[Published]

    def begin(self, schedules: Sequence[ConstantRate], until_ns: int) -> None:
        """See Broadcasts."""
        self.crew.ask(
            {
                place: orders.Begin([schedules[number] for number in numbers], until_ns)
                for place, numbers in self.publishers.items()
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
        for place, numbers in self.publishers.items():
            for number, sent in zip(numbers, given[place], strict=True):
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

    def _all(self, order: Order) -> dict[int, Any]:
        return self.crew.ask(dict.fromkeys(self.publishers, order))


@dataclass(slots=True)
class RemoteGathering:
    """Recipients elsewhere, more of them or fewer; see Gathering. Those of place 0 publish."""

    crew: Crew
    payload_bytes: int

    @property
    def most(self) -> int | None:
        """See Gathering: what each process may hold is not known here."""
        return None

    @property
    def there(self) -> int:
        """See Gathering."""
        return len(self.crew.sessions)

    def become(self, many: int) -> str:
        """See Gathering."""
        places = self.crew.link.places
        wanted = {place: (many + places - 1 - place) // places for place in range(places)}
        became = self._become(wanted, afresh=False)
        if became[0].afresh:
            others = {place: each for place, each in wanted.items() if place}
            became |= self._become(others, afresh=True)
        self.crew.sessions[:] = [
            RemoteSession(place, number)
            for place, each in became.items()
            for number in range(each.many)
        ]
        return "; ".join(filter(None, (each.failure for each in became.values())))

    def _become(
        self, wanted: Mapping[int, int], *, afresh: bool
    ) -> dict[int, orders.Become.Became]:
        return self.crew.ask(
            {
                place: orders.Become(
                    many,
                    publishes=not place,
                    payload_bytes=self.payload_bytes,
                    afresh=afresh,
                )
                for place, many in wanted.items()
            }
        )

    def lost(self) -> str:
        """See Gathering."""
        return told(list(chain(*self._all(orders.GetLost()).values())), self.there)

    def leave(self) -> None:
        """See Gathering."""
        self._all(orders.Leave())

    def broadcasts(self) -> Broadcasts:
        """See Gathering."""
        publishers = {place: [0] if not place else [] for place in range(self.crew.link.places)}
        return RemoteBroadcasts(self.crew, publishers, [Published()])

    def _all(self, order: Order) -> dict[int, Any]:
        return self.crew.ask(dict.fromkeys(range(self.crew.link.places), order))
