"""What is asked and told of compression: its options, its rows and their metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from loadtests.record.words import Better, Metric, Unit
from loadtests.scenarios.broadcast import Broadcast
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.scenario import EVERY_TRIAL, Count, NotNegative, Positive, table

NAME = "compression"

#: What the row of those without has behind the size.
_WITHOUT = "without"
_ROW = re.compile(rf"{NAME}:([1-9][0-9]{{0,8}})(:{_WITHOUT})?")


@dataclass(frozen=True, slots=True)
class PackedRow:
    """A row of messages of one size: ``compression:1024``, ``compression:1024:without``."""

    size: int
    packed: bool

    def __str__(self) -> str:
        """The row's name."""
        return f"{NAME}:{self.size}" + ("" if self.packed else f":{_WITHOUT}")

    @classmethod
    def parse(cls, row: str) -> PackedRow | None:
        """What a row's name says; None for other rows."""
        found = _ROW.fullmatch(row)
        return cls(int(found[1]), found[2] is None) if found else None


#: Why a row has no numbers.
DOES_NOT = "the server does not compress WebSocket messages"

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
