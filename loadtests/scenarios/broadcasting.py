"""Publishing on a schedule, and keeping what every recipient got."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.arithmetic.samples import (
    Nanoseconds,
)
from loadtests.client.errors import ProtocolError
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.messages import BROADCAST, Exchange, Maker

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session
    from loadtests.scenarios.bench import Bench


class Published:
    """What one client has sent to all.

    Attributes:
        due_ns, sent_ns: of broadcast 0, 1, ...
    """

    def __init__(self) -> None:
        self.due_ns = array("q")
        self.sent_ns = array("q")


class Publisher(Published):
    """Sends messages on a schedule over one session.

    Attributes:
        session: that it is.
        messages: makes them; another may take its place between two loops.
    """

    def __init__(
        self,
        session: Session,
        alarm: Alarm,
        messages: Maker,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__()
        self.session = session
        self._alarm = alarm
        self._now_ns = now_ns
        self.messages = messages
        self._schedule = ConstantRate(0, 1)
        self._first = 0
        self._until_ns = 0
        self._loop = 0
        self._ring = partial(self._send_due, self._loop)

    def publish(self, schedule: ConstantRate, until_ns: int) -> None:
        """Send as long as a send is due before ``until_ns``; the numbers go on."""
        self._first = len(self.due_ns)
        self._schedule = schedule
        self._until_ns = until_ns
        self._loop += 1
        self._ring = partial(self._send_due, self._loop)
        self._alarm.shortly_before(schedule.start_ns, self._ring)

    def stop(self) -> None:
        """Send nothing more."""
        self._until_ns = 0

    @property
    def owes(self) -> bool:
        """Whether a send is still to come, late or not."""
        return self._next_ns() < self._until_ns

    def _next_ns(self) -> int:
        return self._schedule.due_ns(len(self.due_ns) - self._first)

    def _send_due(self, loop: int) -> None:
        due_ns = self._next_ns()
        # An alarm that an earlier loop has left behind must not send what is not due yet.
        if loop != self._loop or due_ns >= self._until_ns:
            return
        packet = self.messages.make(len(self.due_ns))
        self.due_ns.append(due_ns)
        self._alarm.wait_until(due_ns)
        self.sent_ns.append(self._now_ns())
        self.session.send(packet)
        self._alarm.shortly_before(self._next_ns(), self._ring)


def broadcaster(bench: Bench, number: int, session: Session, payload_bytes: int) -> Publisher:
    """The publisher of that number, whose messages go to everybody."""
    messages = bench.place.broadcast.maker(number, payload_bytes, session.namespace, session.sid)
    return Publisher(session, bench.alarm, messages, now_ns=bench.now_ns)


class Received(NamedTuple):
    """What a recipient got of broadcasts, in the order in which it came; int64 arrays.

    Attributes:
        publishers, numbers: which broadcast each copy is of.
        kernel_ns, user_ns: when it arrived.
    """

    publishers: NDArray[np.int64]
    numbers: NDArray[np.int64]
    kernel_ns: Nanoseconds
    user_ns: Nanoseconds


class Recipient:
    """Keeps what one session received as it came; it is read when there is time for that.

    Args:
        session: connected.
        decoded: have every message decoded at once, for a subclass that must look at it.
        exchange: that the broadcasts are of.
    """

    def __init__(
        self, session: Session, *, decoded: bool = False, exchange: Exchange = BROADCAST
    ) -> None:
        self._session = session
        self._exchange = exchange
        # A packet as it came, or an event's arguments where somebody had to decode it.
        self.arrivals: list[Any] = [] if decoded else session.gather(exchange.answer)
        self._copies: list[tuple[int, int, int, int]] = []
        self._read = 0
        session.on(exchange.answer, self._received)

    def __len__(self) -> int:
        return len(self.arrivals) + self._session.unread

    def came_between(self, begin_ns: int, end_ns: int) -> int:
        """How many messages came in [begin, end), whatever they are; unpacks what came compressed.

        Raises:
            TrialFailed: a message cannot be unpacked.
        """
        self.read_up()
        # Backwards, since what is asked for came last.
        count = 0
        for _, kernel_ns, _ in reversed(self.arrivals):
            if kernel_ns < begin_ns:
                break
            count += kernel_ns < end_ns
        return count

    def received(self) -> Received:
        """All copies so far.

        Raises:
            TrialFailed: a message cannot be read.
        """
        self.read_up()
        identity, identity_of = self._exchange.identity, self._exchange.identity_of
        try:
            for message, kernel_ns, user_ns in self.arrivals[self._read :]:
                found = identity_of(message) if type(message) is bytes else identity(message)
                if found is not None:
                    self._copies.append((found[0], found[1], kernel_ns, user_ns))
        except ProtocolError as error:
            raise TrialFailed(str(error)) from error
        self._read = len(self.arrivals)
        return Received(*np.array(self._copies, dtype=np.int64).reshape(-1, 4).T)

    def read_up(self) -> None:
        """Put what was kept as it came, compressed, among the arrivals.

        Raises:
            TrialFailed: a message cannot be unpacked.
        """
        try:
            self._session.read_up()
        except ProtocolError as error:
            raise TrialFailed(str(error)) from error

    def _received(self, arguments: list[Any], kernel_ns: int, user_ns: int) -> None:
        self.arrivals.append((arguments, kernel_ns, user_ns))
