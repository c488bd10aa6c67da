"""What every chart has in common: colours, markers, fonts, axes and how a cell's place looks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from loadtests.record.words import Status, Transport
from reports.facts.rows import Cell, Row
from reports.facts.text import shown

INK = "#1f2328"
QUIET = "#59636e"
GRID = "#d8dee4"
FAINT = "#98a2ad"
#: Of what rules expect, and of what they do not explain: a shape and a colour that no mode has.
SHADE, OUTSIDE = "#c9d3de", "#a4133c"
FADED = 0.35
#: Inches. A browser shows 96 px of it per inch, so that charts fill a page of 1100 px at 1:1, and
#: narrow ones a phone's 360.
WIDTH, _NARROW_WIDTH = 10.4, 3.62
ROW_HEIGHT, _NARROW_ROW_HEIGHT = 0.52, 0.72
#: Panels that stand below each other need not be as tall as those beside each other.
_STACKED = 0.66
#: Where a narrow chart has a cell's name and numbers: above its place.
_ABOVE = -0.38

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

#: Of lines and outlines, where the colour itself has less than 3:1 on white (WCAG 2.2, 1.4.11).
#: They have as much on the page's dark ground.
_LINES = {"#E69F00": "#A87400", "#009E73": "#008A64", "#56B4E9": "#2F8FC6", "#A89B00": "#8F8400"}

RC: dict[str, Any] = {
    "figure.figsize": (WIDTH, 4.0),
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 10.5,
    "text.color": INK,
    "path.simplify_threshold": 0.3,  # points of 1/72 inch, which nobody sees
    "text.parse_math": False,  # a "$" in somebody's label is a dollar
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.labelsize": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # looked for among all ticks otherwise, a tenth of the time of a chart
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
    "xtick.major.size": 0,  # where a tick is, a line of the grid is
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.labelsize": 10.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "hatch.color": "#ffffff",
    "hatch.linewidth": 1.2,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and copied
    "figure.facecolor": "#ffffff",
    "savefig.facecolor": "#ffffff",
}

#: Over :data:`RC`, for a chart on a phone: no letter is below 11 px.
NARROW: dict[str, Any] = {
    "figure.figsize": (_NARROW_WIDTH, 4.0),
    "axes.labelsize": 9,
    "axes.titlesize": 10,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 9,
    "legend.fontsize": 8.5,
}

TRANSPORT_TITLES = {Transport.POLLING: "long-polling", Transport.WEBSOCKET: "WebSocket"}


@dataclass(frozen=True, slots=True)
class Look:
    """How a mode is drawn.

    Attributes:
        colour: of areas.
        marker: its shape, which says the same as the colour.
    """

    colour: str
    marker: str

    @property
    def line(self) -> str:
        """The colour of lines and outlines."""
        return _LINES.get(self.colour, self.colour)


def looks(modes: Iterable[str]) -> dict[str, Look]:
    """The look of every mode; those without a fixed one get the next by the order of names."""
    found = {mode: Look(*look) for mode, look in _FIXED.items()}
    others = sorted(set(modes) - set(_FIXED))
    return found | {mode: Look(*_OTHERS[index % len(_OTHERS)]) for index, mode in enumerate(others)}


def is_narrow() -> bool:
    """Whether what is drawn now is for a phone: :data:`NARROW` is in force."""
    return bool(matplotlib.rcParams["figure.figsize"][0] == _NARROW_WIDTH)


def panel_points(columns: int) -> float:
    """The width of a panel with what is beside it, in points, where so many stand side by side."""
    return 72 * (_NARROW_WIDTH if is_narrow() else WIDTH / columns) - 20


def row_height() -> float:
    """Inches of a cell's place."""
    return _NARROW_ROW_HEIGHT if is_narrow() else ROW_HEIGHT


def new_figure(height: float, *, columns: int = 1, stacked: float = _STACKED) -> Figure:
    """An empty figure of the common width, which makes room for its texts by itself.

    Args:
        height: inches, where the columns stand side by side.
        columns: of :func:`panels`; on a narrow chart they stand below each other.
        stacked: how high a panel then is, of what it is otherwise.
    """
    width = _NARROW_WIDTH if is_narrow() else WIDTH
    if is_narrow():
        each = max(height - 0.8, 0)  # without the legend, which has more lines here
        height = 1.9 + columns * (each * stacked + 0.2) if columns > 1 else 1.2 + each
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.07))


def panels(
    figure: Figure, rows: int, columns: int, *, heights: Sequence[float] = (), **shared: Any
) -> Any:
    """Axes by row and column; on a narrow chart all of them below each other, row by row."""
    ratios = list(heights) or [1.0] * rows
    if not is_narrow() or columns == 1:
        return figure.subplots(rows, columns, squeeze=False, height_ratios=ratios, **shared)
    ratios = [height for height in ratios for _ in range(columns)]
    found = figure.subplots(rows * columns, 1, squeeze=False, height_ratios=ratios, **shared)
    for axes in found.flat:
        axes.tick_params(labelbottom=True)
    return numpy.asarray(found).reshape(rows, columns)


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
    if is_narrow():
        axes.set_yticks([])
        for place, cell in enumerate(cells):
            over(axes, place, (0, 0), shortened(cell.mode), ha="left", fontsize=9)
    else:
        names = [shortened(cell.mode) for cell in cells]
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
        points: distance of the column's middle from the axes' right edge; on a narrow chart the
            column is inside, above the place.
        text: the number.
        doubtful: whether it is not to be taken at face value.
    """
    look: dict[str, Any] = {
        "ha": "center",
        "color": QUIET if doubtful else INK,
        "style": "italic" if doubtful else "normal",
    }
    if is_narrow():
        over(axes, place, (1, points), text, fontsize=8.5, **look)
    else:
        _note(axes, (1, place), (points, 0), text, va="center", fontsize=10, **look)


def over(axes: Axes, place: float, where: tuple[float, float], text: str, **look: Any) -> None:
    """A text above a place of a narrow chart.

    Args:
        axes: that of the place.
        place: its position on the y axis.
        where: a share of the axes' width, and so many points from there.
        text: what it says.
        look: of the text.
    """
    share, points = where
    _note(axes, (share, place + _ABOVE), (points, 0), text, va="center", zorder=7, **look)


def _note(
    axes: Axes, at: tuple[float, float], points: tuple[float, float], text: str, **look: Any
) -> None:
    axes.annotate(
        text,
        at,
        xycoords=axes.get_yaxis_transform(),
        xytext=points,
        textcoords="offset points",
        annotation_clip=False,
        **look,
    )


def place_note(axes: Axes, place: float, text: str, *, x: float = 0.5) -> None:
    """Say in a cell's place why nothing, or something doubtful, is drawn there.

    Args:
        axes: that of the cell.
        place: the cell's position on the y axis.
        text: a few words.
        x: where, as a share of the axes' width.
    """
    note = axes.text(
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
    note.set_in_layout(not is_narrow())  # it may be wider than the axes of a phone


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


def jitter(text: str, reach: float) -> float:
    """A fixed displacement for a point, so that the same run draws the same chart.

    Args:
        text: what the point is, e.g. its cell and number.
        reach: the largest displacement in either direction.
    """
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:4], "big") / 2**32 * 2 - 1) * reach
