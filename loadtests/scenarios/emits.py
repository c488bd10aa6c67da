"""Emits: the server sends by its own schedule, from a background task or from a thread.

Each message says when it was due and when it was emitted, by the clock that all processes of one
host share: so it is told apart what the emitting itself was late by, and what delivery took. That
is why it wants a server of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import NEVER, Nanoseconds, quantiles_ms
from loadtests.arithmetic.usage import Usage, between, metrics
from loadtests.arithmetic.validity import names_of
from loadtests.record.application import EMITS_EVENT, EMITTED_EVENT
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.scenario import EVERY_TRIAL, Count, Positive, Scenario, table
from loadtests.scenarios.turns import in_turns

if TYPE_CHECKING:
    from loadtests.client.session import Session

NAME = "emits"
_FEWEST = 20


class By(StrEnum):
    """Who emits."""

    TASK = "task"  #: socketio.start_background_task
    THREAD = "thread"  #: threading.Thread, which gevent and eventlet have replaced
    NATIVE = "native"  #: a thread of the operating system, as of a library that nothing has patched

    @property
    def row(self) -> str:
        """Its row's name."""
        return f"{NAME}:{self}"


class Emits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages that the server sends by itself.

    Attributes:
        by: who emits; a row each.
        recipients: connections.
        rate_hz: messages per second, each to all recipients.
        measure_s: of each row.
        drain_s: how long the last copies may take before they count as missing.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    by: Annotated[list[By], Meta(min_length=1)] = msgspec.field(default_factory=lambda: list(By))
    recipients: Count = 20
    rate_hz: Positive = 20
    measure_s: Positive = 3.0
    drain_s: Positive = 2.0
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if len(set(self.by)) < len(self.by):
            raise ValueError("somebody is named twice")
        if self.messages < _FEWEST:
            raise ValueError(
                f"rate_hz × measure_s is below {_FEWEST} messages; "
                f"measure_s = {_FEWEST / self.rate_hz:g} would do"
            )

    @property
    def messages(self) -> int:
        """How many are emitted by each."""
        return int(self.rate_hz * self.measure_s)


METRICS = table(
    Metric("delivery_p50", Unit.MILLISECONDS, Better.LOWER, "delivery p50", "half of the copies reached their recipient within this, from when they were due to be emitted", "delivery", 0.5),
    Metric("delivery_p99", Unit.MILLISECONDS, Better.LOWER, "delivery p99", "99 of 100 copies reached their recipient within this", "delivery", 0.99),
    Metric("emit_late_p50", Unit.MILLISECONDS, Better.LOWER, "emitted late p50", "half of the messages were emitted no later than this after they were due", "emit_late", 0.5),
    Metric("emit_late_p99", Unit.MILLISECONDS, Better.LOWER, "emitted late p99", "99 of 100 messages were emitted no later than this after they were due", "emit_late", 0.99),
    Metric("missing", Unit.MESSAGES, Better.LOWER, "missing", "copies that never reached their recipient"),
    Metric("duplicate", Unit.MESSAGES, Better.LOWER, "duplicate", "copies beyond a recipient's first"),
    *(metric for metric in EVERY_TRIAL.values() if metric.name != "lateness_p99"),
)  # fmt: skip


class Listener:
    """Keeps what one session is sent.

    Attributes:
        copies: number, due, emitted, kernel and user time of each, since ``clear``.
    """

    def __init__(self, session: Session) -> None:
        self.copies: list[tuple[int, int, int, int, int]] = []
        session.on(EMITTED_EVENT, self._came)

    def _came(self, arguments: list[Any], kernel_ns: int, user_ns: int) -> None:
        try:
            number, due_ns, emitted_ns = map(int, arguments[0]["data"].split(":"))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return  # none of ours
        self.copies.append((number, due_ns, emitted_ns, kernel_ns, user_ns))


@dataclass(frozen=True, slots=True)
class Emitted:
    """One turn: what everybody got of one row's messages.

    Attributes:
        kind: the row.
        delivery_ns: of every expected copy; NEVER for one that did not come.
        late_ns: of every message that anybody got.
        lag_ns: of every copy that came.
        missing, duplicate: copies.
    """

    kind: str
    delivery_ns: Nanoseconds
    late_ns: Nanoseconds
    lag_ns: Nanoseconds
    missing: int
    duplicate: int
    usage: Usage

    @property
    def messages(self) -> int:
        """See turns.Piece."""
        return len(self.lag_ns)

    @property
    def answered(self) -> int:
        """See turns.Piece; what never comes is a result here, so nothing is silent."""
        return len(self.lag_ns) or 1


def measure(bench: Bench, options: Emits) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: the server does not emit when it is asked to.
        Unfinished: the run was interrupted.
    """
    listeners = [Listener(session) for session in bench.sessions]
    taken = in_turns(
        bench,
        len(options.by),
        lambda number: _turn(bench, options, listeners, options.by[number]),
        cycle=len(options.by),
    )
    found = {piece.kind: piece for piece in taken.pieces}
    rows = []
    for by in options.by:
        if by.row not in found:
            raise Unfinished
        measured = summarise(found[by.row], bench.meter.server_mib())
        missing = measured.metrics["missing"] or 0
        rows.append(measured.disturbed_by(taken.doubts.get(by.row), list(METRICS), lost=missing))
    return rows


def _turn(bench: Bench, options: Emits, listeners: Sequence[Listener], by: By) -> Emitted:
    for listener in listeners:
        listener.copies.clear()
    begun: list[int] = []
    order = {"by": str(by), "rate_hz": options.rate_hz, "messages": options.messages}
    begin = bench.meter.read()
    asked_ns = bench.now_ns()
    bench.sessions[0].emit(EMITS_EVENT, order, on_ack=lambda *_: begun.append(bench.now_ns()))
    end_ns = bench.now_ns() + round((options.measure_s + 1 / options.rate_hz) * 1e9)
    bench.sleep_until(end_ns)
    usage = between(begin, bench.meter.read())
    give_up_ns = end_ns + round(options.drain_s * 1e9)
    while bench.now_ns() < give_up_ns and any(
        len(listener.copies) < options.messages for listener in listeners
    ):
        bench.sleep_until(min(bench.now_ns() + 5_000_000, give_up_ns))
    if not begun:
        raise TrialFailed(
            f"the server did not answer {EMITS_EVENT!r} in {bench.place.namespace}: is it ours?"
        )
    # What was due before is an earlier row's, and late.
    copies = [[copy for copy in each.copies if copy[1] >= asked_ns] for each in listeners]
    return gathered(by.row, copies, options.messages, usage)


def gathered(
    kind: str,
    copies: Sequence[Sequence[tuple[int, int, int, int, int]]],
    messages: int,
    usage: Usage,
) -> Emitted:
    """Account for every copy.

    Args:
        kind: the row.
        copies: of each recipient, see Listener.
        messages: that were to be emitted, numbered from 0.
        usage: over the time in which they were.
    """
    delivery: list[int] = []
    lag: list[int] = []
    late: dict[int, int] = {}
    duplicate = 0
    for own in copies:
        first: dict[int, int] = {}
        for number, due_ns, emitted_ns, kernel_ns, user_ns in own:
            if not 0 <= number < messages:
                continue
            if number in first:
                duplicate += 1
                continue
            first[number] = kernel_ns - due_ns
            late[number] = emitted_ns - due_ns
            lag.append(user_ns - kernel_ns)
        delivery += [first.get(number, NEVER) for number in range(messages)]
    return Emitted(
        kind=kind,
        delivery_ns=np.asarray(delivery, dtype=np.int64),
        late_ns=np.asarray(list(late.values()), dtype=np.int64),
        lag_ns=np.asarray(lag, dtype=np.int64),
        missing=delivery.count(NEVER),
        duplicate=duplicate,
        usage=usage,
    )


def summarise(emitted: Emitted, server_mib: float | None) -> Measurement:
    """The row of one that emits."""
    common, unavailable = metrics(emitted.usage, emitted.messages, server_mib)
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "delivery", emitted.delivery_ns),
        **quantiles_ms(METRICS, "emit_late", emitted.late_ns),
        "missing": float(emitted.missing),
        "duplicate": float(emitted.duplicate),
        **quantiles_ms(METRICS, "receive_lag", emitted.lag_ns),
        **common,
    }
    total = len(emitted.delivery_ns)
    invalid = validity.lost_quantiles(METRICS, values, emitted.missing, total)
    invalid |= validity.busy_generator(names_of(METRICS, "delivery"), emitted.usage)
    return Measurement(
        row=emitted.kind,
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={"delivery": total, "emit_late": len(emitted.late_ns)},
        distributions={"delivery": histogram(emitted.delivery_ns)},
    )


def _order(row: str) -> tuple[float, ...]:
    rows = [by.row for by in By]
    return (rows.index(row) if row in rows else len(rows),)


def by_of(row: str) -> By | None:
    """Who emits in a row; None where it is no row of ours."""
    found: Mapping[str, By] = {by.row: by for by in By}
    return found.get(row)


SCENARIO = Scenario(
    name=NAME,
    rank=41,
    options=Emits,
    metrics=METRICS,
    clients=lambda options: options.recipients,
    expected_s=lambda options: len(options.by) * (options.measure_s + 0.2),
    longest_wait_s=lambda options: len(options.by) * options.drain_s,
    rows=lambda options, _variant: [by.row for by in options.by],
    order=_order,
    with_clients=(Client.TRANSPORT_BENCH,),
    needs_journal="what the server emits by itself, only a server of ours can be asked for",
    takes_turns=True,
    reaches_all=True,
    measure=measure,
)
