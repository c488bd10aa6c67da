"""A client that sends echoes in an open and in a closed loop, and keeps the raw times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from loadtests.arithmetic.pacing import ConstantRate, Schedule
from loadtests.scenarios.echoed import Echoed
from loadtests.scenarios.messages import ECHO, Exchange

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session


class EchoClient(Echoed):
    """Sends over one session in either loop and keeps the raw times."""

    def __init__(
        self,
        session: Session,
        alarm: Alarm,
        payload_bytes: int,
        *,
        publisher: int = 0,
        now_ns: Callable[[], int] = time.monotonic_ns,
        exchange: Exchange = ECHO,
    ) -> None:
        super().__init__()
        self._session = session
        self._alarm = alarm
        self._now_ns = now_ns
        self._messages = exchange.maker(publisher, payload_bytes, session.namespace)
        self._identify = exchange.identity
        self._schedule: Schedule = ConstantRate(0, 1)
        self._until_ns = 0
        self._closed_loop = False
        self._loop = 0
        self._ring = partial(self._send_due, self._loop)
        #: The next message of an open loop, made before it is due: that is not to be waited for.
        self._ready: Sequence[bytes] | None = None
        session.on(exchange.answer, self._received)

    def open_loop(self, schedule: Schedule, until_ns: int) -> None:
        """Send on the schedule as long as a send is due before ``until_ns``."""
        self._closed_loop = False
        self._schedule = schedule
        self._until_ns = until_ns
        self.first = len(self.due_ns)
        self._loop += 1
        self._ring = partial(self._send_due, self._loop)
        if schedule.start_ns < until_ns:
            self._alarm.shortly_before(schedule.start_ns, self._ring)

    def closed_loop(self, until_ns: int, start_ns: int = 0) -> None:
        """Send at ``start_ns``, or now, and again whenever a reply comes before ``until_ns``."""
        self._closed_loop = True
        self._loop += 1
        self.first = len(self.due_ns)
        self._until_ns = until_ns
        now_ns = self._now_ns()
        if start_ns > now_ns:
            self._alarm.at(start_ns, partial(self._begin, self._loop))
        else:
            self._send(now_ns)

    def go_on(self, waited_ns: int) -> None:
        """Send again in the closed loop, where a reply has been waited for so long: it is lost."""
        now_ns = self._now_ns()
        if now_ns < self._until_ns and self.waited_for and now_ns - self.due_ns[-1] >= waited_ns:
            self._send(now_ns)

    def stop(self) -> None:
        """Send nothing more."""
        self._until_ns = 0

    @property
    def waited_for(self) -> int:
        """Messages of the present loop whose reply has not come and still can."""
        if self._session.ended is not None:
            return 0
        return sum(1 for number in self.unanswered if number >= self.first)

    @property
    def owes(self) -> bool:
        """Whether a send of the open loop is still to come, late or not."""
        if self._session.ended is not None:
            return False
        return not self._closed_loop and self._next_ns() < self._until_ns

    def _begin(self, loop: int) -> None:
        if loop == self._loop:
            self._send(self._now_ns())

    def _next_ns(self) -> int:
        return self._schedule.due_ns(len(self.due_ns) - self.first)

    def _send(self, due_ns: int) -> None:
        number = len(self.due_ns)
        packets = self._ready if self._ready is not None else self._packets(number)
        self._ready = None
        self.unanswered.add(number)
        self.due_ns.append(due_ns)
        self.handed_ns.append(self._now_ns())
        for packet in packets[:-1]:
            self._session.send(packet)
        self._session.send(packets[-1], self._left)

    def _packets(self, number: int) -> Sequence[bytes]:
        """A message as the session is given it; another kind of message overrides this."""
        return (self._messages.make(number),)

    def _identity(self, arguments: list[Any]) -> tuple[int, int] | None:
        """Publisher and number of a reply; None for what is not one of ours."""
        return self._identify(arguments)

    def _left(self) -> None:
        self.sent_ns.append(self._now_ns())

    def _send_due(self, loop: int) -> None:
        if loop != self._loop:  # an earlier loop's last alarm, for a send after its end
            return
        due_ns = self._next_ns()
        if due_ns < self._until_ns:
            if self._ready is None:  # the first of its loop
                self._ready = self._packets(len(self.due_ns))
            self._alarm.wait_until(due_ns)
            self._send(due_ns)
            self._alarm.shortly_before(self._next_ns(), self._ring)
            self._ready = self._packets(len(self.due_ns))

    def _received(self, arguments: list[Any], kernel_ns: int, user_ns: int) -> None:
        found = self._identity(arguments)
        if found is not None:
            self._answered(found[1], kernel_ns, user_ns)

    def _answered(self, number: int, kernel_ns: int, user_ns: int) -> None:
        if number not in self.unanswered:  # a second copy answers nothing
            return
        self.unanswered.remove(number)
        self.numbers.append(number)
        self.kernel_ns.append(kernel_ns)
        self.user_ns.append(user_ns)
        # Only the latest message's reply: a straggler of the open loop must not start a second.
        if self._closed_loop and number + 1 == len(self.due_ns) and user_ns < self._until_ns:
            self._send(self._now_ns())
