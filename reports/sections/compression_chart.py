"""What WebSocket compression costs and saves: factors over the size of the message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loadtests.record.words import Metric, Status
from loadtests.scenarios.packed import PackedRow
from reports.charts import legends, scales, style
from reports.facts.ratios import ratio_of
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.facts.stats import Ratio
from reports.sections.payload_chart import size_name

#: The numbers that are compared, and what a panel says over them.
COMPARED = {
    "server_cpu": "server CPU per echo",
    "copy_cpu": "server CPU per copy of a broadcast",
    "connection_rss": "server memory per connection",
    "wire_received": "bytes on the wire",
    "latency_p50": "latency p50",
}
_PANELS = ("server_cpu", "copy_cpu", "connection_rss", "wire_received")
_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class WithAndWithout:
    """One number of one size in one cell, with compression and without.

    Attributes:
        ratio: how many times as much with it; None where there is none.
    """

    size: int
    cell: Cell
    packed: Row
    without: Row
    ratio: Ratio | None

    @property
    def rows(self) -> tuple[Row, Row]:
        """Both."""
        return self.packed, self.without

    @property
    def metric(self) -> Metric:
        """What it is."""
        return self.packed.metric

    @property
    def sound(self) -> bool:
        """Whether both numbers are to be trusted."""
        return all(row.status is Status.OK for row in self.rows)


def pairs(facts: Facts, metric: str) -> list[WithAndWithout]:
    """A metric at every size that was measured both ways, in the order of rows."""
    found: dict[tuple[Cell, int, bool], Row] = {}
    for row in facts.own_rows:
        said = PackedRow.parse(row.row)
        if said is not None and row.metric.name == metric:
            found[row.cell, said.size, said.packed] = row
    return [
        WithAndWithout(size, cell, row, without, ratio_of(without, row))
        for (cell, size, packed), row in found.items()
        if packed and (without := found.get((cell, size, False))) is not None
    ]


def wanted(facts: Facts) -> bool:
    """Whether anything can be compared."""
    return any(pair.ratio is not None for metric in _PANELS for pair in pairs(facts, metric))


def factors(facts: Facts) -> Figure:
    """A panel per number: the factor over the size, a mark per mode with its interval."""
    all_pairs = {metric: pairs(facts, metric) for metric in _PANELS}
    drawn = [pair for own in all_pairs.values() for pair in own if pair.ratio is not None]
    modes = list(dict.fromkeys(pair.cell.mode for pair in drawn))
    sizes = sorted({pair.size for pair in drawn})
    looks = style.looks(modes)
    lines = -(-len(_PANELS) // _COLUMNS)
    figure = style.new_figure(1.0 + 2.9 * lines, columns=_COLUMNS)
    grid = style.panels(figure, lines, _COLUMNS)
    for axes, metric in zip(grid.flat, _PANELS, strict=True):
        _panel(axes, COMPARED[metric], all_pairs[metric], sizes, looks)
    legends.legend_above(figure, _legend(looks, drawn))
    return figure


def _panel(
    axes: Axes,
    title: str,
    own: Sequence[WithAndWithout],
    sizes: Sequence[int],
    looks: dict[str, style.Look],
) -> None:
    axes.set_title(title, fontsize=10.5)
    known = [pair.ratio for pair in own if pair.ratio is not None]
    ends = [end for each in known for end in (each.low, each.high, each.value) if end]
    scales.log_y(axes, *scales.log_limits([1.0, *ends]))
    axes.axhline(1, color=style.QUIET, linewidth=1, zorder=1)
    axes.set_xlim(-0.5, len(sizes) - 0.5)
    axes.set_xticks(range(len(sizes)), [size_name(size) for size in sizes])
    axes.set_ylabel("times as much")
    axes.grid(visible=True, axis="y")
    modes = list(looks)
    for place, mode in enumerate(modes):
        # Side by side, so that intervals do not hide each other.
        shift = 0.5 * ((place + 0.5) / len(modes) - 0.5)
        _line(axes, [pair for pair in own if pair.cell.mode == mode], sizes, shift, looks[mode])


def _line(
    axes: Axes, own: Sequence[WithAndWithout], sizes: Sequence[int], shift: float, look: style.Look
) -> None:
    for pair in own:
        if pair.ratio is None:
            continue
        x = sizes.index(pair.size) + shift
        if pair.ratio.low is not None and pair.ratio.high is not None:
            axes.plot([x, x], [pair.ratio.low, pair.ratio.high], color=look.line, linewidth=1.6)
        axes.plot(
            [x],
            [pair.ratio.value],
            marker=look.marker if pair.sound else "x",
            color=look.line if pair.sound else style.INK,
            markersize=7,
            linestyle="none",
        )


def _legend(looks: dict[str, style.Look], drawn: Sequence[WithAndWithout]) -> list[Line2D]:
    handles = [
        Line2D(
            [],
            [],
            color=look.line,
            marker=look.marker,
            linestyle="none",
            label=style.shortened(mode),
        )
        for mode, look in looks.items()
    ]
    if any(not pair.sound for pair in drawn):
        handles.append(legends.key("x", "invalid"))
    return handles
