"""Compression: what permessage-deflate costs a server, and what it saves, by size of the message.

Every browser offers it and most servers take it. In each trial one server has clients with and
without, which take turns: the ratio of two numbers of one trial is free of all else. Messages are
texts of words, since what compression does depends on what there is to compress.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import quantiles_ms
from loadtests.arithmetic.usage import metrics, together
from loadtests.client import packets
from loadtests.record.application import ECHO_EVENT, NAMESPACE
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Transport, Unit
from loadtests.scenarios import broadcast, echoing
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.broadcast import Broadcast, BroadcastSlice
from loadtests.scenarios.broadcasting import Publisher, Recipient
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echo_loops import EchoSlice, combine_closed, combine_open, doubts
from loadtests.scenarios.echoing import CLOSED, OPEN, Pace
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.packed import NAME, PackedRow
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    NotNegative,
    Positive,
    Scenario,
    table,
    without_numbers,
)
from loadtests.scenarios.texts import texts
from loadtests.scenarios.turns import in_turns

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session

#: Of the application under test: messages to those in a room.
_JOIN_EVENT, _ROOM_EVENT = "join", "my room event"
COPIES = broadcast.KIND
_KINDS = (OPEN, CLOSED, COPIES)
_HINT = f"does it handle {ECHO_EVENT!r}, {_JOIN_EVENT!r} and {_ROOM_EVENT!r} in {NAMESPACE}?"
#: Of the texts: the same ones everywhere, since how well they pack is part of every number.
_SEED = 1
#: For the server to have served what came last, before its memory is read.
_SETTLED_S = 0.3
#: So many echoes and copies for each client before its memory counts: its dictionaries are there.
_WARM_MESSAGES = 4
_CONNECT_S = 0.006
#: A publisher whose broadcasts are not accounted for.
_NOBODY = 1

#: Why a row has no numbers.
DOES_NOT = "the server does not compress WebSocket messages"
_POLLING = (
    "long-polling has no compression of messages; a response is compressed by HTTP, if the server "
    "does that (python-engineio from 1,024 bytes on)"
)

Size = Annotated[int, Meta(ge=32, le=500_000)]


class Compression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Echoes and broadcasts of several sizes, with compression and without.

    Attributes:
        sizes: of the messages' ``data``, bytes.
        clients: connections that echo, for each size with and without.
        rate_hz: echoes per second over all clients in the open loop.
        latency_s, throughput_s: as in echo, for each size with and without.
        recipients: connections that receive broadcasts, for each size with and without.
        broadcasts_hz: broadcasts per second to the recipients.
        measure_s: of broadcasts, for each size with and without.
        rounds: in how many turns each of the three kinds of load is cut.
        warmup_s, settle_s, drain_s: as in echo.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    sizes: Annotated[list[Size], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [64, 1024, 16_384]
    )
    clients: Count = 8
    rate_hz: Positive = 100
    latency_s: Positive = 1.5
    throughput_s: Positive = 0.9
    recipients: Count = 30
    broadcasts_hz: Positive = 20
    measure_s: Positive = 1.5
    rounds: Count = 6
    warmup_s: NotNegative = 0.3
    settle_s: NotNegative = 0.05
    drain_s: Positive = 2.0
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError("a size is named twice")
        _ = self.echo, self.copies  # say what is wrong with them

    @property
    def echo(self) -> Echo:
        """The loops of one size with or without compression."""
        return Echo(
            clients=self.clients,
            rate_hz=self.rate_hz,
            latency_s=self.latency_s,
            throughput_s=self.throughput_s,
            warmup_s=self.warmup_s,
            settle_s=self.settle_s,
            drain_s=self.drain_s,
            rounds=self.rounds,
        )

    @property
    def copies(self) -> Broadcast:
        """The same of broadcasts."""
        return Broadcast(
            recipients=self.recipients,
            publishers=1,
            rate_hz=self.broadcasts_hz,
            measure_s=self.measure_s,
            warmup_s=self.warmup_s,
            settle_s=self.settle_s,
            drain_s=self.drain_s,
            rounds=self.rounds,
        )

    @property
    def parties(self) -> list[PackedRow]:
        """Everybody's sizes, with compression and without."""
        return [PackedRow(size, packed) for size in self.sizes for packed in (True, False)]


METRICS = table(
    Metric("latency_p50", Unit.MILLISECONDS, Better.LOWER, "latency p50", "half of the echoes came back within this, counted from when the send was due (open loop)", "latency", 0.5),
    Metric("latency_p90", Unit.MILLISECONDS, Better.LOWER, "latency p90", "nine of ten echoes came back within this, from the due time", "latency", 0.9),
    Metric("throughput", Unit.MESSAGES_PER_SECOND, Better.HIGHER, "throughput", "echoes answered per second when every client sends again as soon as its reply has come (closed loop)"),
    Metric("copy_cpu", Unit.MICROSECONDS_PER_MESSAGE, Better.LOWER, "server CPU per copy", "server CPU time for each copy of a broadcast that arrived"),
    Metric("connection_rss", Unit.KIBIBYTES_PER_CONNECTION, Better.LOWER, "memory per connection", "by how much the server's resident memory grew with each of these connections, after its first messages"),
    Metric("wire_sent", Unit.BYTES_PER_MESSAGE, Better.LOWER, "bytes to the server", "bytes that an echo's message was on its TCP connection, WebSocket's frame included"),
    Metric("wire_received", Unit.BYTES_PER_MESSAGE, Better.LOWER, "bytes from the server", "the same of what came back"),
    Metric("lost", Unit.MESSAGES, Better.LOWER, "lost", "echoes that never came back, in both loops"),
    Metric("missing", Unit.MESSAGES, Better.LOWER, "missing", "copies of broadcasts that never reached their recipient"),
    *EVERY_TRIAL.values(),
)  # fmt: skip


class _Texts:
    """Makes the packets of one event whose ``data`` begins with who it is from and which it is."""

    def __init__(
        self, event: str, publisher: int, texts: Sequence[str], namespace: str, room: str = ""
    ) -> None:
        beside = {"room": room} if room else {}
        whole = packets.encode_event(namespace, event, {**beside, "data": "@"})
        self._head, _, self._tail = whole.rpartition(b"@")
        self._publisher = publisher
        self._texts = [text.encode() for text in texts]

    def make(self, number: int) -> bytes:
        """The packet of a message; its ``data`` has exactly the texts' length."""
        identity = b"%d:%d:" % (self._publisher, number)
        text = self._texts[(number + 7 * self._publisher) % len(self._texts)]
        return self._head + identity + text[len(identity) :] + self._tail


class _TextClient(EchoClient):
    """An EchoClient that sends texts."""

    def __init__(
        self,
        session: Session,
        alarm: Alarm,
        texts: Sequence[str],
        number: int,
        now_ns: Callable[[], int],
    ) -> None:
        super().__init__(session, alarm, len(texts[0]), now_ns=now_ns)
        self._made = _Texts(ECHO_EVENT, number, texts, session.namespace)

    def _packets(self, number: int) -> Sequence[bytes]:
        return (self._made.make(number),)


class _RoomPublisher(Publisher):
    """A Publisher of texts to a room."""

    def __init__(
        self,
        session: Session,
        alarm: Alarm,
        texts: Sequence[str],
        room: str,
        now_ns: Callable[[], int],
    ) -> None:
        super().__init__(0, session, alarm, len(texts[0]), now_ns=now_ns)
        self._messages = _Texts(_ROOM_EVENT, 0, texts, session.namespace, room)


@dataclass(slots=True)
class _Party:
    """Clients of one size, with compression or without.

    Attributes:
        row: of its numbers.
        clients: that echo.
        publisher: that broadcasts to the recipients.
        sessions: of all of them, those that echo first.
        compressed: whether their messages are.
        pace: of the echo clients.
        kib_each: see the metric connection_rss; None where the server's memory is not known.
    """

    row: PackedRow
    clients: list[_TextClient]
    publisher: _RoomPublisher
    recipients: list[Recipient]
    sessions: list[Session]
    compressed: bool
    pace: Pace = field(default_factory=Pace)
    kib_each: float | None = None


def measure(bench: Bench, options: Compression) -> list[Measurement]:
    """One trial: for each size, clients with and without take turns on the same server.

    Raises:
        TrialFailed: a client could not connect or nothing was answered.
    """
    if bench.place.transport is Transport.POLLING:
        return [without_numbers(METRICS, str(row), _POLLING) for row in options.parties]
    try:
        return _measured(bench, options, list(_parties(bench, options)))
    finally:
        for session in bench.sessions:
            session.kill()


def _parties(bench: Bench, options: Compression) -> Iterator[_Party]:
    """Connect them, one party after the other, and see what each did to the server's memory."""
    # From little to much: memory that larger messages have given back would serve those that follow.
    order = sorted(options.parties, key=lambda row: (row.packed, row.size))
    made = {}
    # What a server needs once, for its first connection of a kind, is nobody's.
    few = msgspec.structs.replace(options, clients=1, recipients=1)
    for packed in (True, False):
        _party(bench, few, PackedRow(options.sizes[0], packed), room="first")
    for row in order:
        before_mib = bench.meter.server_mib()
        party = made[row] = _party(bench, options, row, room=str(row))
        after_mib = bench.meter.server_mib()
        if before_mib is not None and after_mib is not None:
            party.kib_each = (after_mib - before_mib) * 1024 / len(party.sessions)
    yield from (made[row] for row in options.parties)


def _party(bench: Bench, options: Compression, row: PackedRow, room: str) -> _Party:
    """Clients that have had a few messages each way, so that each has all it will ever have."""
    from loadtests.client.errors import ConnectionFailed
    from loadtests.client.link import locate
    from loadtests.client.session import Session

    place = bench.place
    server = locate(place.url, place.target, compression=row.packed)
    words = texts(_SEED, row.size)
    sessions = [
        Session(server, (Transport.WEBSOCKET,), place.namespace)
        for _ in range(options.clients + options.recipients)
    ]
    try:
        for session in sessions:
            session.connect(place.target.auth)
    except ConnectionFailed as error:
        raise TrialFailed(f"a client could not connect: {error}") from error
    bench.sessions += sessions
    echoing_ones, receiving = sessions[: options.clients], sessions[options.clients :]
    for session in receiving:
        session.emit(_JOIN_EVENT, {"room": room})
    party = _Party(
        row=row,
        clients=[
            _TextClient(session, bench.alarm, words, number, bench.now_ns)
            for number, session in enumerate(echoing_ones)
        ],
        publisher=_RoomPublisher(receiving[0], bench.alarm, words, room, bench.now_ns),
        recipients=[Recipient(session) for session in receiving],
        sessions=sessions,
        compressed=all(session.compressed for session in sessions),
    )
    warming = _Texts(_ROOM_EVENT, _NOBODY, words, place.namespace, room)
    for number in range(_WARM_MESSAGES):
        receiving[0].send(warming.make(number))
        for client in party.clients:
            client.closed_loop(0)
        bench.sleep(_SETTLED_S)
    return party


def _measured(bench: Bench, options: Compression, parties: Sequence[_Party]) -> list[Measurement]:
    able = [party for party in parties if party.compressed == party.row.packed]
    if any(party.compressed for party in parties if not party.row.packed):
        raise TrialFailed("messages are compressed on connections that did not offer it")
    per_open = echoing.closed_slices(options.echo)
    each = per_open + 2
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
            piece = broadcast.slice_of(
                bench, options.copies, [party.publisher], party.recipients, round_
            )
        return replace(piece, kind=_kind(party.row, piece.kind))

    carried = [_Carried.of(party) for party in able]
    taken = in_turns(bench, options.rounds * cycle, load, cycle=cycle, hint=_HINT)
    counted = _by_kind(taken.pieces)
    every = _by_kind(taken.every)
    found = {}
    for party, before in zip(able, carried, strict=True):
        own = {kind: counted.get(_kind(party.row, kind), []) for kind in _KINDS}
        if not all(own.values()):
            raise Unfinished
        all_own = {kind: every[_kind(party.row, kind)] for kind in _KINDS}
        reasons = {kind: taken.doubts.get(_kind(party.row, kind)) for kind in _KINDS}
        wire = _Carried.of(party).since(before)
        found[party.row] = _summary(party, own, all_own, reasons, wire, bench.meter.server_mib())
    lacking = {row: DOES_NOT for row in options.parties if row.packed and row not in found}
    return [
        found[row] if row in found else without_numbers(METRICS, str(row), lacking[row])
        for row in options.parties
    ]


def _kind(row: PackedRow, kind: str) -> str:
    return f"{row} {kind}"


def _by_kind(pieces: Sequence[EchoSlice | BroadcastSlice]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for piece in pieces:
        found.setdefault(piece.kind, []).append(piece)
    return found


@dataclass(frozen=True, slots=True)
class _Carried:
    """What went over the connections of echo clients so far.

    Attributes:
        sent_bytes, received_bytes: None where the system does not count them.
        sent, received: messages.
    """

    sent_bytes: int | None
    received_bytes: int | None
    sent: int
    received: int

    @classmethod
    def of(cls, party: _Party) -> _Carried:
        counted = [session.carried() for session in party.sessions[: len(party.clients)]]
        known = [each for each in counted if each is not None]
        whole = len(known) == len(counted)
        return cls(
            sum(sent for sent, _ in known) if whole else None,
            sum(received for _, received in known) if whole else None,
            sum(len(client.sent_ns) for client in party.clients),
            sum(len(client.numbers) for client in party.clients),
        )

    def since(self, before: _Carried) -> tuple[float | None, float | None]:
        """Bytes per message, to the server and from it."""
        return (
            _per(self.sent_bytes, before.sent_bytes, self.sent - before.sent),
            _per(self.received_bytes, before.received_bytes, self.received - before.received),
        )


def _per(now: int | None, before: int | None, messages: int) -> float | None:
    if now is None or before is None or not messages:
        return None
    return (now - before) / messages


def _summary(
    party: _Party,
    own: Mapping[str, list[Any]],
    every: Mapping[str, list[Any]],
    reasons: Mapping[str, str | None],
    wire: tuple[float | None, float | None],
    server_mib: float | None,
) -> Measurement:
    """The metrics of one size with compression or without.

    Args:
        party: whose they are.
        own: kind of load -> its turns that count.
        every: the same, of all turns.
        reasons: kind of load -> why its numbers are not to be trusted.
        wire: bytes per message, to the server and from it.
        server_mib: the server's memory at the end, mebibytes; None where it is not known.
    """
    opened = combine_open(party.clients, [each.window for each in own[OPEN]])
    closed = combine_closed(party.clients, [each.window for each in own[CLOSED]])
    lost_closed = combine_closed(party.clients, [each.window for each in every[CLOSED]]).lost
    lost = combine_open(party.clients, [each.window for each in every[OPEN]]).lost + lost_closed
    if not closed.answered:
        raise TrialFailed(f"the server answered no echo of {party.row.size} bytes; {_HINT}")
    closed = replace(closed, lost=lost_closed)
    received = [recipient.received() for recipient in party.recipients]
    audit = broadcast.collect([party.publisher], received, every[COPIES]).audit
    copies = sum(piece.messages for piece in own[COPIES])
    spent = together([piece.usage for piece in own[COPIES]])
    common, unavailable = metrics(closed.usage, closed.answered, server_mib)
    of_copies, _ = metrics(spent, copies, None)
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "latency", opened.latency_ns),
        "throughput": closed.answered / (closed.usage.wall_ns / 1e9),
        "copy_cpu": of_copies["server_cpu"],
        "connection_rss": party.kib_each,
        "wire_sent": wire[0],
        "wire_received": wire[1],
        "lost": lost,
        "missing": audit.missing,
        **quantiles_ms(METRICS, "lateness", opened.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", opened.receive_lag_ns),
        **common,
    }
    if "server_cpu" in unavailable:
        for name in ("copy_cpu", "connection_rss"):
            unavailable[name] = unavailable["server_rss"]
    for name in ("wire_sent", "wire_received"):
        if values[name] is None:
            unavailable[name] = "this system does not count a connection's bytes"
    if values["copy_cpu"] is None and "copy_cpu" not in unavailable:
        unavailable["copy_cpu"] = "no copy of a broadcast arrived"
    found = doubts(METRICS, values, opened, closed, families=("latency",), rates=("throughput",))
    measured = Measurement(
        row=str(party.row),
        metrics=values,
        invalid=found.invalid | validity.busy_generator(("copy_cpu",), spent),
        disturbed=[] if lost else found.disturbed,
        unavailable=unavailable,
        samples={"latency": len(opened.latency_ns), "throughput": closed.answered},
        distributions={"latency": histogram(opened.latency_ns)},
    )
    timed = validity.names_of(METRICS, "latency")
    measured = measured.disturbed_by(reasons[OPEN], timed, lost=lost)
    measured = measured.disturbed_by(reasons[CLOSED], ("throughput", *echoing.USED), lost=lost)
    return measured.disturbed_by(reasons[COPIES], ("copy_cpu",), lost=audit.missing)


def _order(row: str) -> tuple[float, ...]:
    """By size, with compression before without; a stranger's rows of another shape last."""
    found = PackedRow.parse(row)
    return (math.inf, 0) if found is None else (found.size, not found.packed)


def _expected_s(options: Compression) -> float:
    each_s = echoing.expected_s(options.echo) + broadcast.SCENARIO.expected_s(options.copies)
    connecting_s = (options.clients + options.recipients) * _CONNECT_S
    return len(options.parties) * (each_s + connecting_s + _WARM_MESSAGES * _SETTLED_S)


SCENARIO = Scenario(
    name=NAME,
    rank=32,
    options=Compression,
    metrics=METRICS,
    clients=lambda options: len(options.parties) * (options.clients + options.recipients),
    in_generator=lambda _options: 0,
    expected_s=_expected_s,
    longest_wait_s=lambda options: options.drain_s * options.rounds * len(options.parties),
    rows=lambda options, _variant: [str(row) for row in options.parties],
    order=_order,
    with_clients=(Client.TRANSPORT_BENCH,),  # it makes them itself
    takes_turns=True,
    reaches_all=True,
    measure=measure,
)
