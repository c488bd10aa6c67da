"""What is said about echoes of small and large messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from loadtests.record.words import Status, Transport
from loadtests.scenarios.payload import SCENARIO, Form
from reports.charts import style
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import EMPTY, short
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table, entry
from reports.sections.section import Section

NAME = SCENARIO.name

_MEDIAN = "latency_p50"
_FORMS = tuple(Form)
_TRANSPORTS = (Transport.WEBSOCKET, Transport.POLLING)
#: One mode takes so many times as long as the others for large messages: more than a difference.
_MANY_TIMES = 5.0
#: From here on a message is large.
_LARGE = 16_384
#: Linux delays an acknowledgement by 40 ms at least (TCP_DELACK_MIN, include/net/tcp.h).
_DELAYED_ACK_MS = (35.0, 60.0)


@dataclass(frozen=True, slots=True)
class SizePoint:
    """The row of one size and form in one cell."""

    size: int
    form: Form
    row: Row


def points(facts: Facts, metric: str) -> list[SizePoint]:
    """A metric at every size, in the order of rows."""
    found = []
    for row in facts.own_rows:
        scenario, _, parameters = row.row.partition(":")
        size, _, form = parameters.partition(":")
        known = form in ("", Form.BINARY) and size.isdecimal()
        if scenario == NAME and row.metric.name == metric and known:
            found.append(SizePoint(int(size), Form(form or Form.TEXT), row))
    return found


def size_name(size: int) -> str:
    """``32 B``, ``64 KiB``, ``1 MiB``."""
    for factor, unit in ((1024**2, "MiB"), (1024, "KiB")):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"


def ahead_from(winner: Mapping[int, float], other: Mapping[int, float]) -> int | None:
    """The smallest size from which on, up to the largest, one is quicker; None if it never is.

    Args:
        winner: size -> latency, of the one that may be quicker.
        other: the same of the other.
    """
    first = None
    for size in sorted(winner.keys() & other.keys()):
        if winner[size] >= other[size]:
            first = None
        elif first is None:
            first = size
    return first


def sentence(medians: Mapping[Transport, Mapping[int, float]]) -> str:
    """Which transport is ahead for the largest messages, and from which size on; else empty."""
    websocket, polling = (medians.get(each, {}) for each in _TRANSPORTS)
    common = websocket.keys() & polling.keys()
    for name, own, other in (
        ("WebSocket", websocket, polling),
        ("long-polling", polling, websocket),
    ):
        size = ahead_from(own, other)
        if size is not None:
            where = "at every size" if size == min(common) else f"from {size_name(size)} on"
            return f"{name} is quicker {where}"
    return ""


def _medians(
    found: Sequence[SizePoint], mode: str, form: Form
) -> dict[Transport, dict[int, float]]:
    medians: dict[Transport, dict[int, float]] = {}
    for point in found:
        row = point.row
        if (row.cell.mode, point.form) == (mode, form) and row.status is Status.OK:
            medians.setdefault(row.cell.transport, {})[point.size] = row.value or 0.0
    return medians


def _latency(facts: Facts) -> Figure:
    """Latency over size: a panel per mode and form, a line per transport."""
    found = points(facts, _MEDIAN)
    modes = list(dict.fromkeys(point.row.cell.mode for point in found))
    forms = [form for form in _FORMS if any(point.form is form for point in found)]
    looks = style.looks(modes)
    figure = style.new_figure(1.2 + 2.5 * len(modes))
    grid = figure.subplots(len(modes), len(forms), squeeze=False, sharex=True, sharey=True)
    sizes = sorted({point.size for point in found})
    values = [point.row.value for point in found if point.row.value]
    for line, mode in zip(grid, modes, strict=True):
        for axes, form in zip(line, forms, strict=True):
            own = [point for point in found if (point.row.cell.mode, point.form) == (mode, form)]
            style.log_y(axes, *style.log_limits(values))
            _size_axis(axes, sizes)
            axes.set_title(
                _title(mode, form, sentence(_medians(found, mode, form))),
                fontsize=10,
                loc="left",
            )
            for transport in _TRANSPORTS:
                _line(axes, [p for p in own if p.row.cell.transport is transport], looks[mode])
            axes.grid(visible=True)
        line[0].set_ylabel("latency p50, ms")
    for axes in grid[-1]:
        axes.set_xlabel("size of the message (log scale)")
    style.legend_above(figure, _legend())
    return figure


def _title(mode: str, form: Form, words: str) -> str:
    return f"{style.shortened(mode)}, {form}" + (f": {words}" if words else "")


def _line(axes: Axes, own: Sequence[SizePoint], look: style.Look) -> None:
    if not own:
        return
    dashed = own[0].row.cell.transport is Transport.POLLING
    drawn = [point for point in own if point.row.value is not None]
    axes.plot(
        [point.size for point in drawn],
        [point.row.value or 0.0 for point in drawn],
        color=look.colour,
        linestyle=(0, (4, 2)) if dashed else "-",
        marker=look.marker,
        markersize=6,
        markerfacecolor="white" if dashed else look.colour,
        markeredgecolor=look.colour,
    )
    for point in drawn:
        if point.row.status is not Status.OK:
            axes.plot([point.size], [point.row.value or 0.0], "x", color=style.INK, zorder=6)
    refused = [point.size for point in own if point.row.value is None]
    top = axes.get_ylim()[1]
    axes.plot(refused, [top] * len(refused), "v", color=style.QUIET, clip_on=False, zorder=6)


def _size_axis(axes: Axes, sizes: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / 1.5, max(sizes) * 1.5)
    axes.xaxis.set_major_locator(FixedLocator(list(sizes)))
    axes.xaxis.set_major_formatter(FixedFormatter([size_name(size) for size in sizes]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize=8.5)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=style.QUIET, marker="o", label="WebSocket"),
        Line2D(
            [],
            [],
            color=style.QUIET,
            marker="o",
            markerfacecolor="white",
            linestyle=(0, (4, 2)),
            label="long-polling",
        ),
        style.key("x", "invalid"),
        style.key("v", "not taken"),
    ]


def _tables(facts: Facts) -> list[Table]:
    return [
        _by_size("Latency p50 by size, ms", facts, _MEDIAN),
        _by_size("Megabytes echoed per second, by size", facts, "volume"),
    ]


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
    large = [
        point
        for point in points(facts, _MEDIAN)
        if point.row.value and point.form is Form.TEXT and point.size >= _LARGE
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
    if seen:
        yield Finding(
            "slow-at-large",
            Severity.NOTE,
            f"Large messages take many times as long in some cells: {'; '.join(seen.values())}.",
            "Send large messages in another mode or over the other transport: eventlet's "
            "WebSocket unmasks what clients send byte by byte in Python "
            "(eventlet.websocket.RFC6455WebSocket), and gevent's pywsgi waits for a delayed "
            "acknowledgement over long-polling.",
            names(seen),
        )


def _two_segments(facts: Facts) -> Iterator[Finding]:
    """Bytes over WebSocket wait for a delayed acknowledgement that text does not wait for."""
    low, high = _DELAYED_ACK_MS
    clients = facts.setting(NAME, "clients") or 0.0
    # In a closed loop each client has one message under way: Little's law gives its round trip.
    round_trips_ms = {
        (point.size, point.form, point.row.cell): 1000 * clients / point.row.value
        for point in points(facts, "throughput")
        if point.row.value and point.row.cell.transport is Transport.WEBSOCKET
    }
    waiting = {
        cell: (took_ms, round_trips_ms[size, Form.TEXT, cell], size)
        for (size, form, cell), took_ms in round_trips_ms.items()
        if form is Form.BINARY
        and low <= took_ms <= high
        and round_trips_ms.get((size, Form.TEXT, cell), high) < low
    }
    if waiting:
        yield Finding(
            "binary-waits",
            Severity.NOTE,
            "Bytes over WebSocket wait where text of the same size does not: a round trip takes "
            + ", ".join(
                f"{short(binary)} ms instead of {short(text)} in {cell} ({size_name(size)})"
                for cell, (binary, text, size) in waiting.items()
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
        "dashed ones long-polling; each panel says from which size on the other transport wins. "
        "Triangles at the top are sizes that the server does not take.",
        _latency,
    ),
)

SECTION = Section(
    scenario=NAME,
    title="Payload",
    meaning="The same echo with messages from a few bytes to a megabyte, as text and as bytes.",
    headlines=(_MEDIAN, "throughput", "volume", "lost", "server_cpu"),
    questions=(
        Question("lowest latency of a 64 KiB message (p50)", f"{NAME}:65536", _MEDIAN),
        Question("most megabytes per second, 64 KiB messages", f"{NAME}:65536", "volume"),
    ),
    charts=_CHARTS,
    checks=(_slow_at_large, _two_segments),
    tables=_tables,
    short_tables=_tables,
    note="Mean over trials; what a size lacks says why under “Failed and invalid”.",
)
