"""How many of the clients that lost their server are back, over the time since one answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loadtests.record.words import Status
from loadtests.scenarios.avalanche.numbers import NAME
from reports.charts import legends, scales, style
from reports.facts.distributions import Floats
from reports.facts.rows import Cell
from reports.facts.run import Facts

_HEIGHT = 5.0
_DOTTED = (0, (1, 1.5))
_DASHED = (0, (4, 2))


@dataclass(frozen=True, slots=True)
class Returns:
    """The clients of a cell, those of all its trials.

    Attributes:
        trials_s: of each trial: when each client was back, in order, those that never were last, as
            infinity.
        latest_s: when the last of them should have tried again by their own delays, of all trials;
            None where that is not known.
        doubtful: whether the times are not to be taken at face value.
    """

    trials_s: Sequence[Floats]
    latest_s: float | None
    doubtful: bool

    @property
    def all_s(self) -> Floats:
        """Those of all trials, in order."""
        return numpy.sort(numpy.concatenate(list(self.trials_s)))


def returns_of(facts: Facts) -> dict[Cell, Returns]:
    """When the clients of each cell were back; cells without any are left out."""
    status = {
        row.cell: row.status
        for row in facts.own_rows
        if row.row == NAME and row.metric.name == "back_max"
    }
    found: dict[Cell, Returns] = {}
    for (name, cell), outcomes in facts.own_outcomes.items():
        there = [
            (outcome.trial, outcome.measurement.reconnections)
            for outcome in outcomes
            if name == NAME
            and outcome.trial
            and outcome.measurement
            and outcome.measurement.reconnections
        ]
        if there:
            ends = [trial.generator.number("reconnected_latest_s") for trial, _ in there]
            found[cell] = Returns(
                [_times_s([each.reconnected_s for each in clients]) for _, clients in there],
                max((end for end in ends if end is not None), default=None),
                status.get(cell) is not Status.OK,
            )
    return found


def _times_s(seconds: Sequence[float | None]) -> Floats:
    return numpy.sort(numpy.array([numpy.inf if each is None else each for each in seconds]))


def wanted(facts: Facts) -> bool:
    """Whether there is anybody to draw."""
    return bool(returns_of(facts))


def share_back(facts: Facts) -> Figure:
    """A panel per transport, a line per mode; trials are thin lines behind it."""
    found = returns_of(facts)
    groups, looks = style.by_transport(found), style.looks(cell.mode for cell in found)
    figure = style.new_figure(_HEIGHT, columns=len(groups))
    panels = style.panels(figure, 1, len(groups), sharey=True)[0]
    end_s = _end_s(found)
    for axes, (transport, cells) in zip(panels, groups.items(), strict=True):
        scales.linear_x(axes, end_s)
        axes.set_ylim(0, 103)
        axes.set_title(style.TRANSPORT_TITLES[transport])
        axes.set_xlabel("s since a server answers again")
        axes.grid(visible=True)
        for cell in cells:
            _line(axes, found[cell], looks[cell.mode], end_s)
        latest_s = max((found[cell].latest_s or 0.0 for cell in cells), default=0.0)
        if latest_s:
            axes.axvline(latest_s, color=style.QUIET, linestyle=_DOTTED, linewidth=1.4, zorder=1)
    panels[0].set_ylabel("clients that are back, %")
    legends.legend_above(figure, _legend(found, looks))
    return figure


def _end_s(found: Mapping[Cell, Returns]) -> float:
    """How far the axis goes: the last that is back, and what the clients' delays take."""
    ends = [float(each.all_s[numpy.isfinite(each.all_s)].max(initial=0)) for each in found.values()]
    return max([*ends, *(each.latest_s or 0.0 for each in found.values())]) or 1.0


def _line(axes: Axes, clients: Returns, look: style.Look, end_s: float) -> None:
    for trial_s in clients.trials_s if len(clients.trials_s) > 1 else ():
        axes.step(*_steps(trial_s, end_s), where="post", color=look.line, linewidth=0.9, alpha=0.4)
    axes.step(
        *_steps(clients.all_s, end_s),
        where="post",
        color=look.line,
        linewidth=2.4,
        alpha=style.FADED + 0.15 if clients.doubtful else 1,
        linestyle=_DASHED if clients.doubtful else "-",
    )


def _steps(times_s: Floats, end_s: float) -> tuple[Floats, Floats]:
    """The share that is back from each time on, from none to what is reached in the end."""
    back_s = times_s[numpy.isfinite(times_s)]
    shares = 100 * numpy.arange(len(back_s) + 1) / len(times_s)
    # Below 0 by milliseconds is a client that was served beside the request that asked.
    ends = numpy.maximum(back_s, 0)
    return numpy.concatenate([[0.0], ends, [end_s]]), numpy.append(shares, shares[-1])


def _legend(found: Mapping[Cell, Returns], looks: Mapping[str, style.Look]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=looks[mode].line, linewidth=2.4, label=style.shortened(mode))
        for mode in dict.fromkeys(cell.mode for cell in found)
    ]
    if any(each.doubtful for each in found.values()):
        handles.append(Line2D([], [], color=style.QUIET, linestyle=_DASHED, label="invalid"))
    if any(each.latest_s for each in found.values()):
        delays = "all have tried by then"
        handles.append(Line2D([], [], color=style.QUIET, linestyle=_DOTTED, label=delays))
    return handles
