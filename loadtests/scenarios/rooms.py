"""Rooms: emitting to a room of some among many members, and joining and leaving.

The rooms of a trial take turns on one server; all of its clients stay connected throughout. Copies
of a message to a room are accounted for as those of a broadcast are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.usage import Usage, between, metrics, together
from loadtests.record.application import JOIN_EVENT, ROOM_EVENT
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios import broadcast
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.broadcast import Broadcast, BroadcastSlice, collect, slice_of
from loadtests.scenarios.broadcasting import Publisher, Recipient
from loadtests.scenarios.broadcasts import LocalBroadcasts
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.messages import MessageMaker
from loadtests.scenarios.moving import Mover
from loadtests.scenarios.numbered import Numbered
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    PayloadBytes,
    Positive,
    Scenario,
    table,
)
from loadtests.scenarios.turns import SETTLE_S, in_turns

NAME = "rooms"
#: Of its rows.
ROWS = Numbered(NAME)
#: The row of joining and leaving.
MOVING = f"{NAME}:join"
#: The application's own limit (servers/app.py), less the one that is joined and left.
_MOST_ROOMS = 19
_JOIN_PATIENCE_S = 10.0
_Size = Annotated[int, Meta(ge=1, le=100_000)]


class Rooms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages to rooms of several sizes, and clients that join and leave.

    Attributes:
        members: connections.
        sizes: of the rooms, among the members.
        rate_hz: messages per second to a room.
        payload_bytes, drain_s: as in echo.
        measure_s: that each room is measured, over all turns.
        rounds: in how many turns.
        moving_s: that joining and leaving are measured, over all turns.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    members: Count = 100
    sizes: Annotated[list[_Size], Meta(min_length=1, max_length=_MOST_ROOMS)] = msgspec.field(
        default_factory=lambda: [1, 10, 30, 100]
    )
    rate_hz: Positive = 10
    payload_bytes: PayloadBytes = 32
    measure_s: Positive = 2.4
    rounds: Count = 2
    moving_s: Positive = 1.0
    drain_s: Positive = 2.0
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if sorted(set(self.sizes)) != self.sizes:
            raise ValueError("sizes must go up: each is above the one before")
        if self.sizes[-1] > self.members:
            raise ValueError(f"a room of {self.sizes[-1]} has more than the {self.members} members")
        self.offer(self.sizes[-1])

    def offer(self, size: int) -> Broadcast:
        """What is published to one room."""
        return Broadcast(
            recipients=size,
            publishers=1,
            rate_hz=self.rate_hz,
            measure_s=self.measure_s,
            payload_bytes=self.payload_bytes,
            warmup_s=SETTLE_S,
            drain_s=self.drain_s,
            rounds=self.rounds,
        )


#: Of a message to a room.
METRICS: Mapping[str, Metric] = {
    **broadcast.METRICS,
    "stray": Metric("stray", Unit.MESSAGES, Better.LOWER, "stray", "copies that came to clients outside of the room"),
}  # fmt: skip
#: Of joining and leaving.
MOVES = table(
    Metric("moves", Unit.PER_SECOND, Better.HIGHER, "moves", "joins and leaves answered per second, when every client does the next when the one before is answered"),
    *(metric for metric in EVERY_TRIAL.values() if not metric.family),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Moves:
    """One turn of joining and leaving."""

    usage: Usage
    messages: int
    kind: str = MOVING

    @property
    def answered(self) -> int:
        """See turns.Piece."""
        return self.messages


@dataclass(slots=True)
class _Members:
    """The clients of a trial."""

    publisher: Publisher
    recipients: list[Recipient]
    movers: list[Mover]
    stray: dict[int, int]


def measure(bench: Bench, options: Rooms) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: the rooms could not be joined, or nothing was delivered.
    """
    members = _assembled(bench, options)
    cycle = len(options.sizes) + 1

    def load(number: int) -> BroadcastSlice | _Moves:
        round_, place = divmod(number, cycle)
        if place == len(options.sizes):
            return _moved(bench, options, members)
        return _published(bench, options, members, options.sizes[place], round_)

    taken = in_turns(bench, options.rounds * cycle, load, cycle=cycle)
    found = []
    for size in options.sizes:
        row = ROWS.row(size)
        counted, every = (
            [each for each in pieces if isinstance(each, BroadcastSlice) and each.kind == row]
            for pieces in (taken.pieces, taken.every)
        )
        if not counted:
            raise Unfinished
        measured = _room(bench, members, size, counted, every)
        lost = measured.metrics["missing"] or 0
        found.append(measured.disturbed_by(taken.doubts.get(row), list(METRICS), lost=lost))
    moves = [each for each in taken.pieces if isinstance(each, _Moves)]
    if not moves:
        raise Unfinished
    moved = _moving_row(bench, moves)
    return [*found, moved.disturbed_by(taken.doubts.get(MOVING), list(MOVES), lost=0)]


def _assembled(bench: Bench, options: Rooms) -> _Members:
    """Have the first ones of all members join each room, and wait until they have."""
    movers = [Mover(session) for session in bench.sessions]
    for size in options.sizes:
        for mover in movers[:size]:
            mover.join(ROWS.row(size))
    wanted = sum(options.sizes)
    give_up_ns = bench.now_ns() + round(_JOIN_PATIENCE_S * 1e9)
    while sum(mover.moves for mover in movers) < wanted:
        if bench.now_ns() >= give_up_ns:
            joined = sum(mover.moves for mover in movers)
            raise TrialFailed(
                f"{joined} of {wanted} joins were answered within {_JOIN_PATIENCE_S:g} s; does the "
                f"server handle {JOIN_EVENT!r} in {bench.place.namespace}?"
            )
        bench.sleep_until(bench.now_ns() + 5_000_000)
    return _Members(
        publisher=Publisher(
            bench.sessions[0],
            bench.alarm,
            _messages(bench, options, options.sizes[0]),
            now_ns=bench.now_ns,
        ),
        # Decoded at once: what is kept compressed holds the answers to joining as well.
        recipients=[Recipient(session, decoded=True) for session in bench.sessions],
        movers=movers,
        stray=dict.fromkeys(options.sizes, 0),
    )


def _published(
    bench: Bench, options: Rooms, members: _Members, size: int, round_: int
) -> BroadcastSlice:
    row = ROWS.row(size)
    inside, outside = members.recipients[:size], members.recipients[size:]
    members.publisher.messages = _messages(bench, options, size)
    before = sum(map(len, outside))
    piece = slice_of(
        bench, options.offer(size), LocalBroadcasts([members.publisher], inside), round_
    )
    members.stray[size] += sum(map(len, outside)) - before
    return replace(piece, kind=row)


def _messages(bench: Bench, options: Rooms, size: int) -> MessageMaker:
    """Those to one room."""
    namespace = bench.sessions[0].namespace
    return MessageMaker(ROOM_EVENT, 0, options.payload_bytes, namespace, ROWS.row(size))


def _moved(bench: Bench, options: Rooms, members: _Members) -> _Moves:
    for mover in members.movers:
        mover.begin()
    bench.sleep_until(bench.now_ns() + round(SETTLE_S * 1e9))
    before, begin = sum(mover.moves for mover in members.movers), bench.meter.read()
    bench.sleep_until(bench.now_ns() + round(options.moving_s / options.rounds * 1e9))
    moves, end = sum(mover.moves for mover in members.movers) - before, bench.meter.read()
    for mover in members.movers:
        mover.stop()
    give_up_ns = bench.now_ns() + round(options.drain_s * 1e9)
    while any(mover.waiting for mover in members.movers) and bench.now_ns() < give_up_ns:
        bench.sleep_until(bench.now_ns() + 5_000_000)
    return _Moves(between(begin, end), moves)


def _room(
    bench: Bench,
    members: _Members,
    size: int,
    counted: Sequence[BroadcastSlice],
    every: Sequence[BroadcastSlice],
) -> Measurement:
    """The row of a room: what a broadcast's is, and what came to others."""
    received = [recipient.received() for recipient in members.recipients[:size]]
    deliveries = collect([members.publisher], received, counted)
    audit = collect([members.publisher], received, every).audit
    found = broadcast.summarise(
        replace(deliveries, audit=audit),
        sum(piece.messages for piece in counted),
        together([piece.usage for piece in counted]),
        bench.meter.server_mib(),
    )
    return msgspec.structs.replace(
        found,
        row=ROWS.row(size),
        metrics=found.metrics | {"stray": float(members.stray[size])},
    )


def _moving_row(bench: Bench, moves: Sequence[_Moves]) -> Measurement:
    usage = together([each.usage for each in moves])
    answered = sum(each.messages for each in moves)
    common, unavailable = metrics(usage, answered, bench.meter.server_mib())
    return Measurement(
        row=MOVING,
        metrics={"moves": answered / (usage.wall_ns / 1e9), **common},
        invalid=validity.silent_loop(("moves",), answered=answered, clients=len(bench.sessions)),
        unavailable=unavailable,
    )


def _order(row: str) -> tuple[float, ...]:
    """By size, joining behind them; a stranger's rows last."""
    size = ROWS.number_of(row)
    return (size,) if size is not None else (math.inf, row != MOVING)


def _turn_s(options: Rooms) -> float:
    return options.measure_s / options.rounds + SETTLE_S + 0.05


SCENARIO = Scenario(
    name=NAME,
    rank=37,
    options=Rooms,
    metrics=METRICS,
    metrics_of=lambda row: MOVES if row == MOVING else METRICS,
    clients=lambda options: options.members,
    expected_s=lambda options: (
        1 + options.rounds * len(options.sizes) * _turn_s(options) + options.moving_s + 0.2
    ),
    longest_wait_s=lambda options: (
        _JOIN_PATIENCE_S + options.drain_s * options.rounds * (len(options.sizes) + 1)
    ),
    rows=lambda options, _variant: [*(ROWS.row(size) for size in options.sizes), MOVING],
    order=_order,
    with_clients=(Client.TRANSPORT_BENCH,),
    takes_turns=True,
    reaches_all=True,
    measure=measure,
)
