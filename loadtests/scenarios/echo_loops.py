"""What the loops of an echo gave: raw times of all turns together, and what speaks against them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.arithmetic import validity
from loadtests.arithmetic.samples import NEVER, Nanoseconds, durations, first_arrivals
from loadtests.arithmetic.usage import Usage, together
from loadtests.record.words import Metric
from loadtests.scenarios.echoed import Echoed


@dataclass(frozen=True, slots=True)
class Window:
    """When a loop was measured in one turn.

    Attributes:
        begin_ns, end_ns: by the moments at which sends were due (open loop) or replies arrived
            (closed loop), end excluded.
        firsts: for each client the number of the loop's first message.
        afters: the same of the first message after the loop.
        due: how many messages were due in it (open loop).
        usage: over it.
    """

    begin_ns: int
    end_ns: int
    firsts: tuple[int, ...]
    afters: tuple[int, ...]
    due: int
    usage: Usage

    @property
    def middle_ns(self) -> int:
        """Halfway between both."""
        return (self.begin_ns + self.end_ns) // 2


@dataclass(frozen=True, slots=True)
class EchoSlice:
    """One turn of either loop.

    Attributes:
        kind: ``open`` or ``closed``.
        window: when it was measured.
        messages: replies that came in the window of a closed loop. What an echo costs in an open
            one depends on the load, and is not told.
        answered: replies that came in all of the turn.
    """

    kind: str
    window: Window
    messages: int
    answered: int

    @property
    def usage(self) -> Usage:
        """Over the window."""
        return self.window.usage


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """The measured messages of the open loop, over all clients: int64 arrays of nanoseconds.

    Attributes:
        latency_ns, service_ns: of all that were due; NEVER stands for what did not come.
        in_second_half: which of them were due in the second half of their slice.
        lateness_ns, receive_lag_ns: of those that went out, and of those that came.
    """

    latency_ns: Nanoseconds
    service_ns: Nanoseconds
    in_second_half: NDArray[np.bool_]
    lateness_ns: Nanoseconds
    receive_lag_ns: Nanoseconds
    usage: Usage

    @property
    def lost(self) -> int:
        """Messages that were never answered, or never sent though they were due."""
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


def combine_open(clients: Collection[Echoed], windows: Sequence[Window]) -> OpenLoop:
    """What the open loop of these turns gave; a reply may have come in any turn since."""
    parts = []
    for client in clients:
        due = np.asarray(client.due_ns, dtype=np.int64)
        handed = np.asarray(client.handed_ns, dtype=np.int64)
        sent = np.full(len(due), NEVER, dtype=np.int64)
        sent[: len(client.sent_ns)] = client.sent_ns
        arrived = first_arrivals(client.numbers, client.kernel_ns, len(due))
        read = first_arrivals(client.numbers, client.user_ns, len(due))
        measured, second = np.zeros((2, len(due)), dtype=bool)
        for window in windows:
            measured |= (due >= window.begin_ns) & (due < window.end_ns)
            second |= (due >= window.middle_ns) & (due < window.end_ns)
        due, handed, sent, arrived, read, second = (
            each[measured] for each in (due, handed, sent, arrived, read, second)
        )
        here = arrived != NEVER
        lag = read[here] - arrived[here]
        took, served = durations(due, arrived), durations(sent, arrived)
        parts.append((took, served, second, handed - due, lag))
    latency, service, second, lateness, lag = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    # Held against rate × time: what was due and never went out was never answered either.
    missing = sum(window.due for window in windows) - len(latency)
    unsent = np.full(missing, NEVER, dtype=np.int64)
    return OpenLoop(
        latency_ns=np.concatenate([latency, unsent]),
        service_ns=np.concatenate([service, unsent]),
        in_second_half=np.concatenate([second, np.ones(missing, dtype=bool)]),
        lateness_ns=lateness,
        receive_lag_ns=lag,
        usage=together([window.usage for window in windows]),
    )


def combine_closed(clients: Collection[Echoed], windows: Sequence[Window]) -> ClosedLoop:
    """What the closed loop of these turns gave."""
    lags, stragglers, lost = [], 0, 0
    for window in windows:
        for client, first, after in zip(clients, window.firsts, window.afters, strict=True):
            lag, late = client.replies(window.begin_ns, window.end_ns, first)
            lags.append(lag)
            stragglers += late
            lost += sum(1 for number in client.unanswered if first <= number < after)
    return ClosedLoop(
        receive_lag_ns=np.concatenate(lags),
        clients=len(clients),
        lost=lost,
        usage=together([window.usage for window in windows]),
        stragglers=stragglers,
    )


class Doubts(NamedTuple):
    """Why numbers are not to be trusted.

    Attributes:
        invalid: name of a metric -> reason.
        disturbed: see Measurement.
    """

    invalid: dict[str, str]
    disturbed: list[str]


def doubts(
    metrics: Mapping[str, Metric],
    values: Mapping[str, float | None],
    opened: OpenLoop,
    closed: ClosedLoop,
    *,
    families: Sequence[str],
    rates: Sequence[str],
) -> Doubts:
    """What speaks against numbers of the two loops.

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
    late = validity.late_sends(
        metrics, "latency", latency_ns=latency, lateness_ns=opened.lateness_ns
    )
    found = validity.lost_quantiles(metrics, values, opened.lost, len(latency)) | late
    found |= validity.saturated_server(times, opened.usage)
    found |= validity.busy_generator(times, opened.usage)
    found |= validity.growing_queue(times, second_half=opened.in_second_half, latency_ns=latency)
    found |= validity.lost_in_loop(rates, lost=closed.lost, answered=closed.answered)
    # Behind a backlog replies may be lost as well: this says where they were.
    found |= validity.backlog(
        (*rates, "server_cpu"), stragglers=closed.stragglers, answered=closed.answered
    )
    found |= validity.silent_loop(rates, answered=closed.answered, clients=closed.clients)
    found |= validity.busy_generator((*rates, "server_cpu"), closed.usage)
    found |= validity.slow_reading(
        rates, receive_lag_ns=closed.receive_lag_ns, round_trip_ns=closed.round_trip_ns
    )
    spared = validity.surely_late(
        metrics, "latency", invalid=found, late=late, lateness_ns=opened.lateness_ns
    )
    return Doubts(found, spared if not opened.lost + closed.lost else [])
