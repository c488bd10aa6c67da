"""What is said about echoes of small and large messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from loadtests.record.words import Status, Transport
from loadtests.scenarios.payload import SCENARIO
from loadtests.scenarios.sizes import Form
from reports.charts.gallery import ChartKind
from reports.facts.acknowledgement import DELAYED_ACK_MS, PYWSGI_MODES
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import EMPTY, short
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table, entry
from reports.sections import payload_chart
from reports.sections.payload_chart import MEDIAN, points, size_name
from reports.sections.section import Section

NAME = SCENARIO.name

#: One mode takes so many times as long as the others for large messages: more than a difference.
_MANY_TIMES = 5.0
#: From here on a message is large.
_LARGE = 16_384


def _tables(facts: Facts) -> list[Table]:
    found = [
        _by_size("Latency p50 by size, ms", facts, MEDIAN),
        _by_size("Megabytes echoed per second, by size", facts, "volume"),
    ]
    return [table for table in found if table.lines]


def _by_size(caption: str, facts: Facts, metric: str) -> Table:
    """A line per size and form, a column per cell."""
    found = points(facts, metric)
    cells = list(dict.fromkeys(point.row.cell for point in found))
    places = {(point.size, point.form, point.row.cell): point.row for point in found}
    kinds = list(dict.fromkeys((point.size, point.form) for point in found))
    lines = [
        (
            Entry(f"{size_name(size)}, {form}"),
            *(_entry(places.get((size, form, cell))) for cell in cells),
        )
        for size, form in kinds
    ]
    return Table(caption, ("size", *map(str, cells)), tuple(lines))


def _entry(row: Row | None) -> Entry:
    return Entry(EMPTY) if row is None else entry(row)


def _slow_at_large(facts: Facts) -> Iterator[Finding]:
    """A mode that takes many times as long as another over the same transport, from a size on.

    By text alone: what bytes wait for is another finding.
    """
    seen: dict[Cell, str] = {}
    took_ms: dict[Cell, float] = {}
    large = [
        point
        for point in points(facts, MEDIAN)
        if point.row.status is Status.OK
        and point.row.value
        and point.form is Form.TEXT
        and point.size >= _LARGE
    ]
    for transport in Transport:
        own = [point for point in large if point.row.cell.transport is transport]
        for size in sorted({point.size for point in own}):
            at = {point.row.cell: point.row.value or 0.0 for point in own if point.size == size}
            quickest = min(at, key=lambda cell: at[cell])
            for cell, value in at.items():
                if value > _MANY_TIMES * at[quickest]:
                    words = f"{cell} {short(value)} ms for {size_name(size)}"
                    seen.setdefault(cell, f"{words} ({quickest.mode} {short(at[quickest])})")
                    took_ms.setdefault(cell, value)
    if seen:
        yield Finding(
            "slow-at-large",
            Severity.NOTE,
            f"Large messages take many times as long in some cells: {'; '.join(seen.values())}.",
            _advice(took_ms),
            names(seen),
        )


def _advice(slow: Mapping[Cell, float]) -> str:
    """What to do about slow cells (what they took, ms), by what is known to make them slow."""
    low, high = DELAYED_ACK_MS
    unmasking, waiting, unknown = False, False, []
    for cell, took_ms in slow.items():
        if cell == Cell("eventlet", Transport.WEBSOCKET):
            unmasking = True
        elif (
            cell.transport is Transport.POLLING
            and cell.mode in PYWSGI_MODES
            and low <= took_ms <= high
        ):
            waiting = True
        else:
            unknown.append(str(cell))
    sentences = []
    if unmasking:
        sentences.append(
            "Send large messages in another mode or over long-polling: eventlet's WebSocket "
            "unmasks what clients send byte by byte in Python "
            "(eventlet.websocket.RFC6455WebSocket)."
        )
    if waiting:
        sentences.append(
            "Use WebSocket or gunicorn's gevent worker: gevent's pywsgi waits for a delayed "
            "acknowledgement over long-polling, some 40 ms, whatever the size."
        )
    if unknown:
        sentences.append(
            f"Look at the server's CPU per echo and at its log in {', '.join(unknown)}: no cause "
            "is known."
        )
    return " ".join(sentences)


class _Wait(NamedTuple):
    """A round trip of bytes and one of text of the same size, over one cell's WebSocket."""

    size: int
    binary_ms: float
    text_ms: float


def _sizes(waits: Sequence[_Wait]) -> str:
    """Which sizes wait; the times beside it are the largest one's."""
    largest = size_name(waits[-1].size)
    return largest if len(waits) == 1 else f"{largest}, and so from {size_name(waits[0].size)} on"


def _two_segments(facts: Facts) -> Iterator[Finding]:
    """Bytes over WebSocket wait for a delayed acknowledgement that text does not wait for."""
    low, high = DELAYED_ACK_MS
    clients = facts.setting(NAME, "clients") or 0.0
    # In a closed loop each client has one message under way: Little's law gives its round trip.
    round_trips_ms = {
        (point.size, point.form, point.row.cell): 1000 * clients / point.row.value
        for point in points(facts, "throughput")
        if point.row.status is Status.OK
        and point.row.value
        and point.row.cell.transport is Transport.WEBSOCKET
    }
    waiting: dict[Cell, list[_Wait]] = {}
    for (size, form, cell), took_ms in round_trips_ms.items():
        text_ms = round_trips_ms.get((size, Form.TEXT, cell), high)
        if form is Form.BINARY and low <= took_ms <= high and text_ms < low:
            waiting.setdefault(cell, []).append(_Wait(size, took_ms, text_ms))
    if waiting:
        yield Finding(
            "binary-waits",
            Severity.NOTE,
            "Bytes over WebSocket wait where text of the same size does not: a round trip takes "
            + ", ".join(
                f"{short(waits[-1].binary_ms)} ms instead of {short(waits[-1].text_ms)} "
                f"in {cell} ({_sizes(waits)})"
                for cell, waits in waiting.items()
            )
            + ". A binary event is two WebSocket messages, its text and its attachment; the server "
            "writes them separately without TCP_NODELAY, so Nagle's algorithm holds the second "
            "until the client's delayed acknowledgement of the first, 40 ms on Linux, unless it "
            "fills a segment: 64 KiB over loopback, some 1,400 bytes on a network.",
            "Send small binary data as base64 text, or set TCP_NODELAY on the server's sockets.",
            names(waiting),
        )


_CHARTS = (
    ChartKind(
        "payload-latency",
        "Echo latency by size of the message",
        "Half of the echoes took less than this; lower is better. Solid lines are WebSocket, "
        "dashed ones long-polling. Each panel says which is quicker, and from which size on; alike "
        "are those that the trials do not tell apart. Triangles at the top are messages that are "
        "longer than the server reads, open ones over long-polling.",
        payload_chart.latency,
        payload_chart.wanted,
    ),
)

SECTION = Section(
    scenario=NAME,
    title="Payload",
    meaning="The same echo with messages from a few bytes to a megabyte, as text and as bytes.",
    questions=(
        Question("lowest latency of a 64 KiB message (p50)", f"{NAME}:65536", MEDIAN),
        Question("most megabytes per second, 64 KiB messages", f"{NAME}:65536", "volume"),
    ),
    charts=_CHARTS,
    checks=(_slow_at_large, _two_segments),
    tables=_tables,
    note="Mean over trials; what a size lacks says why under “Failed and invalid”.",
)
