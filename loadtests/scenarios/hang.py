"""Hang: who loses the connection while one handler blocks for about as long as a heartbeat may take.

Twenty clients are idle and well, and the handler of one more blocks. A server that cannot do
anything else meanwhile sends no ping and reads no answer: clients give it up, and it may give up
clients whose answers it has not read. None of them was gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import NEVER, quantiles_ms
from loadtests.arithmetic.usage import Usage, between, metrics
from loadtests.client.errors import tallied
from loadtests.machine.journal import entries
from loadtests.record.application import WORK_EVENT
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.bystander import Work
from loadtests.scenarios.crowd import Crowd
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    Heartbeat,
    PayloadBytes,
    Positive,
    Scenario,
    table,
)
from loadtests.scenarios.turns import Interrupted

if TYPE_CHECKING:
    from loadtests.client.session import Session

NAME = "hang"
_LOOK_S = 0.05


class Hang(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Idle clients of a server of which one handler blocks.

    Attributes:
        clients: that are idle; the one whose handler blocks comes on top.
        hang_s: how long it blocks.
        ping_interval_s, ping_timeout_s: of the server's heartbeat; the library's 25/20 at a tenth.
        payload_bytes: of the echo that each client sends as the handler begins.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    clients: Count = 20
    hang_s: Positive = 3
    ping_interval_s: Positive = 2.5
    ping_timeout_s: Positive = 2
    payload_bytes: PayloadBytes = 32
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if self.hang_s <= self.ping_timeout_s:
            raise ValueError(
                "hang_s is not above ping_timeout_s: nobody could lose the connection over it"
            )

    @property
    def after_s(self) -> float:
        """For who was given up to be found: a round of the heartbeat, and two of the scan."""
        return self.ping_interval_s + 2 * self.ping_timeout_s + 0.5


METRICS = table(
    Metric("dropped", Unit.CLIENTS, Better.LOWER, "dropped", "idle clients that lost their connection although they were there"),
    Metric("dropped_by_server", Unit.CLIENTS, Better.LOWER, "dropped by the server", "those whose disconnect event the server had before they ended it themselves"),
    Metric("answer_p50", Unit.MILLISECONDS, Better.LOWER, "answer p50", "half of the clients had the answer to an echo, sent as the handler began, within this", "answer", 0.5),
    Metric("answer_max", Unit.MILLISECONDS, Better.LOWER, "answer max", "the slowest of these answers", "answer", 1.0),
    # Of the time in which the handler blocks; a message is an echo.
    *(metric for metric in EVERY_TRIAL.values() if metric.name != "lateness_p99"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one idle client.

    Attributes:
        ended: in its own words; None where it is still connected.
        ended_ns: when, monotonic; 0 where it is still connected.
        given_up_ns: when the server's disconnect handler was called for it; None if never.
    """

    ended: str | None
    ended_ns: int
    given_up_ns: int | None

    @property
    def dropped(self) -> bool:
        """Whether it lost its connection."""
        return self.ended is not None or self.given_up_ns is not None

    @property
    def by_server(self) -> bool:
        """Whether the server was the first to give it up."""
        if self.given_up_ns is None:
            return False
        return self.ended is None or self.given_up_ns < self.ended_ns


def measure(bench: Bench, options: Hang) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: there is no journal, or a client was lost before the handler began.
        Unfinished: the run was interrupted.
    """
    if bench.place.journal is None:
        raise TrialFailed("the server keeps no journal that could be read")
    bench.judged = ()  # who is lost is the result
    try:
        with bench.turns.turn() as turn:
            connect_spread(bench, options)
            one, *idle = bench.sessions
            clients = [
                EchoClient(session, bench.alarm, options.payload_bytes, now_ns=bench.now_ns)
                for session in idle
            ]
            bench.sleep(options.ping_interval_s)  # all have been well for a heartbeat
            if early := [each.ended for each in bench.sessions if each.ended is not None]:
                raise TrialFailed(f"clients were lost before anything hung: {tallied(early)}")
            usage = _hang(bench, options, one, clients)
            bench.sleep(options.after_s)
    except Interrupted:
        raise Unfinished from None
    finally:
        bench.turns.rest()
    found = summarise(_ends(bench, idle), clients, usage, bench.meter.server_mib())
    reason = turn.disturbance.reason if turn.disturbance is not None else None
    return [found.disturbed_by(reason, list(METRICS), lost=0)]


def connect_spread(bench: Bench, options: Hang) -> None:
    """Connect all, spread over a heartbeat: each is somewhere else in its own when it happens.

    Raises:
        TrialFailed: one could not.
    """
    crowd = Crowd(bench)
    for many in range(1, options.clients + 2):
        if refused := crowd.become(many):
            crowd.leave()
            raise TrialFailed(f"a client could not connect: {refused}")
        bench.sleep(options.ping_interval_s / options.clients)


def _hang(bench: Bench, options: Hang, one: Session, clients: Sequence[EchoClient]) -> Usage:
    """Have the handler block, and everybody ask something meanwhile."""
    over: list[int] = []

    def done(_answer: Any, kernel_ns: int, _user_ns: int) -> None:
        over.append(kernel_ns)

    begin = bench.meter.read()
    one.emit(WORK_EVENT, {"work": str(Work.BLOCK), "amount": options.hang_s}, on_ack=done)
    bench.sleep(_LOOK_S)  # the handler has begun
    for client in clients:
        client.closed_loop(0)
    # One that gives its connection up has no answer either.
    give_up_ns = bench.now_ns() + round((options.hang_s + 1) * 1e9)
    while not over and bench.now_ns() < give_up_ns:
        bench.sleep(_LOOK_S)
    return between(begin, bench.meter.read())


def _ends(bench: Bench, idle: Sequence[Session]) -> list[Ended]:
    given_up = {
        entry["sid"]: entry["at_ns"]
        for entry in entries(Path(bench.place.journal or ""))
        if entry["event"] == "disconnect"
    }
    return [Ended(each.ended, each.ended_ns, given_up.get(each.sid)) for each in idle]


def summarise(
    ends: Sequence[Ended], clients: Sequence[EchoClient], usage: Usage, server_mib: float | None
) -> Measurement:
    """The row.

    Args:
        ends: of each idle client.
        clients: the same ones, each of which sent one echo.
        usage: over the time in which the handler blocked.
        server_mib: resident memory at the end.
    """
    answers = np.asarray(
        [each.kernel_ns[0] - each.due_ns[0] if len(each.kernel_ns) else NEVER for each in clients],
        dtype=np.int64,
    )
    lag = [each.user_ns[0] - each.kernel_ns[0] for each in clients if len(each.kernel_ns)]
    came = len(lag)
    common, unavailable = metrics(usage, came, server_mib)
    values: dict[str, float | None] = {
        "dropped": float(sum(each.dropped for each in ends)),
        "dropped_by_server": float(sum(each.by_server for each in ends)),
        **quantiles_ms(METRICS, "answer", answers),
        **quantiles_ms(METRICS, "receive_lag", np.asarray(lag, dtype=np.int64)),
        **common,
    }
    why = f"clients that lost their connection had no answer ({len(clients) - came})"
    invalid = {
        name: why
        for name in ("answer_p50", "answer_max")
        if values[name] is None and came < len(clients)
    }
    told = [each.ended for each in ends if each.ended is not None]
    return Measurement(
        row=NAME,
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={"answer": len(answers)},
        distributions={"answer": histogram(answers)},
        notes={"dropped": tallied(told)} if told else {},
    )


SCENARIO = Scenario(
    name=NAME,
    rank=43,
    options=Hang,
    metrics=METRICS,
    clients=lambda options: options.clients + 1,
    in_generator=lambda _options: 0,  # it connects them itself, one by one
    expected_s=lambda options: 2 * options.ping_interval_s + options.hang_s + options.after_s,
    longest_wait_s=lambda _options: 5.0,
    heartbeat=lambda options: Heartbeat(options.ping_interval_s, options.ping_timeout_s),
    with_clients=(Client.TRANSPORT_BENCH,),
    needs_journal="the server keeps no journal of disconnects that could be read",
    measure=measure,
)
