"""The publishers and recipients of a trial's broadcasts, told all at once what to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.scenarios.broadcasting import Published, Publisher, Received, Recipient

#: What nobody has been waiting for.
_EVERYTHING = 2**62


class Progress(NamedTuple):
    """How far a turn is.

    Attributes:
        sent: broadcasts that have gone out in it.
        owes: whether a send is still to come, late or not.
        fewest: copies that came in it to the recipient that got the fewest.
        copies: that came in it, to all recipients.
    """

    sent: int
    owes: bool
    fewest: int
    copies: int

    @property
    def outstanding(self) -> bool:
        """Whether a send or a copy is still to come.

        Copies are counted, not matched, which takes long: a second one may stand for one that the
        same recipient is still to get. It is found all the same, if it comes before numbers are
        made.
        """
        return self.owes or self.fewest < self.sent


class Broadcasts(Protocol):
    """Who publishes and who receives."""

    @property
    def published(self) -> Sequence[Published]:
        """What each publisher has sent; as of the last ``stop``, at least."""

    def begin(self, schedules: Sequence[ConstantRate], until_ns: int) -> None:
        """Begin a turn: have each publisher send on its schedule until then."""

    def progress(self) -> Progress:
        """How far the turn is."""

    def stop(self) -> None:
        """Have nobody send anything more."""

    def came_between(self, begin_ns: int, end_ns: int) -> int:
        """How many copies came in [begin, end); see Recipient."""

    def received(self) -> list[Received]:
        """What each recipient got so far; see Recipient."""


@dataclass(slots=True)
class LocalBroadcasts:
    """Those of this process; see Broadcasts."""

    published: Sequence[Publisher]
    recipients: Sequence[Recipient]
    _sent: int = 0
    _had: list[int] = field(default_factory=list)

    def begin(self, schedules: Sequence[ConstantRate], until_ns: int) -> None:
        """See Broadcasts."""
        self._had = [len(each) for each in self.recipients]
        self._sent = sum(len(each.due_ns) for each in self.published)
        for publisher, schedule in zip(self.published, schedules, strict=True):
            publisher.publish(schedule, until_ns)

    def progress(self) -> Progress:
        """See Broadcasts."""
        came = [len(each) - had for each, had in zip(self.recipients, self._had, strict=True)]
        return Progress(
            sent=sum(len(each.due_ns) for each in self.published) - self._sent,
            owes=any(each.owes for each in self.published),
            fewest=min(came, default=_EVERYTHING),
            copies=sum(came),
        )

    def stop(self) -> None:
        """See Broadcasts."""
        for publisher in self.published:
            publisher.stop()

    def came_between(self, begin_ns: int, end_ns: int) -> int:
        """See Broadcasts."""
        return sum(each.came_between(begin_ns, end_ns) for each in self.recipients)

    def received(self) -> list[Received]:
        """See Broadcasts."""
        return [each.received() for each in self.recipients]
