"""Payload: echoes of messages from a few bytes to a megabyte, as text and as bytes.

Each size is a trial of its own, since one that the server refuses ends its clients' sessions. The
loops are those of echo: latency at a rate that small and large messages can bear, then as many
messages as the server answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import quantiles_ms
from loadtests.arithmetic.usage import metrics
from loadtests.arithmetic.validity import names_of
from loadtests.client import packets
from loadtests.client.packets import Packet, PacketType
from loadtests.record.application import ECHO_EVENT
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Metric, Transport, Unit
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echo_loops import doubts
from loadtests.scenarios.echoes import LocalEchoes
from loadtests.scenarios.echoing import (
    CLOSED,
    OPEN,
    USED,
    BothLoops,
    both_loops,
    expected_s,
    turns_of,
)
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    NotNegative,
    Positive,
    Scenario,
    Variant,
    table,
    without_numbers,
)
from loadtests.scenarios.sizes import NAME, Form, SizeRow
from loadtests.scenarios.turns import SETTLE_S

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session

#: What the reason begins with where a message is longer than the server reads.
BEYOND = "beyond the server's limit"

#: The open loop measures at least so many messages, however large they are,
_SAMPLES = 20
#: and offers no more than this for their sake: several times what a Python server echoes.
_MOST_MB_S = 250
#: Large messages take long, and a slice is to hold many.
_SLICES = 2
_CLOSED_SLICE_S = 0.35

Size = Annotated[int, Meta(ge=32, le=16 * 1024**2)]


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Echoes of several sizes.

    Attributes:
        sizes: of the messages' ``data``, bytes.
        forms: as text, as bytes, or both.
        clients: connections, in both loops.
        rate_hz: messages per second over all clients in the open loop, at the most.
        offered_mb_s: megabytes (of 10^6 bytes) per second that the open loop sends at the most; it
            lowers the rate of large messages, but not below 20 messages in ``latency_s``.
        warmup_s, latency_s, throughput_s, drain_s: as in echo, for each size.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    sizes: Annotated[list[Size], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [32, 1024, 16_384, 65_536, 262_144, 1_048_576]
    )
    forms: Annotated[list[Form], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(Form)
    )
    clients: Count = 4
    rate_hz: Positive = 100
    offered_mb_s: Positive = 2
    warmup_s: NotNegative = 0.3
    latency_s: Positive = 1.5
    throughput_s: Positive = 0.7
    drain_s: Positive = 2.0
    blocks: Count | None = None

    def __post_init__(self) -> None:
        for names in (self.sizes, self.forms):
            if len(set(names)) < len(names):
                raise ValueError("a size or a form is named twice")
        if self.rate_hz * self.latency_s < _SAMPLES:
            raise ValueError(f"rate_hz × latency_s is below the {_SAMPLES} messages it measures")
        needed_mb_s = _SAMPLES / self.latency_s * max(self.sizes) / 1e6
        if needed_mb_s > _MOST_MB_S:
            raise ValueError(
                f"{_SAMPLES} messages of {max(self.sizes):,} bytes within latency_s are "
                f"{needed_mb_s:,.0f} MB/s; at most {_MOST_MB_S}"
            )


class SizedMessage(msgspec.Struct, frozen=True):
    """The options of one trial: what its messages are, and the loops of echo.

    Attributes:
        size: of every message's ``data``, bytes.
        form: of every message.
        clients: connections, in both loops.
        rate_hz: messages per second over all clients in the open loop.
        warmup_s, latency_s, throughput_s, drain_s, settle_s: as in echo.
        slices: in how many turns the open loop is cut.
        closed_slice_s: how long a slice of the closed loop is at least.
    """

    size: int
    form: Form
    clients: int
    rate_hz: float
    warmup_s: float
    latency_s: float
    throughput_s: float
    drain_s: float
    slices: int = _SLICES
    closed_slice_s: float = _CLOSED_SLICE_S
    settle_s: float = SETTLE_S

    @property
    def row(self) -> SizeRow:
        """The row that it measures."""
        return SizeRow(self.size, self.form)


METRICS = table(
    Metric("latency_p50", Unit.MILLISECONDS, Better.LOWER, "latency p50", "half of the echoes came back within this, counted from when the send was due (open loop)", "latency", 0.5),
    Metric("latency_p90", Unit.MILLISECONDS, Better.LOWER, "latency p90", "nine of ten echoes came back within this, from the due time", "latency", 0.9),
    Metric("latency_max", Unit.MILLISECONDS, Better.LOWER, "latency max", "the slowest echo, from the due time", "latency", 1.0),
    Metric("throughput", Unit.MESSAGES_PER_SECOND, Better.HIGHER, "throughput", "echoes answered per second when every client sends again as soon as its reply has come (closed loop)"),
    Metric("volume", Unit.MEGABYTES_PER_SECOND, Better.HIGHER, "volume", "megabytes of payload echoed per second in the closed loop: so much went there, and so much came back"),
    Metric("lost", Unit.MESSAGES, Better.LOWER, "lost", "echoes that never came back, in both loops"),
    *EVERY_TRIAL.values(),
)  # fmt: skip


def _messages(options: Payload) -> list[SizedMessage]:
    return [
        SizedMessage(
            size=size,
            form=form,
            clients=options.clients,
            rate_hz=max(
                min(options.rate_hz, options.offered_mb_s * 1e6 / size),
                _SAMPLES / options.latency_s,
            ),
            warmup_s=options.warmup_s,
            latency_s=options.latency_s,
            throughput_s=options.throughput_s,
            drain_s=options.drain_s,
        )
        for size in options.sizes
        for form in options.forms
    ]


class PayloadClient(EchoClient):
    """An EchoClient whose messages are of any size and form."""

    def __init__(
        self, message: SizedMessage, session: Session, alarm: Alarm, now_ns: Callable[[], int]
    ) -> None:
        super().__init__(session, alarm, message.size, now_ns=now_ns)
        self._size = message.size
        binary = message.form is Form.BINARY
        self._head = _binary_head(session.namespace) if binary else None

    @property
    def answered(self) -> int:
        """Replies that have come, in either loop."""
        return len(self.numbers)

    def sent_bytes(self, transport: Transport) -> int:
        """The longest part of a message, as the server is to read it: a frame, or a POST's body."""
        if transport is Transport.POLLING:
            return max(len(packets.encode_payload([each], 0)) for each in self._packets(0))
        # The letter of a binary packet stands for a frame of that kind.
        return max(len(each.removeprefix(b"b")) for each in self._packets(0))

    def _packets(self, number: int) -> Sequence[bytes]:
        if self._head is None:
            return super()._packets(number)
        return self._head, b"b" + (b"0:%d:" % number).ljust(self._size, b"x")

    def _identity(self, arguments: list[Any]) -> tuple[int, int] | None:
        if self._head is None:
            return super()._identity(arguments)
        try:
            publisher, number, _padding = arguments[0]["data"].split(b":", 2)
            return int(publisher), int(number)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None


def _binary_head(namespace: str) -> bytes:
    """The packet that says that one attachment follows."""
    event = Packet(PacketType.EVENT, namespace, None, [ECHO_EVENT, {"data": b""}])
    return packets.encode(event)[0]


def measure(bench: Bench, message: SizedMessage) -> list[Measurement]:
    """One trial: both loops, with messages of one size and form.

    Raises:
        TrialFailed: nothing was answered, or every client lost its connection, and that is not
            what the server's limit explains.
    """
    clients = LocalEchoes(
        PayloadClient(message, session, bench.alarm, bench.now_ns) for session in bench.sessions
    )
    try:
        both = both_loops(bench, message, clients)
    except TrialFailed as error:
        limit = _exceeded(bench, clients)
        if limit is None:
            raise
        # That is what there is to know of this size.
        bench.judged = ()
        sent = clients[0].sent_bytes(bench.place.transport)
        why = f"{BEYOND} of {limit:,} bytes (maxPayload), sent as {sent:,}: {error}"
        return [without_numbers(METRICS, str(message.row), why)]
    return [summarise(message, both, bench.meter.server_mib())]


def _exceeded(bench: Bench, clients: Sequence[PayloadClient]) -> int | None:
    """The server's limit in bytes, where messages are longer and none came back; else None.

    python-engineio compares it with the whole frame or the whole body of a POST
    (engineio/socket.py, 4.15).
    """
    limit = bench.sessions[0].max_payload
    if limit is None or any(client.answered for client in clients):
        return None
    return limit if clients[0].sent_bytes(bench.place.transport) > limit else None


def summarise(message: SizedMessage, both: BothLoops, server_mib: float | None) -> Measurement:
    """The metrics of one size and form from both loops.

    Args:
        message: of the trial.
        both: the open loop gives times, in nanoseconds; the closed one throughput, volume (MB of
            10^6 bytes) and CPU time.
        server_mib: the server's memory at the end, mebibytes; None where it is not known.
    """
    opened, closed = both.opened, both.closed
    seconds = closed.usage.wall_ns / 1e9
    common, unavailable = metrics(closed.usage, closed.answered, server_mib)
    latency = opened.latency_ns
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "latency", latency),
        "throughput": closed.answered / seconds,
        "volume": closed.answered * message.size / seconds / 1e6,
        "lost": both.lost,
        **quantiles_ms(METRICS, "lateness", opened.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", opened.receive_lag_ns),
        **common,
    }
    found = doubts(
        METRICS, values, opened, closed, families=("latency",), rates=("throughput", "volume")
    )
    measured = Measurement(
        row=str(message.row),
        metrics=values,
        invalid=found.invalid,
        disturbed=[] if both.lost else found.disturbed,
        unavailable=unavailable,
        samples={"latency": len(latency), "throughput": closed.answered},
        distributions={"latency": histogram(latency)},
    )
    timed = names_of(METRICS, "latency")
    measured = measured.disturbed_by(both.doubts.get(OPEN), timed, lost=both.lost)
    rates = ("throughput", "volume", *USED)
    return measured.disturbed_by(both.doubts.get(CLOSED), rates, lost=both.lost)


def _order(row: str) -> tuple[float, ...]:
    """Text before bytes, each by size; a stranger's rows of another shape last."""
    found = SizeRow.parse(row)
    return (2.0, 0.0) if found is None else (list(Form).index(found.form), found.size)


def _variants(options: Payload) -> list[Variant]:
    return [Variant(each.row.variant, _ONE_SIZE, each) for each in _messages(options)]


#: A trial, which has one size.
_ONE_SIZE = Scenario(
    name=NAME,
    rank=30,
    options=SizedMessage,
    metrics=METRICS,
    clients=lambda message: message.clients,
    expected_s=expected_s,
    longest_wait_s=lambda message: message.drain_s * turns_of(message),
    measure=measure,
    takes_turns=True,
    rows=lambda message, _variant: [str(message.row)],
)

SCENARIO = Scenario(
    name=NAME,
    rank=30,
    options=Payload,
    metrics=METRICS,
    clients=lambda options: options.clients,
    expected_s=lambda options: sum(map(_ONE_SIZE.expected_s, _messages(options))),
    rows=lambda options, _variant: [str(each.row) for each in _messages(options)],
    variants=_variants,
    order=_order,
)
