"""What a chart declares, and how it becomes a file."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import matplotlib
from matplotlib.figure import Figure

from reports.charts import style
from reports.facts.run import Facts, provenance

_PNG_DPI = 192
_EDGE_INCHES = 0.14
#: So many characters of what a chart is of have room below it.
_PROVENANCE = 150


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
    """

    draw: Callable[[Facts], Figure]
    wanted: Callable[[Facts], bool] = _always


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart.

    Attributes:
        svg: a whole SVG document.
        png: twice as many pixels as the page shows.
    """

    kind: Caption
    svg: str
    png: bytes


def draw(kind: ChartKind, facts: Facts) -> Chart:
    """One chart of a run."""
    return drawn(kind, partial(kind.draw, facts), provenance(facts))


def drawn(kind: Caption, make: Callable[[], Figure], about: str) -> Chart:
    """One chart.

    Args:
        kind: what it is called.
        make: draws it.
        about: what it is of, in one line below it.
    """
    # The salt makes identifiers, and so the whole file, the same for the same numbers.
    with matplotlib.rc_context(cast("Any", style.RC | {"svg.hashsalt": kind.name})):
        figure = make()
        figure.suptitle(kind.title, x=0.005, ha="left", fontsize=14, fontweight="bold")
        # A chart is shown away from its page as well; this says what it is of.
        below = style.shortened(about, _PROVENANCE)
        figure.supxlabel(below, x=0.995, ha="right", fontsize=8.5, color=style.QUIET)
        with warnings.catch_warnings():
            # A label may be in any script; the SVG keeps it as text, whatever this font has.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            svg, png = _files(figure)
    return Chart(kind, svg, png)


def _files(figure: Figure) -> tuple[str, bytes]:
    svg, png = io.StringIO(), io.BytesIO()
    # One layout for both files, computed once: it takes as long as drawing.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    # The layout's solver differs in the last digits from time to time, and identifiers in the SVG
    # are made from positions: rounded, the same numbers give the same file.
    for axes in figure.axes:
        left, bottom, width, height = (round(edge, 6) for edge in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    # "tight" lets no text be cut off, however long somebody's label is.
    edges: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": _EDGE_INCHES}
    figure.savefig(svg, format="svg", metadata=nothing, **edges)
    figure.savefig(png, format="png", dpi=_PNG_DPI, metadata={"Software": None}, **edges)
    return svg.getvalue(), png.getvalue()


def inline(chart: Chart, name: str = "") -> str:
    """The SVG element alone, for a page that holds several.

    Identifiers get the chart's name in front, since matplotlib starts from ``figure_1`` in every
    file, and an identifier must be unique in a page.

    Args:
        chart: the drawn one.
        name: another, where the page has two of this kind.
    """
    svg = chart.svg[chart.svg.index("<svg") :]
    # Inside a page the rule would reach beyond the chart.
    svg = svg.replace("*{stroke-linejoin", "svg *{stroke-linejoin")
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    name = name or chart.kind.name
    svg = re.sub(r'(\bid=")', rf"\1{name}-", svg)
    svg = re.sub(r'(\bhref="#|\burl\(#)', rf"\1{name}-", svg)
    label = html.escape(f"{chart.kind.title}. {chart.kind.reading}")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
