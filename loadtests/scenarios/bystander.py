"""Bystander: what everybody else waits while the handler of one client is at work.

One client orders work, again and again; the others echo on a schedule, and their latency is what is
measured: without any work, and with each kind of it, taking turns on one server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import quantiles_ms
from loadtests.arithmetic.usage import metrics
from loadtests.arithmetic.validity import names_of
from loadtests.record.application import WORK_EVENT
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios.bench import Bench, hint
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echo_loops import EchoSlice, OpenLoop, combine_open
from loadtests.scenarios.echoes import LocalEchoes
from loadtests.scenarios.echoing import open_window
from loadtests.scenarios.errors import Unfinished
from loadtests.scenarios.messages import ECHO
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    NotNegative,
    PayloadBytes,
    Positive,
    Scenario,
    table,
)
from loadtests.scenarios.turns import SETTLE_S, in_turns

if TYPE_CHECKING:
    from loadtests.client.session import Session

NAME = "bystander"


class Work(StrEnum):
    """What the handler of the one client does."""

    NONE = "none"  #: nothing: what all others are held against
    SLEEP = "sleep"  #: waits as the mode provides for (socketio.sleep)
    BLOCK = "block"  #: waits in a way that the mode cannot see
    COMPUTE = "compute"
    EMIT = "emit"  #: sends many messages in a loop

    @property
    def row(self) -> str:
        """Its row's name."""
        return f"{NAME}:{self}"


class Bystander(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Echoes of clients while another's handler works.

    Attributes:
        works: of the handler, beside none at all.
        clients: bystanders; the one that orders work comes on top.
        rate_hz: messages per second over all bystanders.
        payload_bytes, drain_s: as in echo.
        work_s: how long it computes, sleeps or blocks.
        emits: how many messages it sends.
        every_s: from one order to the next, if the one before is done.
        measure_s: that each kind of work is measured, over all turns.
        rounds: in how many turns.
        warmup_s: sent but not measured, in the first turn of a kind; ``settle_s`` in each later one.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    works: Annotated[list[Work], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [work for work in Work if work is not Work.NONE]
    )
    clients: Count = 20
    rate_hz: Positive = 300
    payload_bytes: PayloadBytes = 32
    work_s: Positive = 0.1
    emits: Count = 1000
    every_s: Positive = 0.5
    measure_s: Positive = 3.5
    rounds: Count = 2
    drain_s: Positive = 3.0
    warmup_s: NotNegative = 0.2
    settle_s: NotNegative = SETTLE_S
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if len(set(self.works)) < len(self.works):
            raise ValueError("a kind of work is named twice")
        if self.work_s >= self.every_s:
            raise ValueError("work_s is not below every_s: the handler would never be idle")
        if self.measure_s / self.rounds < 2 * self.every_s:
            raise ValueError(
                "a turn holds fewer than two orders; measure_s = "
                f"{2 * self.every_s * self.rounds:g} would do"
            )
        if self.work_s >= self.drain_s:
            raise ValueError("drain_s is not above work_s: what waits for it would count as lost")

    @property
    def kinds(self) -> list[Work]:
        """Those that are measured, none at all first."""
        return [Work.NONE, *(work for work in self.works if work is not Work.NONE)]


METRICS = table(
    Metric("latency_p50", Unit.MILLISECONDS, Better.LOWER, "latency p50", "half of the bystanders' echoes came back within this, from when they were due", "latency", 0.5),
    Metric("latency_p99", Unit.MILLISECONDS, Better.LOWER, "latency p99", "99 of 100 of the bystanders' echoes came back within this", "latency", 0.99),
    Metric("latency_max", Unit.MILLISECONDS, Better.LOWER, "latency max", "the slowest of the bystanders' echoes", "latency", 1.0),
    Metric("rise_p99", Unit.MILLISECONDS, Better.LOWER, "rise of p99", "how much more that is than without any work, in the same trial"),
    Metric("orders", Unit.MESSAGES, Better.NEITHER, "orders", "how often the work was done while this was measured"),
    Metric("lost", Unit.MESSAGES, Better.LOWER, "lost", "echoes that never came back"),
    *EVERY_TRIAL.values(),
)  # fmt: skip


@dataclass(slots=True)
class _Worker:
    """The client that orders work.

    Attributes:
        done: orders that were carried out, by kind.
        waiting: whether one is under way.
    """

    session: Session
    options: Bystander
    done: dict[Work, int] = field(default_factory=dict)
    waiting: bool = False

    def order(self, kind: Work) -> None:
        """Order work, unless some is under way."""
        if self.waiting or self.session.ended is not None:
            return
        amount = self.options.emits if kind is Work.EMIT else self.options.work_s
        self.waiting = True

        def over(_answer: Any, _kernel_ns: int, _user_ns: int) -> None:
            self.waiting = False
            self.done[kind] = self.done.get(kind, 0) + 1

        self.session.emit(WORK_EVENT, {"work": str(kind), "amount": amount}, on_ack=over)


def measure(bench: Bench, options: Bystander) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: nothing was answered, or every client lost its connection.
    """
    *others, one = bench.sessions
    clients = LocalEchoes(
        EchoClient(session, bench.alarm, options.payload_bytes, now_ns=bench.now_ns)
        for session in others
    )
    worker = _Worker(one, options)
    kinds = options.kinds
    try:
        taken = in_turns(
            bench,
            options.rounds * len(kinds),
            lambda number: _slice(bench, options, clients, worker, number),
            cycle=len(kinds),
            hint=partial(hint, bench, ECHO),
        )
    finally:
        clients.stop()
    counted, every = _by_kind(taken.pieces), _by_kind(taken.every)
    if not all(counted.get(kind) for kind in kinds):
        raise Unfinished
    found: dict[Work, Measurement] = {}
    for kind in kinds:
        opened = combine_open(clients, [piece.window for piece in counted[kind]])
        lost = combine_open(clients, [piece.window for piece in every[kind]]).lost
        calm = found.get(Work.NONE)
        taken_of = summarise(kind, opened, lost, worker.done.get(kind, 0), calm, bench)
        found[kind] = taken_of.disturbed_by(
            taken.doubts.get(kind), (*names_of(METRICS, "latency"), "rise_p99"), lost=lost
        )
    return list(found.values())


def _by_kind(pieces: Sequence[EchoSlice]) -> Mapping[str, list[EchoSlice]]:
    found: dict[str, list[EchoSlice]] = {}
    for piece in pieces:
        found.setdefault(piece.kind, []).append(piece)
    return found


def _slice(
    bench: Bench, options: Bystander, clients: LocalEchoes[EchoClient], worker: _Worker, number: int
) -> EchoSlice:
    """One turn: a kind of work again and again, and everybody's echoes."""
    round_, place = divmod(number, len(options.kinds))
    kind = options.kinds[place]
    uncounted_s = options.settle_s if round_ else options.warmup_s
    seconds = options.measure_s / options.rounds
    before = sum(len(client.numbers) for client in clients)
    if kind is not Work.NONE:
        begin_ns = bench.now_ns() + round(uncounted_s * 1e9)
        for order in range(int(seconds / options.every_s)):
            # Not at the very beginning: the last one ends within the time that is measured.
            due_ns = begin_ns + round((order + 0.25) * options.every_s * 1e9)
            bench.alarm.at(due_ns, lambda: worker.order(kind))
    window = open_window(bench, options, clients, uncounted_s, seconds)
    give_up_ns = bench.now_ns() + round(options.drain_s * 1e9)
    while worker.waiting and worker.session.ended is None and bench.now_ns() < give_up_ns:
        bench.sleep_until(bench.now_ns() + 5_000_000)
    return EchoSlice(
        kind=kind,
        window=window,
        messages=0,  # what an echo costs beside work is not to be told
        answered=sum(len(client.numbers) for client in clients) - before,
    )


def summarise(
    kind: Work, opened: OpenLoop, lost: int, orders: int, calm: Measurement | None, bench: Bench
) -> Measurement:
    """The row of a kind of work.

    Args:
        kind: of work.
        opened: the bystanders' echoes beside it.
        lost: of all turns.
        orders: that were carried out.
        calm: the row without any work; None where this is that one.
        bench: whose server's memory is read.
    """
    latency = opened.latency_ns
    came = len(latency) - opened.lost
    common, unavailable = metrics(opened.usage, came, bench.meter.server_mib())
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "latency", latency),
        "rise_p99": None,
        "orders": float(orders),
        "lost": float(lost),
        **quantiles_ms(METRICS, "lateness", opened.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", opened.receive_lag_ns),
        **common,
    }
    late = validity.late_sends(
        METRICS, "latency", latency_ns=latency, lateness_ns=opened.lateness_ns
    )
    invalid = validity.lost_quantiles(METRICS, values, opened.lost, len(latency)) | late
    invalid |= validity.busy_generator(names_of(METRICS, "latency"), opened.usage)
    if kind is not Work.NONE and values["server_cpu"] is not None:
        values["server_cpu"] = None
        unavailable["server_cpu"] = "the work itself is in it"
    if kind is Work.NONE:
        unavailable["rise_p99"] = "this is what the others are held against"
    else:
        invalid |= _risen(values, invalid, orders, calm)
    spared = validity.surely_late(
        METRICS, "latency", invalid=invalid, late=late, lateness_ns=opened.lateness_ns
    )
    return Measurement(
        row=kind.row,
        metrics=values,
        invalid=invalid,
        disturbed=[] if lost else spared,
        unavailable=unavailable,
        samples={"latency": len(latency)},
        distributions={"latency": histogram(latency)},
    )


def _risen(
    values: dict[str, float | None],
    invalid: Mapping[str, str],
    orders: int,
    calm: Measurement | None,
) -> dict[str, str]:
    """Put how much a p99 has risen among the numbers of a kind of work; why not to trust which."""
    p99_ms, found = values["latency_p99"], {}
    calm_ms = calm.metrics["latency_p99"] if calm is not None else None
    if calm is None or p99_ms is None or calm_ms is None:
        found["rise_p99"] = "there is no p99 to hold against another"
    else:
        values["rise_p99"] = p99_ms - calm_ms
        for doubted in (invalid, calm.invalid):
            if "latency_p99" in doubted:
                found["rise_p99"] = doubted["latency_p99"]
    if not orders:
        why = "the work was never done: the client that ordered it had no answer"
        found |= {name: why for name, value in values.items() if value is not None}
    return found


def _order(row: str) -> tuple[float, ...]:
    """As the kinds are declared; a stranger's rows last."""
    kinds = [kind.row for kind in Work]
    return (kinds.index(row) if row in kinds else len(kinds),)


def _turn_s(options: Bystander) -> float:
    return options.measure_s / options.rounds + options.settle_s + 0.05


SCENARIO = Scenario(
    name=NAME,
    rank=36,
    options=Bystander,
    metrics=METRICS,
    clients=lambda options: options.clients + 1,
    expected_s=lambda options: len(options.kinds) * options.rounds * _turn_s(options),
    longest_wait_s=lambda options: 2 * options.drain_s * options.rounds * len(options.kinds),
    rows=lambda options, _variant: [kind.row for kind in options.kinds],
    order=_order,
    with_clients=(Client.TRANSPORT_BENCH,),
    takes_turns=True,
    measure=measure,
)
