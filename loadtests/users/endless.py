"""Echo and broadcast for as long as Locust lets them: no end is known, so nothing is kept.

The trials (echo.py, broadcast.py) keep every raw time to the end and make their numbers then. Here
times go to a Series that is emptied twice a second, and only what is unanswered is remembered.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.arithmetic.series import UNKNOWN, Series
from loadtests.client import packets
from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.machine.clock import clock_name
from loadtests.record.application import BROADCAST_EVENT, ECHO_EVENT, RESPONSE_EVENT
from loadtests.scenarios import broadcast, echo

#: A message says whose clock its due time is of, that time and who sent it.
_IDENTITY = "{clock}:{due_ns:x}:{sender}:"
_SENDER_BYTES = 2

#: What an identity takes, with room for thirty years of uptime.
SHORTEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class EndlessWorkload:
    """What is sent, and what counts.

    Attributes:
        name: of Locust's entry.
        event: that is sent.
        everybodys: whether the messages of others count too.
        complaint: about an own message that did not come back.
        told: what its users do, for a form or a help text.
    """

    name: str
    event: str
    everybodys: bool
    complaint: str
    told: str


#: Scenario -> what its users do. A delivery is timed if its publisher has the same clock, be it in
#: another process; otherwise it is counted. What is lost on the way to others is not seen here,
#: only what does not come back to its publisher: the trials account for every copy.
WORKLOADS = {
    echo.SCENARIO.name: EndlessWorkload(
        name=echo.SCENARIO.name,
        event=ECHO_EVENT,
        everybodys=False,
        complaint="no answer",
        told="each user gets its own messages back",
    ),
    broadcast.SCENARIO.name: EndlessWorkload(
        name="delivery",
        event=BROADCAST_EVENT,
        everybodys=True,
        complaint="a broadcast did not come back to its publisher",
        told="everybody gets everything",
    ),
}


class Load:
    """Sends over one session on an open-loop schedule, from its making on.

    Args:
        workload: one of WORKLOADS.
        session: connected, in the namespace of the application under test.
        alarm: for what is due.
        schedule: when to send.
        payload_bytes: length of a message, at least SHORTEST_BYTES.
        series: where the times go.
        now_ns: the monotonic clock.
    """

    def __init__(
        self,
        workload: EndlessWorkload,
        session: Session,
        alarm: Alarm,
        schedule: ConstantRate,
        payload_bytes: int,
        series: Series,
        now_ns: Callable[[], int],
    ) -> None:
        self.workload = workload
        self._everybodys = workload.everybodys
        self._session = session
        self._alarm = alarm
        self._schedule = schedule
        self._payload_bytes = payload_bytes
        self._series = series
        self._now_ns = now_ns
        whole = packets.encode_event(session.namespace, workload.event, {"data": "@"})
        self._head, _, self._tail = whole.rpartition(b"@")
        self._clock = clock_name()
        self._sender = os.urandom(_SENDER_BYTES).hex()
        self._next = 0
        self._stopped = False
        #: When a message was due, which is its name too -> when it left, UNKNOWN until then.
        self._unanswered: dict[int, int] = {}
        #: When those were due that have not left yet, in the order in which they will.
        self._leaving: deque[int] = deque()
        session.on(RESPONSE_EVENT, self._received)
        alarm.at(schedule.due_ns(0), self._send_due)

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped = True

    def overdue(self, until_ns: int) -> int:
        """How many more have become due until then that it did not send, since it was stopped."""
        many = self._schedule.due_between(self._schedule.due_ns(self._next), until_ns)
        self._next += many
        return many

    def give_up(self, before_ns: int | None = None) -> list[int]:
        """Wait no longer for answers to what was due before, or to anything.

        Returns:
            When each of the unanswered messages was due.
        """
        if before_ns is None:
            lost = list(self._unanswered)
        else:  # they are in this order
            lost = list(takewhile(lambda due_ns: due_ns < before_ns, self._unanswered))
        for due_ns in lost:
            del self._unanswered[due_ns]
        return lost

    def _received(self, arguments: list[Any], kernel_ns: int, user_ns: int) -> None:
        try:
            clock, due, sender, _padding = arguments[0]["data"].split(":", 3)
            due_ns = int(due, 16)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return  # not one of ours, such as the server's greeting
        sent_ns = UNKNOWN
        own = clock == self._clock and sender == self._sender
        if own:
            if due_ns not in self._unanswered:  # a second copy, or it has counted as lost
                return
            sent_ns = self._unanswered.pop(due_ns)
        elif clock != self._clock:
            due_ns = UNKNOWN
        if self._everybodys:
            # When it was sent is known of a publisher's own copy only: none has a service time.
            self._series.arrived(due_ns, UNKNOWN, kernel_ns, user_ns, self._payload_bytes)
        elif own:
            self._series.arrived(due_ns, sent_ns, kernel_ns, user_ns, self._payload_bytes)

    def _send_due(self) -> None:
        if self._stopped:
            return
        due_ns = self._schedule.due_ns(self._next)
        text = _IDENTITY.format(clock=self._clock, due_ns=due_ns, sender=self._sender)
        packet = self._head + text.encode().ljust(self._payload_bytes, b"x") + self._tail
        self._unanswered[due_ns] = UNKNOWN
        self._leaving.append(due_ns)
        self._series.sent(due_ns, self._now_ns())
        self._session.send(packet, self._left)
        self._next += 1
        self._alarm.at(self._schedule.due_ns(self._next), self._send_due)

    def _left(self) -> None:
        due_ns = self._leaving.popleft()
        if due_ns in self._unanswered:  # it may have been given up while it waited for a POST
            self._unanswered[due_ns] = self._now_ns()
