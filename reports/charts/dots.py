"""One number per trial: throughput, and CPU time per message of both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.record.words import Better, Status
from loadtests.scenarios.registry import metrics_of
from reports.charts import legends, scales, style, whiskers
from reports.charts.style import Look
from reports.facts.numbers import short
from reports.facts.rows import Row
from reports.facts.run import Facts
from reports.facts.tables import against_best


class _Columns(NamedTuple):
    """Where numbers and ratios have their middle, in points from the axes' right edge."""

    number: float
    ratio: float


_BESIDE, _INSIDE = _Columns(34, 122), _Columns(-124, -48)


def _columns() -> _Columns:
    return _INSIDE if style.is_narrow() else _BESIDE


def points(facts: Facts, row_name: str, metric: str, axis: str) -> Figure:
    """A metric by cell, with every trial."""
    rows = {row.cell: row for row in _rows(facts, row_name, metric)}
    groups = style.by_transport(rows)
    looks = style.looks(cell.mode for cell in rows)
    figure = style.new_figure(
        1.4 + sum(0.42 + style.row_height() * len(group) for group in groups.values())
    )
    heights = [len(group) for group in groups.values()]
    panels = style.panels(figure, len(groups), 1, heights=heights)[:, 0]
    logarithmic = _scales(panels, rows.values())
    for axes, (transport, cells) in zip(panels, groups.items(), strict=True):
        style.cell_rows(axes, cells)
        axes.set_title(style.TRANSPORT_TITLES[transport])
        for place, cell in enumerate(cells):
            _point(axes, place, rows[cell], looks[cell.mode])
            _trials(axes, place, rows[cell], looks[cell.mode])
            _number(axes, place, rows[cell])
        _beside_best(axes, [rows[cell] for cell in cells])
    scale = "log scale; " if logarithmic else ""
    lower = metrics_of(row_name)[metric].better is Better.LOWER
    better = "left" if lower else "right"
    panels[-1].set_xlabel(f"{axis} ({scale}further {better} is better)")
    marks = [
        legends.key("o", "mean over trials", size=9),
        legends.key("o", "one trial", fill="white", size=5),
    ]
    legends.legend_above(figure, whiskers.legend(marks, rows.values()))
    return figure


def cpu(facts: Facts, per_message: Mapping[str, str]) -> Figure:
    """CPU time per message by cell: the server's, and the generator's beside it.

    Args:
        facts: of a run.
        per_message: row name -> what a message is in it.
    """
    scenarios = [name for name in per_message if _rows(facts, name, "server_cpu")]
    cells = sorted(
        {row.cell for name in scenarios for row in _rows(facts, name, "server_cpu")},
        key=lambda cell: (cell.transport, cell.mode),
    )
    groups = style.by_transport(cells)
    looks = style.looks(cell.mode for cell in cells)
    figure = style.new_figure(
        1.5 + sum(0.42 + style.row_height() * len(group) for group in groups.values()),
        columns=len(scenarios),
    )
    heights = [len(group) for group in groups.values()]
    grid = style.panels(figure, len(groups), len(scenarios), heights=heights)
    for column, row_name in enumerate(scenarios):
        server = {row.cell: row for row in _rows(facts, row_name, "server_cpu")}
        generator = {row.cell: row for row in _rows(facts, row_name, "generator_cpu")}
        panels = [line[column] for line in grid]
        logarithmic = _scales(panels, [*server.values(), *generator.values()])
        for axes, (transport, group) in zip(panels, groups.items(), strict=True):
            style.cell_rows(axes, group, labels=column == 0)
            axes.set_title(f"{row_name}, {style.TRANSPORT_TITLES[transport]}")
            for place, cell in enumerate(group):
                pair = (server.get(cell), generator.get(cell))
                _pair(axes, place, pair, looks[cell.mode])
        scale = "log scale; " if logarithmic else ""
        panels[-1].set_xlabel(f"µs per {per_message[row_name]}\n({scale}further left is better)")
    marks = [
        legends.key("o", "server", size=9),
        legends.key("o", "load generator", fill="white"),
    ]
    legends.legend_above(figure, whiskers.legend(marks, _rows(facts, scenarios[0], "server_cpu")))
    return figure


def _rows(facts: Facts, row_name: str, metric: str) -> list[Row]:
    return [row for row in facts.rows if row.row == row_name and row.metric.name == metric]


def _scales(panels: Iterable[Axes], rows: Iterable[Row]) -> bool:
    """One x axis for panels that are compared; whether it is logarithmic."""
    listed, drawn = list(rows), list(panels)
    means = [row.value for row in listed if row.value is not None]
    ends = whiskers.ends(listed)
    trials = [value for row in listed for value in row.values if value is not None]
    logarithmic = scales.spans_a_decade(means)
    for axes in drawn:
        if logarithmic:
            scales.log_x(axes, *scales.log_limits([*means, *ends, *trials]))
        else:
            scales.linear_x(axes, max([*means, *ends, *trials], default=1.0))
    return logarithmic


def _point(axes: Axes, y: float, row: Row, look: Look, *, filled: bool = True) -> None:
    if row.value is None:
        style.place_note(axes, y, style.place_name(row.status))
        return
    alpha = 1.0 if row.status is Status.OK else style.FADED
    whiskers.whiskers(axes, row, y, alpha=alpha)
    axes.plot(
        [scales.on_axis(axes, row.value)],
        [y],
        marker=look.marker,
        markersize=9 if filled else 7,
        markerfacecolor=look.colour if filled else "white",
        markeredgecolor=look.line,
        markeredgewidth=1.6,
        alpha=alpha,
        zorder=5,
        clip_on=False,
    )


def _trials(axes: Axes, y: float, row: Row, look: Look) -> None:
    """Each trial under the mean, displaced a little so that equal ones are both seen."""
    values = [value for value in row.values if value is not None]
    if len(values) < 2:
        return
    heights = [
        y + 0.26 + style.jitter(f"{row.cell} {number}", 0.05) for number in range(len(values))
    ]
    axes.plot(
        values,
        heights,
        linestyle="none",
        marker=look.marker,
        markersize=4.5,
        markerfacecolor="white",
        markeredgecolor=look.line,
        zorder=4,
    )


def _number(axes: Axes, place: float, row: Row) -> None:
    if row.value is None:
        return
    doubtful = row.status is not Status.OK
    gap = " " if style.is_narrow() else "\n"
    text = short(row.value) + (f"{gap}invalid" if doubtful else "")
    style.beside(axes, place, _columns().number, text, doubtful=doubtful)


def _beside_best(axes: Axes, rows: Sequence[Row]) -> None:
    """A column of ratios to the best of all panels, where there are any."""
    if not any(row.standing for row in rows):
        return
    axes.annotate(
        "times the best's",
        (1, 1),
        xycoords="axes fraction",
        xytext=(_columns().ratio, 3),
        textcoords="offset points",
        ha="center",
        fontsize=9.5,
        color=style.QUIET,
    )
    for place, row in enumerate(rows):
        doubtful = row.status is not Status.OK
        style.beside(axes, place, _columns().ratio, against_best(row), doubtful=doubtful)


def _pair(axes: Axes, place: int, pair: tuple[Row | None, Row | None], look: Look) -> None:
    server, generator = pair
    if server is None or generator is None:
        style.place_note(axes, place, "not in this run")
        return
    if server.value is None and generator.value is None:
        style.place_note(axes, place, style.place_name(server.status))
        return
    # One above the other, so that wide intervals do not run into each other.
    for row, filled, y in ((server, True, place - 0.14), (generator, False, place + 0.2)):
        if row.value is not None:
            _point(axes, y, row, look, filled=filled)
    doubtful = Status.INVALID in (server.status, generator.status)
    if server.value is None:
        style.place_note(axes, place - 0.14, f"server: {style.place_name(server.status)}", x=0.65)
    elif doubtful:
        style.place_note(axes, place, "invalid", x=0.9)
