"""Sending echoes in an open and in a closed loop, and the raw times of both."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from loadtests.arithmetic import validity
from loadtests.arithmetic.pacing import ConstantRate, staggered
from loadtests.arithmetic.samples import (
    NEVER,
    Nanoseconds,
    durations,
    first_arrivals,
)
from loadtests.arithmetic.usage import Usage, between
from loadtests.record.application import ECHO_EVENT, RESPONSE_EVENT
from loadtests.record.words import Metric
from loadtests.scenarios.bench import LEAD_NS, Bench
from loadtests.scenarios.messages import MessageMaker, identity

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session


class EchoClient:
    """Sends over one session in either loop and keeps the raw times.

    Attributes:
        due_ns: of message 0, 1, ...; in the closed loop a send is due when the reply has come.
        handed_ns: when each was handed to the transport: at its due time, unless we are late.
        sent_ns: when each really went out, in the same order. Fewer, where the last ones are still
            waiting for the POST before theirs.
        numbers, kernel_ns, user_ns: of the replies, in the order in which they came.
        unanswered: numbers of the messages whose reply has not come.
    """

    def __init__(
        self,
        session: Session,
        alarm: Alarm,
        payload_bytes: int,
        *,
        publisher: int = 0,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._session = session
        self._alarm = alarm
        self._now_ns = now_ns
        self._messages = MessageMaker(ECHO_EVENT, publisher, payload_bytes)
        self._schedule = ConstantRate(0, 1)
        self._first = 0
        self._until_ns = 0
        self._closed_loop = False
        self.due_ns = array("q")
        self.handed_ns = array("q")
        self.sent_ns = array("q")
        self.numbers = array("q")
        self.kernel_ns = array("q")
        self.user_ns = array("q")
        self.unanswered: set[int] = set()
        session.on(RESPONSE_EVENT, self._received)

    def open_loop(self, schedule: ConstantRate, until_ns: int) -> None:
        """Send on the schedule as long as a send is due before ``until_ns``."""
        self._closed_loop = False
        self._schedule = schedule
        self._until_ns = until_ns
        self._first = len(self.due_ns)
        self._alarm.at(schedule.start_ns, self._send_due)

    def closed_loop(self, until_ns: int) -> None:
        """Send now, and again whenever a reply comes before ``until_ns``."""
        self._closed_loop = True
        self._first = len(self.due_ns)
        self._until_ns = until_ns
        self._send(self._now_ns())

    def stop(self) -> None:
        """Send nothing more."""
        self._until_ns = 0

    @property
    def waited_for(self) -> int:
        """Messages of the present loop whose reply has not come."""
        return sum(1 for number in self.unanswered if number >= self._first)

    def replies(self, begin_ns: int, end_ns: int) -> tuple[Nanoseconds, int]:
        """What arrived in [begin, end).

        Returns:
            Receive lags of the present loop's replies, nanoseconds; and how many replies to the
            loop before it came beside them.
        """
        kernel = np.asarray(self.kernel_ns, dtype=np.int64)
        here = (kernel >= begin_ns) & (kernel < end_ns)
        own = np.asarray(self.numbers, dtype=np.int64) >= self._first
        lag: Nanoseconds = (np.asarray(self.user_ns, dtype=np.int64) - kernel)[here & own]
        return lag, int(np.count_nonzero(here & ~own))

    def _send(self, due_ns: int) -> None:
        number = len(self.due_ns)
        packets = self._packets(number)
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
        return identity(arguments)

    def _left(self) -> None:
        self.sent_ns.append(self._now_ns())

    def _send_due(self) -> None:
        if self._closed_loop:  # the open loop's last alarm, for a send after its end
            return
        index = len(self.due_ns) - self._first
        due_ns = self._schedule.due_ns(index)
        if due_ns < self._until_ns:
            self._send(due_ns)
            self._alarm.at(self._schedule.due_ns(index + 1), self._send_due)

    def _received(self, arguments: list[Any], kernel_ns: int, user_ns: int) -> None:
        found = self._identity(arguments)
        if found is None or found[1] not in self.unanswered:  # a second copy answers nothing
            return
        number = found[1]
        self.unanswered.remove(number)
        self.numbers.append(number)
        self.kernel_ns.append(kernel_ns)
        self.user_ns.append(user_ns)
        # Only the latest message's reply: a straggler of the open loop must not start a second.
        if self._closed_loop and number + 1 == len(self.due_ns) and user_ns < self._until_ns:
            self._send(self._now_ns())


class Loops(Protocol):
    """How long both loops are, and how fast the open one: an ``Echo``, or another's options."""

    @property
    def rate_hz(self) -> float:
        """Messages per second over all clients in the open loop."""

    @property
    def warmup_s(self) -> float:
        """Sent but not measured, at the beginning of each loop."""

    @property
    def latency_s(self) -> float:
        """Of the open loop that are measured."""

    @property
    def throughput_s(self) -> float:
        """Of the closed loop that are measured."""

    @property
    def drain_s(self) -> float:
        """How long the last replies of a loop may take before they count as lost."""


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """The measured messages of the open loop, over all clients: int64 arrays of nanoseconds."""

    due_ns: Nanoseconds
    latency_ns: Nanoseconds
    service_ns: Nanoseconds
    lateness_ns: Nanoseconds
    receive_lag_ns: Nanoseconds
    usage: Usage

    @property
    def lost(self) -> int:
        """Messages that were never answered."""
        return int(np.count_nonzero(self.latency_ns == NEVER))


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """What the closed loop gave.

    Attributes:
        receive_lag_ns: of the replies in the measured time.
        clients: that sent.
        lost: messages never answered.
        usage: over the measured time.
        stragglers: replies to the open loop that came in that time.
    """

    receive_lag_ns: Nanoseconds
    clients: int
    lost: int
    usage: Usage
    stragglers: int = 0

    @property
    def answered(self) -> int:
        """Replies that arrived in the measured time."""
        return len(self.receive_lag_ns)

    @property
    def round_trip_ns(self) -> float:
        """Mean time from one send of a client to its next (Little's law); 0 without replies."""
        return self.clients * self.usage.wall_ns / self.answered if self.answered else 0.0


def open_loop(bench: Bench, options: Loops, clients: Sequence[EchoClient]) -> OpenLoop:
    """Send on schedule and wait for the last replies; warm-up is sent and not measured."""
    start_ns = bench.now_ns() + LEAD_NS
    begin_ns = start_ns + round(options.warmup_s * 1e9)
    end_ns = begin_ns + round(options.latency_s * 1e9)
    schedules = staggered(start_ns, options.rate_hz, len(clients))
    for client, schedule in zip(clients, schedules, strict=True):
        client.open_loop(schedule, end_ns)
    bench.sleep_until(begin_ns)
    begin = bench.meter.read()
    bench.sleep_until(end_ns)
    end = bench.meter.read()
    _drain(bench, options, clients)
    return _combine(clients, begin_ns, end_ns, between(begin, end))


def _combine(clients: Sequence[EchoClient], begin_ns: int, end_ns: int, usage: Usage) -> OpenLoop:
    parts = []
    for client in clients:
        due = np.asarray(client.due_ns, dtype=np.int64)
        handed = np.asarray(client.handed_ns, dtype=np.int64)
        sent = np.full(len(due), NEVER, dtype=np.int64)
        sent[: len(client.sent_ns)] = client.sent_ns
        arrived = first_arrivals(client.numbers, client.kernel_ns, len(due))
        read = first_arrivals(client.numbers, client.user_ns, len(due))
        measured = (due >= begin_ns) & (due < end_ns)
        due, handed, sent, arrived, read = (
            each[measured] for each in (due, handed, sent, arrived, read)
        )
        here = arrived != NEVER
        lag = read[here] - arrived[here]
        parts.append((due, durations(due, arrived), durations(sent, arrived), handed - due, lag))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    due, latency, service, lateness, lag = columns
    return OpenLoop(due, latency, service, lateness, lag, usage)


def closed_loop(bench: Bench, options: Loops, clients: Sequence[EchoClient]) -> ClosedLoop:
    """Have every client send again when its reply has come; warm-up is not measured."""
    begin_ns = bench.now_ns() + round(options.warmup_s * 1e9)
    end_ns = begin_ns + round(options.throughput_s * 1e9)
    for client in clients:
        # A little beyond the end, so that the loop is still full when the clocks are read.
        client.closed_loop(end_ns + LEAD_NS)
    bench.sleep_until(begin_ns)
    begin = bench.meter.read()
    bench.sleep_until(end_ns)
    end = bench.meter.read()
    _drain(bench, options, clients)
    lags, stragglers = zip(*(each.replies(begin.at_ns, end.at_ns) for each in clients), strict=True)
    return ClosedLoop(
        receive_lag_ns=np.concatenate(lags),
        clients=len(clients),
        lost=sum(client.waited_for for client in clients),
        usage=between(begin, end),
        stragglers=sum(stragglers),
    )


def _drain(bench: Bench, options: Loops, clients: Sequence[EchoClient]) -> None:
    give_up_ns = bench.now_ns() + round(options.drain_s * 1e9)
    while any(client.waited_for for client in clients) and bench.now_ns() < give_up_ns:
        bench.sleep_until(min(bench.now_ns() + 5_000_000, give_up_ns))


def doubts(
    metrics: Mapping[str, Metric],
    values: Mapping[str, float | None],
    opened: OpenLoop,
    closed: ClosedLoop,
    *,
    families: Sequence[str],
    rates: Sequence[str],
) -> dict[str, str]:
    """Why numbers of the two loops are not to be trusted: name of a metric -> reason.

    Args:
        metrics: the scenario's, ``server_cpu`` among them.
        values: the numbers, by the metrics' names.
        opened: gives the quantiles.
        closed: gives the rates.
        families: those of the quantiles that the open loop gives.
        rates: the metrics that count the closed loop's replies.
    """
    latency = opened.latency_ns
    times = validity.names_of(metrics, *families)
    found = validity.lost_quantiles(metrics, values, opened.lost, len(latency))
    found |= validity.late_sends(
        metrics, "latency", latency_ns=latency, lateness_ns=opened.lateness_ns
    )
    found |= validity.saturated_server(times, opened.usage)
    found |= validity.busy_generator(times, opened.usage)
    found |= validity.growing_queue(times, due_ns=opened.due_ns, latency_ns=latency)
    found |= validity.backlog(
        (*rates, "server_cpu"), stragglers=closed.stragglers, answered=closed.answered
    )
    found |= validity.silent_loop(rates, answered=closed.answered, clients=closed.clients)
    found |= validity.busy_generator((*rates, "server_cpu"), closed.usage)
    found |= validity.slow_reading(
        rates, receive_lag_ns=closed.receive_lag_ns, round_trip_ns=closed.round_trip_ns
    )
    return found
