"""What a chart declares, and how it becomes a file."""

from __future__ import annotations

import dataclasses
import io
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.charts import style
from reports.charts.compact import compact, sheet
from reports.facts.run import Facts, provenance

_PNG_DPI = 192
_EDGE_INCHES = 0.14
#: So many characters of what a chart is of have room below it.
_PROVENANCE = 150
#: And in each of its lines on a phone.
_NARROW_LETTERS = 50
#: And in each line of an axis' label.
_LABEL_LETTERS = 38


def _always(_: Facts) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Caption:
    """What a chart is called.

    Attributes:
        name: of its files.
        title: its caption's first words, and what is read aloud in its place.
        reading: one or two sentences: how to read it.
    """

    name: str
    title: str
    reading: str


@dataclass(frozen=True, slots=True)
class ChartKind(Caption):
    """A chart of a run.

    Attributes:
        wanted: whether the run has what it shows.
        shows: the row's name and the metric that are told where it cannot be seen; those that
            matter most of its section if None.
    """

    draw: Callable[[Facts], Figure]
    wanted: Callable[[Facts], bool] = _always
    shows: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart.

    Attributes:
        svg: a whole SVG document.
        png: twice as many pixels as the page shows.
        narrow: another SVG document, for a phone; empty where there is none.
        numbers: what it shows at first sight, computed; empty where nothing is known.
    """

    kind: Caption
    svg: str
    png: bytes
    narrow: str = ""
    numbers: str = ""


def draw(kind: ChartKind, facts: Facts, numbers: str = "") -> Chart:
    """One chart of a run.

    Args:
        kind: which.
        facts: of the run.
        numbers: what it shows at first sight.
    """
    make, about = partial(kind.draw, facts), provenance(facts)
    wide = drawn(kind, make, about)
    with _look(kind, style.RC | style.NARROW):
        svg, _ = _files(_narrow(make, about), png=False)
    return dataclasses.replace(wide, narrow=svg, numbers=numbers)


def drawn(kind: Caption, make: Callable[[], Figure], about: str) -> Chart:
    """One chart, for a wide page only.

    Args:
        kind: what it is called.
        make: draws it.
        about: what it is of, in one line below it.
    """
    with _look(kind, style.RC):
        figure = make()
        figure.suptitle(kind.title, x=0.005, ha="left", fontsize=14, fontweight="bold")
        # A chart is shown away from its page as well; this says what it is of.
        below = style.shortened(about, _PROVENANCE)
        figure.supxlabel(below, x=0.995, ha="right", fontsize=8.5, color=style.QUIET)
        return Chart(kind, *_files(figure))


def _narrow(make: Callable[[], Figure], about: str) -> Figure:
    figure = make()
    # Its title is the caption's, right below it.
    for axes in figure.axes:
        axes.set_xlabel("\n".join(textwrap.wrap(axes.get_xlabel(), _LABEL_LETTERS)))
        axes.set_ylabel("\n".join(textwrap.wrap(axes.get_ylabel(), _LABEL_LETTERS)))
    below = "\n".join(textwrap.wrap(style.shortened(about, _PROVENANCE), _NARROW_LETTERS))
    figure.supxlabel(below, x=0.01, ha="left", fontsize=8.5, color=style.QUIET)
    return figure


@contextmanager
def _look(kind: Caption, settings: dict[str, Any]) -> Iterator[None]:
    # The salt makes identifiers, and so the whole file, the same for the same numbers.
    salted = cast("Any", settings | {"svg.hashsalt": kind.name})
    with matplotlib.rc_context(salted), warnings.catch_warnings():
        # A label may be in any script; the SVG keeps it as text, whatever this font has.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _files(figure: Figure, *, png: bool = True) -> tuple[str, bytes]:
    _lay_out(figure)
    # No text is cut off, however long somebody's label is. Measured here and once: told "tight",
    # each savefig would do so, and draw everything for it.
    renderer = cast("Any", FigureCanvasAgg(figure)).get_renderer()
    edges: dict[str, Any] = {"bbox_inches": figure.get_tightbbox(renderer).padded(_EDGE_INCHES)}
    vectors, pixels = io.StringIO(), io.BytesIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(vectors, format="svg", metadata=nothing, **edges)
    if png:
        # Half the time of the highest compression for a twentieth more bytes.
        figure.savefig(
            pixels,
            format="png",
            dpi=_PNG_DPI,
            metadata={"Software": None},
            pil_kwargs={"compress_level": 4},
            **edges,
        )
    return vectors.getvalue(), pixels.getvalue()


def _lay_out(figure: Figure) -> None:
    """Make room for all texts, once for all files: it takes as long as drawing."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    # An engine, even one that does nothing, has savefig draw everything once more.
    figure.set_layout_engine(None)
    # The layout's solver differs in the last digits from time to time, and identifiers in the SVG
    # are made from positions: rounded, the same numbers give the same file.
    for axes in figure.axes:
        left, bottom, width, height = (round(edge, 6) for edge in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))


def inline(chart: Chart, name: str = "") -> str:
    """The SVG element alone, for a page that holds several.

    Args:
        chart: the drawn one.
        name: another, where the page has two of this kind.
    """
    found = compact(chart.svg, name or chart.kind.name, described(chart))
    return found.svg.replace("<defs>", f"<style>{sheet(found.rules)}</style><defs>", 1)


def described(chart: Chart) -> str:
    """What is read aloud in a chart's place, the numbers last."""
    parts = (f"{chart.kind.title}.", chart.kind.reading, chart.numbers)
    return " ".join(part for part in parts if part)
