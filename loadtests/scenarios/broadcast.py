"""Broadcast: publishers send on a schedule, everybody receives every message.

Latency of a delivery runs from when its broadcast was due. Every copy is accounted for: what a
recipient did not get, got twice or got out of order is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import numpy as np

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.pacing import staggered
from loadtests.arithmetic.samples import (
    NEVER,
    Audit,
    Nanoseconds,
    audit,
    durations,
    first_arrivals,
    quantiles_ms,
)
from loadtests.arithmetic.usage import Usage, between, metrics, together
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Metric, Unit
from loadtests.scenarios.bench import Bench, hint
from loadtests.scenarios.broadcasting import Published, Received, Recipient, broadcaster
from loadtests.scenarios.broadcasts import Broadcasts, LocalBroadcasts
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    NotNegative,
    PayloadBytes,
    Positive,
    Scenario,
    Speaks,
    table,
)
from loadtests.scenarios.turns import SETTLE_S, in_turns, rounds_of

KIND = "broadcast"  #: of its slices
#: A slice of so many says enough, since each is to many recipients.
_FEWEST_BROADCASTS = 3
_PAUSE_S = 0.03  # in each turn: the lead, and the last copies


class Broadcast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Publishers send at a rate; everybody receives everything.

    Attributes:
        recipients: connections; the publishers are among them, since a broadcast reaches its
            sender too.
        publishers: how many of them publish.
        rate_hz: broadcasts per second over all publishers.
        payload_bytes, warmup_s, drain_s, rounds, settle_s, blocks: as in echo.
        measure_s: of the open loop that are measured, over all turns.
    """

    recipients: Count
    publishers: Count
    rate_hz: Positive
    measure_s: Positive
    payload_bytes: PayloadBytes = 32
    warmup_s: NotNegative = 1.0
    drain_s: Positive = 2.0
    rounds: Count | None = None
    settle_s: NotNegative = SETTLE_S
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if self.publishers > self.recipients:
            raise ValueError("publishers are among the recipients, so there cannot be more of them")
        if self.rate_hz * self.measure_s < 1:
            raise ValueError("rate_hz × measure_s is below 1: no broadcast would be measured")
        self._cut()

    @property
    def slices(self) -> int:
        """In how many turns it is cut."""
        return self._cut()

    def _cut(self) -> int:
        return rounds_of(self.measure_s, self.rate_hz, self.rounds, fewest=_FEWEST_BROADCASTS)


METRICS = table(
    Metric("delivery_p50", Unit.MILLISECONDS, Better.LOWER, "delivery p50", "half of the copies reached their recipient within this, from when the broadcast was due", "delivery", 0.5),
    Metric("delivery_p99", Unit.MILLISECONDS, Better.LOWER, "delivery p99", "99 of 100 copies reached their recipient within this", "delivery", 0.99),
    Metric("last_recipient_p50", Unit.MILLISECONDS, Better.LOWER, "last recipient p50", "in half of the broadcasts the last recipient had its copy within this", "last_recipient", 0.5),
    Metric("last_recipient_p99", Unit.MILLISECONDS, Better.LOWER, "last recipient p99", "in 99 of 100 broadcasts the last recipient had its copy within this", "last_recipient", 0.99),
    Metric("deliveries", Unit.PER_SECOND, Better.NEITHER, "deliveries", "copies delivered per second at the offered load"),
    Metric("missing", Unit.MESSAGES, Better.LOWER, "missing", "copies that never reached their recipient"),
    Metric("duplicate", Unit.MESSAGES, Better.LOWER, "duplicate", "copies beyond a recipient's first"),
    Metric("reordered", Unit.MESSAGES, Better.LOWER, "reordered", "copies that arrived after a later one of the same publisher"),
    *EVERY_TRIAL.values(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The measured broadcasts.

    Attributes:
        delivery_ns: latency of every expected copy; NEVER for one that did not come.
        last_recipient_ns: of every broadcast; NEVER where a copy is missing.
        lateness_ns: of every broadcast.
        receive_lag_ns: of every copy that came.
        audit: over all recipients and publishers.
    """

    delivery_ns: Nanoseconds
    last_recipient_ns: Nanoseconds
    lateness_ns: Nanoseconds
    receive_lag_ns: Nanoseconds
    audit: Audit


@dataclass(frozen=True, slots=True)
class BroadcastSlice:
    """One turn.

    Attributes:
        begin_ns, end_ns: by the moments at which broadcasts were due, end excluded.
        read_begin_ns, read_end_ns: when the clocks of ``usage`` were read.
        due: broadcasts that were due in it.
        messages: copies that came while ``usage`` was measured.
        answered: copies that came in all of the turn.
    """

    begin_ns: int
    end_ns: int
    read_begin_ns: int
    read_end_ns: int
    due: int
    messages: int
    answered: int
    usage: Usage
    kind: str = KIND


def measure(bench: Bench, options: Broadcast) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: nothing was delivered, or every client lost its connection.
    """
    asked = partial(hint, bench, bench.place.broadcast)
    casts = broadcasts(bench, options.publishers, options.payload_bytes)
    taken = in_turns(
        bench,
        options.slices,
        lambda number: slice_of(bench, options, casts, number),
        hint=asked,
    )
    pieces = taken.pieces
    received = casts.received()
    deliveries = collect(casts.published, received, pieces)
    # What went wrong in a slice that was left out went wrong all the same.
    audit_of_all = collect(casts.published, received, taken.every).audit
    if not len(deliveries.receive_lag_ns):
        raise TrialFailed(f"none of {len(deliveries.delivery_ns)} copies was delivered; {asked()}")
    arrived = sum(
        int(np.count_nonzero((kernel_ns >= piece.read_begin_ns) & (kernel_ns < piece.read_end_ns)))
        for kernel_ns in (each.kernel_ns for each in received)
        for piece in pieces
    )
    usage = together([piece.usage for piece in pieces])
    deliveries = replace(deliveries, audit=audit_of_all)
    found = summarise(deliveries, arrived, usage, bench.meter.server_mib())
    reason = next(iter(taken.doubts.values()), None)
    touched = [name for name in METRICS if name not in Audit._fields]
    return [found.disturbed_by(reason, touched, lost=audit_of_all.missing)]


def broadcasts(bench: Bench, publishers: int, payload_bytes: int) -> Broadcasts:
    """Everybody receives, and the first so many publish."""
    if bench.crew is not None:
        return bench.crew.broadcasts(publishers, payload_bytes)
    return local_broadcasts(bench, [(each, each) for each in range(publishers)], payload_bytes)


def local_broadcasts(
    bench: Bench, publishers: Iterable[tuple[int, int]], payload_bytes: int
) -> LocalBroadcasts:
    """Everybody in this process receives.

    Args:
        bench: of the trial.
        publishers: number of each, and which of the sessions it is.
        payload_bytes: of each message.
    """
    return LocalBroadcasts(
        published=[
            broadcaster(bench, number, bench.sessions[which], payload_bytes)
            for number, which in publishers
        ],
        recipients=[Recipient(each, exchange=bench.place.broadcast) for each in bench.sessions],
    )


def slice_of(bench: Bench, options: Broadcast, casts: Broadcasts, number: int) -> BroadcastSlice:
    """One turn: publish on schedule, and wait for the last copies."""
    uncounted_s = options.settle_s if number else options.warmup_s
    start_ns = bench.first_due_ns(options.rate_hz)
    begin_ns = start_ns + round(uncounted_s * 1e9)
    end_ns = begin_ns + round(options.measure_s / options.slices * 1e9)
    schedules = staggered(start_ns, options.rate_hz, len(casts.published))
    casts.begin(schedules, end_ns)
    bench.sleep_until(begin_ns)
    begin = bench.meter.read()
    bench.sleep_until(end_ns)
    end = bench.meter.read()
    give_up_ns = bench.now_ns() + round(options.drain_s * 1e9)
    while bench.now_ns() < give_up_ns and casts.progress().outstanding:
        bench.sleep_until(min(bench.now_ns() + 5_000_000, give_up_ns))
    casts.stop()  # what is still owed is missing, and not to be sent later
    return BroadcastSlice(
        begin_ns=begin_ns,
        end_ns=end_ns,
        read_begin_ns=begin.at_ns,
        read_end_ns=end.at_ns,
        due=sum(schedule.due_between(begin_ns, end_ns) for schedule in schedules),
        messages=casts.came_between(begin.at_ns, end.at_ns),
        answered=casts.progress().copies,
        usage=between(begin, end),
    )


def collect(
    publishers: Sequence[Published],
    recipients: Sequence[Received],
    pieces: Sequence[BroadcastSlice],
) -> Deliveries:
    """Match what was sent with what was received, for the broadcasts due in these slices."""
    delivery, last, lateness, lag = [], [], [], []
    counts = [Audit(0, 0, 0)]
    for number, publisher in enumerate(publishers):
        due = np.asarray(publisher.due_ns, dtype=np.int64)
        measured = np.zeros(len(due), dtype=bool)
        for piece in pieces:
            measured |= (due >= piece.begin_ns) & (due < piece.end_ns)
        lateness.append((np.asarray(publisher.sent_ns, dtype=np.int64) - due)[measured])
        expected = np.flatnonzero(measured).tolist()
        latest = np.zeros(int(measured.sum()), dtype=np.int64)
        for recipient in recipients:
            own = recipient.publishers == number
            numbers = recipient.numbers[own]
            counts.append(audit(numbers.tolist(), expected))
            kernel = first_arrivals(numbers, recipient.kernel_ns[own], len(due))
            user = first_arrivals(numbers, recipient.user_ns[own], len(due))
            kernel, user = kernel[measured], user[measured]
            here = kernel != NEVER
            lag.append(user[here] - kernel[here])
            took = durations(due[measured], kernel)
            delivery.append(took)
            latest = np.maximum(latest, took)
        last.append(latest)
    # Nobody got what was due and never went out.
    unsent = sum(piece.due for piece in pieces) - sum(map(len, last))
    counts.append(Audit(missing=unsent * len(recipients), duplicate=0, reordered=0))
    return Deliveries(
        delivery_ns=np.concatenate([*delivery, _never(unsent * len(recipients))]),
        last_recipient_ns=np.concatenate([*last, _never(unsent)]),
        lateness_ns=np.concatenate(lateness),
        receive_lag_ns=np.concatenate(lag),
        audit=Audit(*(sum(column) for column in zip(*counts, strict=True))),
    )


def _never(count: int) -> Nanoseconds:
    return np.full(count, NEVER, dtype=np.int64)


def summarise(
    deliveries: Deliveries, arrived: int, usage: Usage, server_mib: float | None
) -> Measurement:
    """The metrics of a broadcast.

    Args:
        deliveries: of the measured time, by due time.
        arrived: copies that came while ``usage`` was measured.
        usage: over the measured time.
        server_mib: resident memory at the end.
    """
    common, unavailable = metrics(usage, arrived, server_mib)
    delivery, last = deliveries.delivery_ns, deliveries.last_recipient_ns
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "delivery", delivery),
        **quantiles_ms(METRICS, "last_recipient", last),
        "deliveries": arrived / (usage.wall_ns / 1e9),
        **{name: float(count) for name, count in deliveries.audit._asdict().items()},
        **quantiles_ms(METRICS, "lateness", deliveries.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", deliveries.receive_lag_ns),
        **common,
    }
    times = {"delivery": delivery, "last_recipient": last}
    timed = validity.names_of(METRICS, *times)
    late: dict[str, str] = {}
    for family, latency_ns in times.items():
        late |= validity.late_sends(
            METRICS, family, latency_ns=latency_ns, lateness_ns=deliveries.lateness_ns
        )
    invalid = validity.lost_quantiles(METRICS, values, deliveries.audit.missing, len(delivery))
    invalid |= late
    invalid |= validity.saturated_server(timed, usage)
    invalid |= validity.busy_generator((*timed, "deliveries", "server_cpu"), usage)
    spared = validity.surely_late(
        METRICS, *times, invalid=invalid, late=late, lateness_ns=deliveries.lateness_ns
    )
    return Measurement(
        row=SCENARIO.name,
        metrics=values,
        invalid=invalid,
        disturbed=[] if deliveries.audit.missing else spared,
        unavailable=unavailable,
        samples={family: len(found) for family, found in times.items()},
        distributions={family: histogram(found) for family, found in times.items()},
    )


SCENARIO = Scenario(
    name="broadcast",
    rank=20,
    options=Broadcast,
    metrics=METRICS,
    clients=lambda options: options.recipients,
    expected_s=lambda options: (
        options.warmup_s + options.measure_s + options.slices * (options.settle_s + _PAUSE_S)
    ),
    longest_wait_s=lambda options: options.drain_s * options.slices,
    speaks=Speaks.BROADCAST,
    spreads=True,
    measure=measure,
    takes_turns=True,
    reaches_all=True,
)
