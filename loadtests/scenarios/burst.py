"""Burst: a client emits many messages at once; how many arrive, and until when all are answered.

A burst is what a loop in a page is: over WebSocket a frame each, over long-polling one message in a
first POST and all others in a second one, as the official client has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.disturbance import choose
from loadtests.arithmetic.samples import NEVER, Nanoseconds, quantiles_ms
from loadtests.arithmetic.usage import Usage, between, metrics, together
from loadtests.record.generator_facts import SliceFacts
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.errors import Unfinished
from loadtests.scenarios.numbered import Numbered
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    PayloadBytes,
    Positive,
    Scenario,
    table,
    without_numbers,
)
from loadtests.scenarios.turns import Interrupted, Turn

NAME = "burst"
#: Of its rows.
ROWS = Numbered(NAME)
_PAUSE_S = 0.05
_Size = Annotated[int, Meta(ge=1, le=100_000)]


class Burst(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bursts of several sizes, each size from a client of its own.

    Attributes:
        sizes: messages at once.
        bursts: of each size.
        payload_bytes: as in echo.
        drain_s: how long the last answer may take before what has none counts as lost.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    sizes: Annotated[list[_Size], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [1, 16, 17, 18, 64, 256]
    )
    bursts: Count = 5
    payload_bytes: PayloadBytes = 32
    drain_s: Positive = 1.0
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if sorted(set(self.sizes)) != self.sizes:
            raise ValueError("sizes must go up: each is above the one before")


METRICS = table(
    Metric("answered", Unit.PERCENT, Better.HIGHER, "answered", "share of the messages of all bursts that were answered"),
    Metric("lost", Unit.MESSAGES, Better.LOWER, "lost", "messages of all bursts that were never answered"),
    Metric("last_p50", Unit.MILLISECONDS, Better.LOWER, "last answer p50", "in half of the bursts the last message was answered within this, from when the first was sent", "last", 0.5),
    Metric("last_max", Unit.MILLISECONDS, Better.LOWER, "last answer max", "the same in the slowest burst", "last", 1.0),
    # There is no schedule to be late for.
    *(metric for metric in EVERY_TRIAL.values() if metric.name != "lateness_p99"),
)  # fmt: skip


class _BurstClient(EchoClient):
    """An EchoClient that sends many messages in one go."""

    def burst(self, many: int) -> None:
        """Send so many now."""
        self.first = len(self.due_ns)
        for _ in range(many):
            self._send(self._now_ns())


@dataclass(slots=True)
class Answered:
    """What came of the bursts of one size.

    Attributes:
        last_ns: of each burst, from its first message to its last answer; NEVER where one is lost.
        sent, came: messages of all bursts.
        usage: of each.
        lag_ns: how long answers waited to be read.
        gone: why the client's connection ended, if it did.
        turns: of each burst.
    """

    last_ns: list[int] = field(default_factory=list)
    sent: int = 0
    came: int = 0
    usage: list[Usage] = field(default_factory=list)
    lag_ns: Nanoseconds = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    gone: str = ""
    turns: list[Turn] = field(default_factory=list)


def measure(bench: Bench, options: Burst) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: every client lost its connection.
        Unfinished: the run was interrupted.
    """
    bench.judged = ()  # whose connection a burst ends is the result
    clients = [
        _BurstClient(session, bench.alarm, options.payload_bytes, now_ns=bench.now_ns)
        for session in bench.sessions
    ]
    found = {size: Answered() for size in options.sizes}
    try:
        for _ in range(options.bursts):
            for client, session, size in zip(clients, bench.sessions, options.sizes, strict=True):
                if session.ended is not None:
                    found[size].gone = session.ended
                    continue
                with bench.turns.turn() as turn:
                    _burst(bench, options, client, size, found[size])
                found[size].turns.append(turn)
                seconds = found[size].usage[-1].wall_ns / 1e9
                bench.slices.append(SliceFacts(turn.begun_s, seconds))
    except Interrupted:
        raise Unfinished from None
    finally:
        bench.turns.rest()
    for client, size in zip(clients, options.sizes, strict=True):
        user = np.asarray(client.user_ns, dtype=np.int64)
        found[size].lag_ns = user - np.asarray(client.kernel_ns, dtype=np.int64)
    server_mib = bench.meter.server_mib()
    return [summarise(size, answered, server_mib) for size, answered in found.items()]


def _burst(bench: Bench, options: Burst, client: _BurstClient, size: int, found: Answered) -> None:
    before = len(client.numbers)
    begin = bench.meter.read()
    client.burst(size)
    give_up_ns = bench.now_ns() + round(options.drain_s * 1e9)
    while True:
        bench.sleep_until(min(bench.now_ns() + 2_000_000, give_up_ns))
        if not client.waited_for or bench.now_ns() >= give_up_ns:
            break
    found.usage.append(between(begin, bench.meter.read()))
    # Of this burst: what comes now may answer an earlier one.
    own = [
        place
        for place in range(before, len(client.numbers))
        if client.numbers[place] >= client.first
    ]
    found.sent += size
    found.came += len(own)
    last_ns = max((client.kernel_ns[place] for place in own), default=0)
    whole = len(own) == size
    found.last_ns.append(last_ns - client.due_ns[client.first] if whole else NEVER)
    bench.sleep_until(bench.now_ns() + round(_PAUSE_S * 1e9))


def summarise(size: int, answered: Answered, server_mib: float | None) -> Measurement:
    """The row of a size."""
    if not answered.sent:
        why = f"its client was lost before its first burst: {answered.gone}"
        return without_numbers(METRICS, ROWS.row(size), why)
    last = np.asarray(answered.last_ns, dtype=np.int64)
    usage = together(answered.usage)
    common, unavailable = metrics(usage, answered.came, server_mib)
    lost = answered.sent - answered.came
    values: dict[str, float | None] = {
        "answered": 100 * answered.came / answered.sent,
        "lost": float(lost),
        **quantiles_ms(METRICS, "last", last),
        **quantiles_ms(METRICS, "receive_lag", answered.lag_ns),
        **common,
    }
    invalid = validity.lost_quantiles(METRICS, values, lost, answered.sent)
    notes = {"answered": f"the connection ended: {answered.gone}"} if answered.gone else {}
    doubt = choose([turn.disturbance for turn in answered.turns]).doubt
    found = Measurement(
        row=ROWS.row(size),
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={"last": len(last)},
        distributions={"last": histogram(last)},
        notes=notes,
    )
    return found.disturbed_by(doubt, list(METRICS), lost=lost)


SCENARIO = Scenario(
    name=NAME,
    rank=38,
    options=Burst,
    metrics=METRICS,
    clients=lambda options: len(options.sizes),
    # Where messages vanish each burst takes the whole of drain_s.
    expected_s=lambda options: len(options.sizes) * options.bursts * (0.5 * options.drain_s + 0.1),
    longest_wait_s=lambda options: len(options.sizes) * options.bursts * options.drain_s,
    rows=lambda options, _variant: [ROWS.row(size) for size in options.sizes],
    order=ROWS.order,
    with_clients=(Client.TRANSPORT_BENCH,),
    measure=measure,
)
