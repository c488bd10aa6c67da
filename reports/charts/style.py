"""What every chart has in common: colours, markers, fonts, axes and how a cell's place looks."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from loadtests.record.words import Status, Transport
from reports.facts.numbers import short
from reports.facts.rows import Cell, Row
from reports.facts.stats import NOTHING
from reports.facts.text import shown

INK = "#1f2328"
QUIET = "#59636e"
GRID = "#d8dee4"
FADED = 0.35
#: So many letters of a legend have room in one line.
_LEGEND_LETTERS = 90
#: Inches. A browser shows 96 px of it per inch, so that charts fill a page of 1100 px at 1:1.
WIDTH, ROW_HEIGHT = 10.4, 0.62

#: Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), told apart by people of every colour
#: vision. The three modes keep theirs in every chart of every run.
_FIXED = {
    "eventlet": ("#E69F00", "o"),
    "gevent": ("#0072B2", "s"),
    "threading": ("#009E73", "^"),
}
_OTHERS = (
    ("#CC79A7", "D"),
    ("#D55E00", "v"),
    ("#56B4E9", "P"),
    ("#000000", "X"),
    ("#A89B00", "*"),  # the palette's yellow, darkened: it vanishes on white
)

RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 10.5,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in somebody's label is a dollar
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.labelsize": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": INK,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "hatch.color": "#ffffff",
    "hatch.linewidth": 1.2,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and copied
    "figure.facecolor": "#ffffff",
    "savefig.facecolor": "#ffffff",
}

TRANSPORT_TITLES = {Transport.POLLING: "long-polling", Transport.WEBSOCKET: "WebSocket"}


@dataclass(frozen=True, slots=True)
class Look:
    """The colour and the marker of a mode."""

    colour: str
    marker: str


def looks(modes: Iterable[str]) -> dict[str, Look]:
    """The look of every mode; those without a fixed one get the next by the order of names."""
    found = {mode: Look(*look) for mode, look in _FIXED.items()}
    others = sorted(set(modes) - set(_FIXED))
    return found | {mode: Look(*_OTHERS[index % len(_OTHERS)]) for index, mode in enumerate(others)}


def new_figure(height: float) -> Figure:
    """An empty figure of the common width, which makes room for its texts by itself."""
    padded = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.07)
    return Figure(figsize=(WIDTH, height), layout=padded)


def shortened(text: str, length: int = 22) -> str:
    """A label that fits beside a chart, without characters that an SVG file may not hold."""
    return shown(text, length)


def by_transport(cells: Iterable[Cell]) -> dict[Transport, list[Cell]]:
    """The cells of each transport that has any, in the enumeration's order."""
    listed = list(cells)
    groups = {
        transport: [cell for cell in listed if cell.transport is transport]
        for transport in Transport
    }
    return {transport: group for transport, group in groups.items() if group}


def spans_a_decade(numbers: Iterable[float]) -> bool:
    """Whether numbers differ by a factor of ten, so that a linear axis would hide the small."""
    positive = [number for number in numbers if number > NOTHING]
    return bool(positive) and max(positive) >= 10 * min(positive)


def log_limits(numbers: Iterable[float], *, room: float = 0.06) -> tuple[float, float]:
    """Limits of a log axis around positive numbers, a little air on both sides.

    Args:
        numbers: those that have to fit; what is not positive, or next to nothing, is passed over.
        room: share of the span, in decades, that is left free at each end.
    """
    positive = [number for number in numbers if number > NOTHING] or [1.0]
    low, high = math.log10(min(positive)), math.log10(max(positive))
    if high - low < 0.5:  # a narrow log axis has no ticks to read
        middle = (low + high) / 2
        low, high = middle - 0.25, middle + 0.25
    air = room * (high - low)
    return 10 ** (low - air), 10 ** (high + air)


def on_axis(axes: Axes, number: float) -> float:
    """Where a marker stands that is not cut off: below the axis's first number, at that."""
    return max(number, axes.get_xlim()[0])


def log_x(axes: Axes, low: float, high: float, *, last_tick: float = math.inf) -> None:
    """A log x axis with plain numbers at 1, 2 and 5 of each decade, fewer over many decades."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    plain_log_ticks(axes.xaxis, low, min(high, last_tick))


def log_y(axes: Axes, low: float, high: float) -> None:
    """The same for y."""
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    plain_log_ticks(axes.yaxis, low, high)


def linear_x(axes: Axes, high: float) -> None:
    """A linear x axis from 0, with plain numbers."""
    axes.set_xlim(0, high * 1.06 if high > 0 else 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def plain_log_ticks(axis: Any, low: float, high: float) -> None:
    """Plain numbers at 1, 2 and 5 of each decade between two ends, fewer over many decades."""
    axis.set_major_locator(FixedLocator(_log_ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _tick(value: float) -> str:
    return f"{value:,.6g}" if value < 1e6 else short(value)


def _log_ticks(low: float, high: float) -> list[float]:
    decades = math.log10(high / low)
    steps: tuple[int, ...] = (1,)
    if decades <= 3:
        steps = (1, 2, 5)
    elif decades <= 3.6:
        steps = (1, 3)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def heading(axes: Axes, text: str, *, above: str | None = None) -> None:
    """A heading that may run over the axes to the right, with another above it where wanted.

    Args:
        axes: the leftmost that it is over.
        text: the heading; may be empty.
        above: of several lines of axes; an empty text keeps the room for it.
    """
    # A title would claim its width; this one only claims its height.
    axes.set_title(" " if above is None else " \n ", fontsize=11.5)
    for words, size, points in ((text, 10.5, 6), (above, 12, 22)):
        if words:
            note = axes.annotate(
                words,
                (0, 1),
                xycoords="axes fraction",
                xytext=(0, points),
                textcoords="offset points",
                fontsize=size,
                fontweight="bold",
                annotation_clip=False,
            )
            note.set_in_layout(False)


def cell_rows(axes: Axes, cells: Sequence[Cell], *, labels: bool = True) -> None:
    """One horizontal place per cell, the first on top, named by its mode."""
    axes.set_ylim(len(cells) - 0.5, -0.5)
    names = [shortened(cell.mode) for cell in cells] if labels else []
    axes.set_yticks(range(len(cells)), names) if labels else axes.set_yticks([])
    axes.tick_params(axis="y", length=0, pad=8)
    axes.spines["left"].set_visible(False)
    for place in range(1, len(cells)):
        axes.axhline(place - 0.5, color=GRID, linewidth=0.8, zorder=0)
    axes.grid(axis="x")


def beside(axes: Axes, place: float, points: float, text: str, *, doubtful: bool = False) -> None:
    """A number to the right of a cell's place, in a column.

    Args:
        axes: that of the cell.
        place: the cell's position on the y axis.
        points: distance of the column's middle from the axes' right edge.
        text: the number.
        doubtful: whether it is not to be taken at face value.
    """
    axes.annotate(
        text,
        (1, place),
        xycoords=axes.get_yaxis_transform(),
        xytext=(points, 0),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=10,
        color=QUIET if doubtful else INK,
        style="italic" if doubtful else "normal",
        annotation_clip=False,
    )


def place_note(axes: Axes, place: float, text: str, *, x: float = 0.5) -> None:
    """Say in a cell's place why nothing, or something doubtful, is drawn there.

    Args:
        axes: that of the cell.
        place: the cell's position on the y axis.
        text: a few words.
        x: where, as a share of the axes' width.
    """
    axes.text(
        x,
        place,
        text,
        transform=axes.get_yaxis_transform(),
        ha="center",
        va="center",
        color=QUIET,
        fontsize=9.5,
        style="italic",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        zorder=6,
    )


def worth(rows: Iterable[Row | None]) -> Status:
    """The status that a cell's place is drawn with: the worst of the rows behind it."""
    found = {row.status for row in rows if row is not None}
    for status in (Status.FAILED, Status.UNAVAILABLE, Status.INVALID):
        if status in found:
            return status
    return Status.OK if found else Status.FAILED


def place_name(status: Status) -> str:
    """What an empty place says."""
    return "failed: no measurement" if status is Status.FAILED else "not available here"


def key(marker: str, label: str, *, fill: str = QUIET, size: float = 7.5) -> Line2D:
    """An entry of a legend: a marker in neutral ink."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=size,
        color=QUIET,
        markerfacecolor=fill,
        markeredgecolor=QUIET,
        label=label,
    )


def columns_for(labels: Iterable[str], points: float) -> int:
    """How many columns of a legend fit into a width.

    Args:
        labels: its entries.
        points: the width.
    """
    longest = max((len(label) for label in labels), default=1)
    # DejaVu Sans at 9.5 points, plus the line and the gap.
    return max(1, int(points // (5.9 * longest + 46)))


def legend_above(figure: Figure, handles: Sequence[Any], *, columns: int | None = None) -> None:
    """One legend for the whole figure, over the panels; as wide as it fits if columns is None."""
    if columns is None:
        labels = [str(handle.get_label()) for handle in handles]
        # Each column is as wide as its own longest label.
        columns = len(handles) if sum(map(len, labels)) < _LEGEND_LETTERS else -(-len(handles) // 2)
    figure.legend(handles=handles, loc="outside upper right", ncols=columns)


def jitter(text: str, reach: float) -> float:
    """A fixed displacement for a point, so that the same run draws the same chart.

    Args:
        text: what the point is, e.g. its cell and number.
        reach: the largest displacement in either direction.
    """
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:4], "big") / 2**32 * 2 - 1) * reach
