"""The machine's speed over the run: every cell's CPU time per message against its own median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from reports.charts import legends, scales, style
from reports.facts.drift import Moment, moments, together
from reports.facts.run import Facts

#: The axis leaves out the utmost of these shares, which then stand at its edges.
_UTMOST = (0.002, 0.998)
#: The least that the axis reaches to: a tenth either way.
_LEAST = (0.9, 1.1)
#: Where the axis has its numbers: near 1 or, where it reaches far, at wider steps.
_FINE = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
_COARSE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_FAR = 2.5
_S_PER_MINUTE = 60


def wanted(facts: Facts) -> bool:
    """Whether the load was cut into slices."""
    return bool(moments(facts))


def over_time(facts: Facts) -> Figure:
    """A panel per transport, a point per slice, all cells' median over both."""
    found = moments(facts)
    groups = style.by_transport(dict.fromkeys(one.cell for one in found))
    looks = style.looks(one.cell.mode for one in found)
    figure = style.new_figure(1.3 + 2.5 * len(groups))
    panels = figure.subplots(len(groups), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    low, high = _limits(found)
    line = together(found)
    for axes, (transport, cells) in zip(panels, groups.items(), strict=True):
        scales.log_y(axes, low, high)
        ticks = _FINE if high / low < _FAR else _COARSE
        axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low < tick < high]))
        axes.set_title(style.TRANSPORT_TITLES[transport])
        axes.set_ylabel("times the cell's median")
        axes.axhline(1, color=style.QUIET, linewidth=0.9, zorder=1)
        axes.grid(visible=True)
        for cell in cells:
            _slices(axes, [one for one in found if one.cell == cell], looks[cell.mode])
        axes.plot(
            [at_s / _S_PER_MINUTE for at_s, _ in line],
            [slowness for _, slowness in line],
            color=style.INK,
            linewidth=1.8,
            zorder=5,
        )
    panels[-1].set_xlabel("minutes since the run began (lower is faster)")
    legends.legend_above(figure, _legend(found, looks))
    return figure


def _limits(found: Sequence[Moment]) -> tuple[float, float]:
    counted = [one.slowness for one in found if one.counted]
    low, high = (float(edge) for edge in numpy.quantile(counted, _UTMOST))
    return min(low, _LEAST[0]) / 1.03, max(high, _LEAST[1]) * 1.03


def _slices(axes: Axes, own: Sequence[Moment], look: style.Look) -> None:
    _marks(axes, [one for one in own if one.counted], look.marker, look.line)
    others = [one for one in own if not one.counted]
    _marks(axes, others, look.marker, style.QUIET, fill="white")


def _marks(
    axes: Axes,
    slices: Sequence[Moment],
    marker: str,
    colour: str,
    *,
    fill: str | None = None,
) -> None:
    if not slices:  # an empty line has no place, and the layout would make room for it
        return
    low, high = axes.get_ylim()
    axes.plot(
        [one.at_s / _S_PER_MINUTE for one in slices],
        [min(max(one.slowness, low), high) for one in slices],
        color=colour,
        linestyle="none",
        marker=marker,
        markersize=4,
        markerfacecolor=fill or colour,
        alpha=0.75,
        clip_on=False,
        zorder=4,
    )


def _legend(found: Sequence[Moment], looks: dict[str, style.Look]) -> list[Line2D]:
    keys = [
        Line2D(
            [],
            [],
            color=looks[mode].line,
            marker=looks[mode].marker,
            markersize=5,
            linestyle="none",
            label=style.shortened(mode),
        )
        for mode in sorted({one.cell.mode for one in found})
    ]
    keys.append(Line2D([], [], color=style.INK, linewidth=1.8, label="all cells, median"))
    if not all(one.counted for one in found):
        keys.append(legends.key("o", "left out", fill="white", size=5))
    return keys
