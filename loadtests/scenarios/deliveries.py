"""Who got which broadcast when: what was published matched with what was received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.arithmetic.samples import (
    NEVER,
    Audit,
    Nanoseconds,
    audit,
    durations,
    first_arrivals,
    milliseconds,
    quantile,
)
from loadtests.arithmetic.usage import Usage
from loadtests.scenarios.broadcasting import Published, Received

KIND = "broadcast"  #: of its slices


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


def came(recipients: Sequence[Received], piece: BroadcastSlice) -> int:
    """Copies that came while the usage of a slice was measured."""
    return sum(
        int(np.count_nonzero((kernel_ns >= piece.read_begin_ns) & (kernel_ns < piece.read_end_ns)))
        for kernel_ns in (each.kernel_ns for each in recipients)
    )


def alone(
    publishers: Sequence[Published], recipients: Sequence[Received], piece: BroadcastSlice
) -> dict[str, float | None]:
    """What a slice alone came to, by the names of metrics."""
    found = collect(publishers, recipients, [piece])
    copies, server_ns = came(recipients, piece), piece.usage.server_ns
    return {
        "delivery_p50": milliseconds(quantile(found.delivery_ns, 0.5)),
        "last_recipient_p50": milliseconds(quantile(found.last_recipient_ns, 0.5)),
        "server_cpu": server_ns / copies / 1000 if server_ns is not None and copies else None,
    }
