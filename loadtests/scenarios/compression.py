"""Compression: what permessage-deflate costs a server, and what it saves, by size of the message.

Every browser offers it and most servers take it. In each trial one server has clients with and
without, which take turns: the ratio of two numbers of one trial is free of all else. Messages are
texts of words, since what compression does depends on what there is to compress.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from loadtests.record.results import Measurement
from loadtests.record.words import Client, Transport
from loadtests.scenarios import broadcast, echoing
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.broadcast import BroadcastSlice
from loadtests.scenarios.echo_loops import EchoSlice
from loadtests.scenarios.echoing import CLOSED, OPEN
from loadtests.scenarios.errors import Unfinished
from loadtests.scenarios.packed import DOES_NOT, METRICS, NAME, Compression, PackedRow
from loadtests.scenarios.packed_numbers import COPIES, HINT, Carried, Gave, summary
from loadtests.scenarios.packing import Party, assembling_s, parties
from loadtests.scenarios.scenario import Scenario, without_numbers
from loadtests.scenarios.turns import in_turns

_KINDS = (OPEN, CLOSED, COPIES)
_POLLING = (
    "long-polling has no compression of messages; a response is compressed by HTTP, if the server "
    "does that (python-engineio from 1,024 bytes on)"
)


def measure(bench: Bench, options: Compression) -> list[Measurement]:
    """One trial: for each size, clients with and without take turns on the same server.

    Raises:
        TrialFailed: a client could not connect or nothing was answered.
        WrongConnections: what was negotiated is not what was to be; see ``negotiated``.
    """
    if bench.place.transport is Transport.POLLING:
        return [without_numbers(METRICS, str(row), _POLLING) for row in options.parties]
    try:
        return _measured(bench, options, parties(bench, options))
    finally:
        for session in bench.sessions:
            session.kill()


def _measured(bench: Bench, options: Compression, made: Sequence[Party]) -> list[Measurement]:
    able = [party for party in made if party.compressed == party.row.packed]
    per_open = echoing.closed_slices(options.echo)
    each = _turns_each(options)
    cycle = each * len(able)

    def load(number: int) -> EchoSlice | BroadcastSlice:
        round_, place = divmod(number, cycle)
        which, place = divmod(place, each)
        party = able[which]
        piece: EchoSlice | BroadcastSlice
        if place <= per_open:
            turn = round_ * (1 + per_open) + place
            piece = echoing.slice_of(bench, options.echo, party.clients, turn, party.pace)
        else:
            piece = broadcast.slice_of(bench, options.copies, party.casts, round_)
        return replace(piece, kind=_kind(party.row, piece.kind))

    carried = [Carried.of(party) for party in able]
    taken = in_turns(bench, options.rounds * cycle, load, cycle=cycle, hint=lambda: HINT)
    counted = _by_kind(taken.pieces)
    every = _by_kind(taken.every)
    found = {}
    for party, before in zip(able, carried, strict=True):
        kinds = {kind: _kind(party.row, kind) for kind in _KINDS}
        gave = Gave(
            counted={kind: counted.get(name, []) for kind, name in kinds.items()},
            every={kind: every.get(name, []) for kind, name in kinds.items()},
            reasons={kind: taken.doubts.get(name) for kind, name in kinds.items()},
        )
        if not all(gave.counted.values()):
            raise Unfinished
        wire = Carried.of(party).since(before)
        found[party.row] = summary(party, gave, wire, bench.meter.server_mib())
    lacking = {row: DOES_NOT for row in options.parties if row.packed and row not in found}
    return [
        found[row] if row in found else without_numbers(METRICS, str(row), lacking[row])
        for row in options.parties
    ]


def _turns_each(options: Compression) -> int:
    """A party's turns in each round: of the open loop, of the closed one, and of broadcasts."""
    return echoing.closed_slices(options.echo) + 2


def _kind(row: PackedRow, kind: str) -> str:
    return f"{row} {kind}"


def _by_kind(pieces: Sequence[EchoSlice | BroadcastSlice]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for piece in pieces:
        found.setdefault(piece.kind, []).append(piece)
    return found


def _order(row: str) -> tuple[float, ...]:
    """By size, with compression before without; a stranger's rows of another shape last."""
    found = PackedRow.parse(row)
    return (math.inf, 0) if found is None else (found.size, not found.packed)


def _expected_s(options: Compression) -> float:
    each_s = echoing.expected_s(options.echo) + broadcast.SCENARIO.expected_s(options.copies)
    return assembling_s(options) + len(options.parties) * each_s


SCENARIO = Scenario(
    name=NAME,
    rank=32,
    options=Compression,
    metrics=METRICS,
    clients=lambda options: len(options.parties) * (options.clients + options.recipients),
    in_generator=lambda _options: 0,
    expected_s=_expected_s,
    longest_wait_s=lambda options: (
        options.drain_s * options.rounds * len(options.parties) * _turns_each(options)
    ),
    rows=lambda options, _variant: [str(row) for row in options.parties],
    order=_order,
    with_clients=(Client.TRANSPORT_BENCH,),  # it makes them itself
    takes_turns=True,
    reaches_all=True,
    measure=measure,
)
