"""Recipients of broadcasts, more of them or fewer as a trial goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from loadtests.client.errors import tallied
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.broadcasting import Publisher, Recipient, broadcaster
from loadtests.scenarios.broadcasts import Broadcasts, LocalBroadcasts
from loadtests.scenarios.crowd import Crowd


class Gathering(Protocol):
    """Clients that receive, the first of whom publishes.

    When that one has gone another publishes, and everybody begins to count anew.
    """

    @property
    def most(self) -> int | None:
        """How many this machine's limits allow; None where none is known."""

    @property
    def there(self) -> int:
        """How many there are."""

    def become(self, many: int) -> str:
        """Connect more, or have the last ones leave; see Crowd."""

    def lost(self) -> str:
        """Why some lost their connection, with how many; empty where none did."""

    def leave(self) -> None:
        """End every session without a word."""

    def broadcasts(self) -> Broadcasts:
        """Of those who are there."""


def gathering(bench: Bench, payload_bytes: int) -> Gathering:
    """Nobody yet, whose broadcasts will be of that length."""
    if bench.crew is not None:
        return bench.crew.gathering(payload_bytes)
    return LocalGathering(bench, payload_bytes)


def lost_of(ended: Sequence[str], there: int) -> str:
    """Why so many of those who were there have lost their connection."""
    return f"{tallied(ended)} ({len(ended)} of {there})" if ended else ""


@dataclass(slots=True)
class LocalGathering:
    """Those of this process; see Gathering.

    Attributes:
        bench: whose sessions they become.
        payload_bytes: of each broadcast.
        publishes: whether the first one does; else somebody elsewhere does.
        afresh: whether those who were to become so many last began to count anew.
    """

    bench: Bench
    payload_bytes: int
    publishes: bool = True
    afresh: bool = False
    _crowd: Crowd = field(init=False)
    _recipients: dict[int, Recipient] = field(default_factory=dict)
    _publisher: Publisher | None = None

    def __post_init__(self) -> None:
        self._crowd = Crowd(self.bench)

    @property
    def most(self) -> int | None:
        """See Gathering."""
        return self._crowd.most

    @property
    def there(self) -> int:
        """See Gathering."""
        return len(self._crowd.sessions)

    def become(self, many: int) -> str:
        """See Gathering."""
        failure = self._crowd.become(many)
        first = next(iter(self._crowd.sessions), None)
        gone = self._publisher is None or self._publisher.session is not first
        self.afresh = self.publishes and first is not None and gone
        if self.afresh and first is not None:
            self._publisher = broadcaster(self.bench, 0, first, self.payload_bytes)
            self.begin_anew()
        return failure

    def begin_anew(self) -> None:
        """Forget what has been received."""
        self._recipients.clear()

    def lost(self) -> str:
        """See Gathering."""
        return lost_of(self.ended(), self.there)

    def ended(self) -> list[str]:
        """Why some lost their connection, one by one."""
        return [each.ended for each in self._crowd.sessions if each.ended is not None]

    def leave(self) -> None:
        """See Gathering."""
        self._crowd.leave()

    def broadcasts(self) -> LocalBroadcasts:
        """See Gathering."""
        known = self._recipients
        self._recipients = {
            id(session): known[id(session)]
            if id(session) in known  # also one that has received nothing, which counts as false
            else Recipient(session, exchange=self.bench.place.broadcast)
            for session in self._crowd.sessions
        }
        publishers = [] if self._publisher is None else [self._publisher]
        return LocalBroadcasts(publishers, list(self._recipients.values()))
