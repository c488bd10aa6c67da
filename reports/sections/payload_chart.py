"""Latency over the size of messages, and which transport is quicker for large ones."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import inf, log

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from loadtests.record.words import Status, Transport
from loadtests.scenarios.payload import BEYOND
from loadtests.scenarios.sizes import Form, SizeRow
from reports.charts import legends, scales, style
from reports.facts.ratios import ratio_of
from reports.facts.rows import Row
from reports.facts.run import Facts
from reports.facts.stats import Ratio

#: The metric that is drawn.
MEDIAN = "latency_p50"
_FORMS = tuple(Form)
#: How far the axis goes on beyond the sizes, as a factor.
_MARGIN = 1.5
#: How many letters of a label fit side by side along the whole figure.
_LETTERS = 110
_TRANSPORTS = (Transport.WEBSOCKET, Transport.POLLING)


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
        said = SizeRow.parse(row.row)
        if said is not None and row.metric.name == metric:
            found.append(SizePoint(said.size, said.form, row))
    return found


def size_name(size: int) -> str:
    """``32 B``, ``64 KiB``, ``1 MiB``; what is no whole number of those is in bytes."""
    for factor, unit in ((1024**2, "MiB"), (1024, "KiB")):
        if size % factor == 0:
            return f"{size // factor:,} {unit}"
    return f"{size:,} B"


def sentence(websocket: Mapping[int, Row], polling: Mapping[int, Row]) -> str:
    """Which transport is quicker for the largest messages, and from which size on.

    Args:
        websocket: the latency of each size, bytes, over WebSocket.
        polling: the same over long-polling.

    Returns:
        Empty where no size has both.
    """
    ratios = {
        size: found
        for size in sorted(websocket.keys() & polling.keys())
        if (found := ratio_of(websocket[size], polling[size])) is not None
    }
    if not ratios:
        return ""
    quicker = _quicker(ratios[max(ratios)])
    stretch = list(takewhile(lambda size: _quicker(ratios[size]) is quicker, reversed(ratios)))
    words = "alike" if quicker is None else f"{style.TRANSPORT_TITLES[quicker]} is quicker"
    sizes = websocket.keys() | polling.keys()
    if len(stretch) == len(sizes):
        where = "at every size"
    elif len(stretch) == 1 and stretch[0] < max(sizes):
        where = f"at {size_name(stretch[0])}"
    elif max(ratios) < max(sizes):  # one of them has no number for larger ones
        where = f"from {size_name(stretch[-1])} to {size_name(stretch[0])}"
    elif len(stretch) == len(ratios):
        where = "at every size that both have"
    else:
        where = f"from {size_name(stretch[-1])} on"
    single = any(ratios[size].apart is None for size in stretch)
    return f"{words} {where}" + (" (single trial)" if single else "")


def _quicker(polling: Ratio) -> Transport | None:
    """The quicker transport by long-polling's times against WebSocket's; None: not told apart."""
    if polling.apart is False or polling.value == 1:
        return None
    return Transport.WEBSOCKET if polling.value > 1 else Transport.POLLING


def _sound(own: Sequence[SizePoint], transport: Transport) -> dict[int, Row]:
    """The rows of one transport that are to be trusted, by size."""
    return {
        point.size: point.row
        for point in own
        if point.row.cell.transport is transport and point.row.status is Status.OK
    }


def is_beyond(row: Row) -> bool:
    """Whether the server reads no message of this size."""
    beyond = any(reason.startswith(BEYOND) for reason in row.reasons)
    return row.status is Status.UNAVAILABLE and beyond


def wanted(facts: Facts) -> bool:
    """Whether there is a row of a size."""
    return bool(points(facts, MEDIAN))


def latency(facts: Facts) -> Figure:
    """Latency over size: a panel per mode and form, a line per transport."""
    found = points(facts, MEDIAN)
    modes = list(dict.fromkeys(point.row.cell.mode for point in found))
    forms = [form for form in _FORMS if any(point.form is form for point in found)]
    looks = style.looks(modes)
    figure = style.new_figure(1.2 + 2.6 * len(modes), columns=len(forms))
    grid = style.panels(figure, len(modes), len(forms), sharex=True, sharey=True)
    sizes = sorted({point.size for point in found})
    values = [point.row.value for point in found if point.row.value]
    for line, mode in zip(grid, modes, strict=True):
        for axes, form in zip(line, forms, strict=True):
            scales.log_y(axes, *scales.log_limits(values))
            _size_axis(axes, sizes, 3 if style.is_narrow() else len(forms))
            axes.set_title(f"{style.shortened(mode)}, {form}", fontsize=10.5, pad=20)
            own = [point for point in found if (point.row.cell.mode, point.form) == (mode, form)]
            _panel(axes, own, looks[mode])
        line[0].set_ylabel("latency p50, ms")
    for axes in grid[-1]:
        axes.set_xlabel("size of the message (log scale)")
    legends.legend_above(figure, _legend([point.row for point in found]))
    return figure


def _panel(axes: Axes, own: Sequence[SizePoint], look: style.Look) -> None:
    words = sentence(*(_sound(own, transport) for transport in _TRANSPORTS))
    note = axes.annotate(
        textwrap.shorten(words, 50, placeholder=" …") if style.is_narrow() else words,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 9),
        textcoords="offset points",
        fontsize=9.5,
        color=style.QUIET,
    )
    note.set_in_layout(False)  # the title keeps its room
    for transport in _TRANSPORTS:
        _line(axes, [point for point in own if point.row.cell.transport is transport], look)
    rows = [point.row for point in own]
    if not any(row.value is not None or is_beyond(row) for row in rows):
        text = style.place_name(style.worth(rows))
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", color=style.QUIET)
    axes.grid(visible=True)


def _line(axes: Axes, own: Sequence[SizePoint], look: style.Look) -> None:
    if not own:
        return
    dashed = own[0].row.cell.transport is Transport.POLLING
    drawn = [point for point in own if point.row.value is not None]
    axes.plot(
        [point.size for point in drawn],
        [point.row.value or 0.0 for point in drawn],
        color=look.line,
        linestyle=(0, (4, 2)) if dashed else "-",
        marker=look.marker,
        markersize=6,
        markerfacecolor="white" if dashed else look.colour,
        markeredgecolor=look.line,
    )
    for point in drawn:
        if point.row.status is not Status.OK:
            axes.plot([point.size], [point.row.value or 0.0], "x", color=style.INK, zorder=6)
    beyond = [point.size for point in own if is_beyond(point.row)]
    if not beyond:
        return
    axes.plot(
        beyond,
        [axes.get_ylim()[1]] * len(beyond),
        "v",
        color=style.QUIET,
        # Both transports' are seen where both are beyond: a small one in a large one.
        markersize=10 if dashed else 5,
        markerfacecolor="white" if dashed else style.QUIET,
        clip_on=False,
        zorder=6 if dashed else 6.5,
    )


def _size_axis(axes: Axes, sizes: Sequence[int], panels: int) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / _MARGIN, max(sizes) * _MARGIN)
    axes.xaxis.set_major_locator(FixedLocator(list(sizes)))
    axes.xaxis.set_major_formatter(FixedFormatter(size_labels(sizes, _LETTERS // panels)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize=8.5)


def size_labels(sizes: Sequence[int], letters: int) -> list[str]:
    """The names of sizes along a log axis, empty where one would run into that of a larger size.

    Args:
        sizes: bytes, from small to large.
        letters: how many fit on the axis.
    """
    per_unit = letters / log(max(sizes) / min(sizes) * _MARGIN**2)
    free, labels = inf, []
    for size in reversed(sizes):
        name = size_name(size)
        centre = log(size) * per_unit
        fits = centre + (len(name) + 1) / 2 <= free
        labels.append(name if fits else "")
        free = centre - (len(name) + 1) / 2 if fits else free
    return labels[::-1]


def _legend(rows: Sequence[Row]) -> list[Line2D]:
    handles = [
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
    ]
    if any(row.value is not None and row.status is not Status.OK for row in rows):
        handles.append(legends.key("x", "invalid"))
    if any(map(is_beyond, rows)):
        handles.append(legends.key("v", BEYOND))
    return handles
