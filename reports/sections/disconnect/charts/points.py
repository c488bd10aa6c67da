"""One line of clients: each a point on a time axis, its expected window shaded behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from loadtests.record.results import Window
from loadtests.record.words import Status
from loadtests.scenarios.disconnect.windows import TOLERANCE_S
from reports.charts import legends, scales, style
from reports.charts.style import Look
from reports.sections.disconnect.clients import Noticed

_MS = 1000
#: Where those that were not noticed stand beyond the last time, and where the axis then ends, as
#: shares of its length up to there.
_EDGE, _END = 0.05, 0.26
#: The first of a broken axis, in ms, and its ticks.
_FIRST_MS, _NEAR_TICKS_MS = 0.3, (1, 10, 100)
#: Shares of a broken axis: how far milliseconds reach, where seconds begin.
_NEAR, _FAR = 0.29, 0.34


@dataclass(frozen=True, slots=True)
class Track:
    """A time axis: seconds, with milliseconds before them where it is broken.

    Attributes:
        axes: its numbers are seconds or, where it is broken, shares of its length.
        end_s: the last second of it.
        edge_s: where those stand that were not noticed.
        broken: whether what is at once, up to the tolerance, has a logarithmic part of its own.
    """

    axes: Axes
    end_s: float
    edge_s: float
    broken: bool = False

    def place(self, time_s: float) -> float:
        """Where on the axis a time is."""
        if not self.broken:
            return time_s
        if time_s > TOLERANCE_S:
            return self.far(time_s)
        # A log axis has no 0, and a clock may round to it.
        span = math.log(TOLERANCE_S * _MS / _FIRST_MS)
        return _NEAR * max(math.log(max(time_s * _MS, 1e-9) / _FIRST_MS), 0.04 * span) / span

    def far(self, time_s: float) -> float:
        """Where among the seconds."""
        if not self.broken:
            return time_s
        return _FAR + (1 - _FAR) * time_s / self.end_s


def track(axes: Axes, latest_s: float, *, broken: bool = False, missed: bool) -> Track:
    """Scale an axis.

    Args:
        axes: which.
        latest_s: what has to fit.
        broken: whether milliseconds have a part of their own.
        missed: whether there is anybody who was not noticed, which takes room.
    """
    end_s = latest_s * (1 + _END) if missed else latest_s * 1.06
    found = Track(axes, end_s, latest_s * (1 + _EDGE), broken)
    if not broken:
        scales.linear_x(axes, end_s / 1.06)
        if missed:
            axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= latest_s * 1.02])
        return found
    axes.set_xlim(0, 1)
    seconds = [
        tick
        for tick in MaxNLocator(3 if style.is_narrow() else 5).tick_values(0, latest_s)
        if tick <= latest_s * 1.02
    ]
    named = _NEAR_TICKS_MS[:2] if style.is_narrow() else _NEAR_TICKS_MS
    near = [found.place(tick / _MS) for tick in named]
    axes.set_xticks(
        [*near, *map(found.far, seconds)],
        [*map(str, named), *(f"{tick:g}" for tick in seconds)],
    )
    _break(axes)
    return found


def _break(axes: Axes) -> None:
    """Where the scale changes, and what its two parts are."""
    axes.axvspan(_NEAR, _FAR, color="white", linewidth=0, zorder=5.8)
    bottom = axes.get_xaxis_transform()
    for x in (_NEAR, _FAR):
        axes.plot([x], [0], marker="|", transform=bottom, color=style.QUIET, clip_on=False)
    near, far = "at once, ms (log)", "later, s; further left is better"
    if style.is_narrow():
        near, far = "ms (log)", "s (left is better)"
    texts = ((_NEAR / 2, near), ((1 + _FAR) / 2, far))
    for x, text in texts:
        axes.annotate(
            text,
            (x, 0),
            xycoords="axes fraction",
            xytext=(0, -20),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=9,
            annotation_clip=False,
        )


def window(line: Track, y: float, found: Window | None, height: float) -> None:
    """Shade when the rules have it noticed; what takes no time at all, up to the tolerance."""
    if found is None:
        return
    parts = []
    if line.broken and found.earliest_s <= TOLERANCE_S:
        parts.append((line.place(found.earliest_s) if found.earliest_s else 0.0, _NEAR))
    if found.latest_s > TOLERANCE_S or not line.broken:
        left = line.far(found.earliest_s)
        # A window of no length is still to be seen.
        parts.append((left, max(line.far(found.latest_s), left + 0.004 * line.axes.get_xlim()[1])))
    for left, right in parts:
        line.axes.barh(
            y, right - left, left=left, height=height, color=style.SHADE, linewidth=0, zorder=1
        )


def points(
    line: Track,
    y: float,
    clients: Sequence[tuple[float, bool]],
    look: Look,
    *,
    filled: bool,
    faded: bool,
    reach: float,
    key: str,
) -> None:
    """Every client, displaced a little so that equal ones are both seen.

    Args:
        line: where.
        y: the middle of its line.
        clients: when, in seconds, and whether that is outside its window.
        look: of the mode.
        filled: whether markers are filled.
        faded: whether the numbers are not to be taken at face value.
        reach: the largest displacement.
        key: what the line is, so that the same run draws the same chart.
    """
    where: dict[bool, tuple[list[float], list[float]]] = {}
    for number, (time_s, outside) in enumerate(clients):
        xs, ys = where.setdefault(outside, ([], []))
        xs.append(line.place(time_s))
        ys.append(y + style.jitter(f"{key} {number}", reach))
    for outside, (xs, ys) in where.items():
        line.axes.plot(
            xs,
            ys,
            linestyle="none",
            marker="X" if outside else look.marker,
            markersize=7.5 if outside else 4.2,
            markerfacecolor=style.OUTSIDE if outside else look.colour if filled else "white",
            markeredgecolor="white" if outside else look.line,
            markeredgewidth=0.7 if outside or not filled else 0.5,
            alpha=style.FADED if faded else 0.85,
            zorder=4 if outside else 3,
            clip_on=not outside,
        )


def mark(line: Track, y: float, time_s: float | None, half: float, width: float = 2.2) -> None:
    """A vertical stroke: a quantile."""
    if time_s is None:
        return
    x = line.place(time_s)
    line.axes.plot([x, x], [y - half, y + half], color=style.INK, linewidth=width, zorder=5)


def missed(line: Track, y: float, text: str, look: Look) -> None:
    """A diamond at the edge, and how many it stands for."""
    x = line.far(line.edge_s)
    line.axes.plot(
        [x],
        [y],
        marker="D",
        markersize=6.5,
        markerfacecolor="white",
        markeredgecolor=look.line,
        markeredgewidth=1.6,
        zorder=5,
    )
    line.axes.annotate(
        text,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=style.INK,
    )


def of(clients: Iterable[Noticed]) -> list[tuple[float, bool]]:
    """When they were noticed, of those that were, and whether that is outside."""
    return [(one.after_s, one.outside) for one in clients if one.after_s is not None]


def doubtful(status: Status) -> bool:
    """Whether a line is drawn pale."""
    return status is not Status.OK


def legend(*, windows: bool, outside: bool) -> list[Any]:
    """What the shade and the cross mean, where they occur."""
    shade = [Patch(color=style.SHADE, label="expected by the rules")] if windows else []
    cross = [legends.key("X", "outside", fill=style.OUTSIDE, size=8)] if outside else []
    for handle in cross:
        handle.set_markeredgecolor("white")
    return [*shade, *cross]


def latest(clients: Iterable[float], windows: Iterable[Window | None]) -> float:
    """The longest time that has to fit on a track."""
    ends = [one.latest_s for one in windows if one is not None]
    return max([*clients, *ends], default=1.0) or 1.0
