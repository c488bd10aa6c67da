"""Payload: echoes of messages from a few bytes to a megabyte, as text and as bytes.

Each size is a trial of its own, since one that the server refuses ends its clients' sessions. The
loops are those of echo: latency at a rate that small and large messages can bear, then as many
messages as the server answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import quantiles_ms
from loadtests.arithmetic.usage import metrics
from loadtests.client import packets
from loadtests.client.packets import Packet, PacketType
from loadtests.record.application import ECHO_EVENT, NAMESPACE
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Metric, Unit
from loadtests.scenarios.bench import Bench, TrialFailed
from loadtests.scenarios.echoing import ClosedLoop, EchoClient, OpenLoop, closed_loop, open_loop
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

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session

NAME = "payload"

#: python-engineio reads no message that is longer (``max_http_buffer_size`` of
#: engineio.base_server.BaseServer, 4.15), over either transport.
LONGEST_READ = 1_000_000

#: The open loop measures at least so many messages, however large they are.
_SAMPLES = 20
_PAUSE_S = 0.5  # the yardstick, settling, the last replies


class Form(StrEnum):
    """What a message carries."""

    TEXT = "text"  #: a string in JSON
    BINARY = "binary"  #: bytes, which are base64 over long-polling


Size = Annotated[int, Meta(ge=32, le=16 * 1024**2)]


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Echoes of several sizes.

    Attributes:
        sizes: of the messages' ``data``, bytes.
        forms: as text, as bytes, or both.
        clients: connections, in both loops.
        rate_hz: messages per second over all clients in the open loop, as long as that is not more
            than ``offered_mb_s``.
        offered_mb_s: megabytes per second that the open loop sends at the most, unless that were
            fewer than 20 messages.
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


class SizedMessage(msgspec.Struct, frozen=True):
    """The options of one trial: what its messages are, and the loops of echo.

    Attributes:
        size, form: of every message.
    """

    size: int
    form: Form
    clients: int
    rate_hz: float
    warmup_s: float
    latency_s: float
    throughput_s: float
    drain_s: float

    @property
    def name(self) -> str:
        """As in rows: ``65536`` or ``65536:binary``."""
        return str(self.size) if self.form is Form.TEXT else f"{self.size}:{self.form}"


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
        self._head = _binary_head() if binary else None

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


def _binary_head() -> bytes:
    """The packet that says that one attachment follows."""
    event = Packet(PacketType.EVENT, NAMESPACE, None, [ECHO_EVENT, {"data": b""}])
    return packets.encode(event)[0]


def measure(bench: Bench, message: SizedMessage) -> list[Measurement]:
    """One trial: both loops, with messages of one size and form.

    Raises:
        TrialFailed: nothing was answered, or every client lost its connection, though the server
            reads messages of this size.
    """
    clients = [
        PayloadClient(message, session, bench.alarm, bench.now_ns) for session in bench.sessions
    ]
    try:
        opened = open_loop(bench, message, clients)
        if opened.lost == len(opened.latency_ns):
            raise TrialFailed(f"the server answered none of {opened.lost} messages")
        closed = closed_loop(bench, message, clients)
    except TrialFailed as error:
        if message.size <= LONGEST_READ:
            raise
        # That is what there is to know of this size.
        bench.judged = ()
        why = f"more than the {LONGEST_READ:,} bytes that the server reads: {error}"
        return [without_numbers(METRICS, _row(message), why)]
    return [summarise(message, opened, closed, bench.meter.server_mib())]


def summarise(
    message: SizedMessage, opened: OpenLoop, closed: ClosedLoop, server_mib: float | None
) -> Measurement:
    """The metrics of one size and form from both loops."""
    seconds = closed.usage.wall_ns / 1e9
    common, unavailable = metrics(closed.usage, closed.answered, server_mib)
    latency = opened.latency_ns
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "latency", latency),
        "throughput": closed.answered / seconds,
        "volume": closed.answered * message.size / seconds / 1e6,
        "lost": opened.lost + closed.lost,
        **quantiles_ms(METRICS, "lateness", opened.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", opened.receive_lag_ns),
        **common,
    }
    times = validity.names_of(METRICS, "latency")
    invalid = validity.lost_quantiles(METRICS, values, opened.lost, len(latency))
    invalid |= validity.late_sends(
        METRICS, "latency", latency_ns=latency, lateness_ns=opened.lateness_ns
    )
    invalid |= validity.saturated_server(times, opened.usage)
    invalid |= validity.busy_generator(times, opened.usage)
    invalid |= validity.growing_queue(times, due_ns=opened.due_ns, latency_ns=latency)
    invalid |= validity.busy_generator(("throughput", "volume", "server_cpu"), closed.usage)
    return Measurement(
        row=_row(message),
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={"latency": len(latency), "throughput": closed.answered},
        distributions={"latency": histogram(latency)},
    )


def _row(message: SizedMessage) -> str:
    return f"{NAME}:{message.name}"


def _order(row: str) -> tuple[float, ...]:
    """Text before bytes, each by size."""
    _, size, form = (*row.split(":"), "", "")[:3]
    return (form == Form.BINARY, float(size) if size.isdecimal() else 0.0)


def _variants(options: Payload) -> list[Variant]:
    return [Variant(each.name, _ONE_SIZE, each) for each in _messages(options)]


#: A trial, which has one size.
_ONE_SIZE = Scenario(
    name=NAME,
    rank=30,
    options=SizedMessage,
    metrics=METRICS,
    clients=lambda message: message.clients,
    expected_s=lambda message: (
        2 * message.warmup_s + message.latency_s + message.throughput_s + _PAUSE_S
    ),
    longest_wait_s=lambda message: 2 * message.drain_s,
    measure=measure,
    rows=lambda message, _variant: [_row(message)],
)

SCENARIO = Scenario(
    name=NAME,
    rank=30,
    options=Payload,
    metrics=METRICS,
    clients=lambda options: options.clients,
    expected_s=lambda options: sum(map(_ONE_SIZE.expected_s, _messages(options))),
    rows=lambda options, _variant: [_row(each) for each in _messages(options)],
    variants=_variants,
    order=_order,
)
