"""Ratios of head to base with their intervals, one under the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from loadtests.record.words import Better, Verdict
from reports.charts import legends, style
from reports.facts.changes import Change
from reports.facts.numbers import times

#: So many are told apart by eye; the tables have all.
MOST = 60
_ROW_HEIGHT = 0.42
#: Of a row's name, of a cell's.
_LETTERS = 44
#: Where the column of ratios has its middle, right of the axes.
_RATIO_POINTS = 74
#: No axis is narrower, so that one in a hundred does not look like much.
_NARROWEST = math.log(1.12)
#: An interval may run out of the axes where it reaches so many times further than any ratio.
_FURTHER = 2.5
#: From the middle outwards.
_ABOVE = (1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 100, 1000, 1e6, 1e12)
_BELOW = (0.98, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.01, 0.001, 1e-6, 1e-12)
#: Of the way from the middle to the edge: nearer than that numbers would touch.
_APART = 0.18

#: Shape and colour say the same (Okabe and Ito's palette, as in style).
_MARKS: dict[Verdict | None, tuple[str, str, bool]] = {
    Verdict.SLOWER: ("D", "#D55E00", True),
    Verdict.FASTER: ("o", "#009E73", True),
    Verdict.EXCLUDED: ("o", "#59636e", False),
    Verdict.INCONCLUSIVE: ("s", "#98a2ad", False),
    None: ("o", "#98a2ad", False),
}
_WORDS: dict[Verdict | None, str] = {
    Verdict.SLOWER: "slower",
    Verdict.FASTER: "faster",
    Verdict.EXCLUDED: "slowdown excluded",
    Verdict.INCONCLUSIVE: "inconclusive",
    None: "no verdict",
}
_HEADINGS = {
    Better.LOWER: "Less is better: further right is slower",
    Better.HIGHER: "More is better: further left is slower",
}

READING = (
    "Each mark is head's number as so many times base's, the line its interval; 1 is no change. "
    "The dashed line is the slowdown that matters."
)


def drawable(changes: Sequence[Change]) -> list[Change]:
    """Those that a chart has room for, in their order: what moved comes first."""
    found = [
        one for one in changes if one.ratio is not None and one.metric.better is not Better.NEITHER
    ]
    return found[:MOST]


def forest(changes: Sequence[Change], size: float) -> Figure:
    """Ratios and intervals, what is slower on the right where less is better.

    Args:
        changes: at least one, each with a ratio.
        size: the slowdown that matters, as a share.
    """
    groups = {
        better: [one for one in changes if one.metric.better is better] for better in _HEADINGS
    }
    groups = {better: found for better, found in groups.items() if found}
    counts = [len(found) for found in groups.values()]
    figure = style.new_figure(1.3 + sum(0.75 + _ROW_HEIGHT * count for count in counts))
    panels = figure.subplots(len(groups), 1, squeeze=False, height_ratios=counts)[:, 0]
    reach = _reach(changes, size)
    for axes, (better, found) in zip(panels, groups.items(), strict=True):
        _scale(axes, reach)
        _places(axes, found)
        axes.set_title(_HEADINGS[better])
        threshold = 1 + size if better is Better.LOWER else 1 / (1 + size)
        axes.axvline(1, color=style.QUIET, linewidth=1.1, zorder=1)
        axes.axvline(threshold, color="#D55E00", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for place, change in enumerate(found):
            _mark(axes, place, change, reach)
    panels[-1].set_xlabel("head / base (log scale)")
    legends.legend_above(figure, _keys(changes))
    return figure


def _reach(changes: Sequence[Change], size: float) -> float:
    """How far the axis goes to both sides, as a logarithm: every mark is on it, and most lines."""
    ratios = [one.ratio for one in changes if one.ratio is not None]
    marks = max(abs(math.log(each.value)) for each in ratios)
    ends = [
        abs(math.log(end))
        for each in ratios
        for end in (each.low, each.high)
        if end is not None and 0 < end < math.inf
    ]
    least = max(marks * 1.08, math.log1p(size) * 1.25, _NARROWEST)
    return max(least, min(max(ends, default=0.0) * 1.05, _FURTHER * least))


def _scale(axes: Axes, reach: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(math.exp(-reach), math.exp(reach))
    ticks = [*_chosen(_BELOW, reach), 1.0, *_chosen(_ABOVE, reach)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _chosen(ticks: Sequence[float], reach: float) -> list[float]:
    """Those on the axis, from the outermost inwards, as many as can be read."""
    chosen: list[float] = []
    for tick in reversed(ticks):
        place = abs(math.log(tick)) / reach
        outer = abs(math.log(chosen[-1])) / reach if chosen else math.inf
        if place <= 1 and place >= _APART and outer - place >= _APART:
            chosen.append(tick)
    return sorted(chosen)


def _places(axes: Axes, changes: Sequence[Change]) -> None:
    axes.set_ylim(len(changes) - 0.5, -0.5)
    names = [
        f"{style.shortened(change.name, _LETTERS)}\n{style.shortened(str(change.cell), _LETTERS)}"
        for change in changes
    ]
    axes.set_yticks(range(len(changes)), names, fontsize=9, linespacing=1.15)
    axes.tick_params(axis="y", length=0, pad=8)
    axes.spines["left"].set_visible(False)
    for place in range(1, len(changes)):
        axes.axhline(place - 0.5, color=style.GRID, linewidth=0.6, zorder=0)
    axes.grid(axis="x")


def _mark(axes: Axes, place: int, change: Change, reach: float) -> None:
    found = change.ratio
    if found is None:
        return
    marker, colour, filled = _MARKS[change.verdict]
    if found.low is not None and found.high is not None:
        left, right = math.exp(-reach), math.exp(reach)
        ends = (max(found.low, left), min(found.high, right))
        axes.plot(ends, [place, place], color=colour, linewidth=1.8, zorder=4)
        for beyond, end, arrow in ((found.low < left, left, "<"), (found.high > right, right, ">")):
            if beyond:
                axes.plot([end], [place], marker=arrow, color=colour, clip_on=False, zorder=4)
    axes.plot([found.value], [place], zorder=5, clip_on=False, **_look(marker, colour, filled))
    bold = change.verdict in (Verdict.SLOWER, Verdict.FASTER)
    style.beside(axes, place, _RATIO_POINTS, times(found), doubtful=not bold)


def _look(marker: str, colour: str, filled: bool) -> dict[str, Any]:
    return {
        "marker": marker,
        "markersize": 7.5,
        "markerfacecolor": colour if filled else "white",
        "markeredgecolor": colour,
        "markeredgewidth": 1.6,
    }


def _keys(changes: Sequence[Change]) -> list[Line2D]:
    present = {change.verdict for change in changes}
    return [
        Line2D([], [], color=look[1], linewidth=1.8, label=_WORDS[verdict], **_look(*look))
        for verdict, look in _MARKS.items()
        if verdict in present
    ]
