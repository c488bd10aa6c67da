"""One line of clients: each a point on a time axis, its expected window shaded behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from loadtests.record.results import Window
from loadtests.record.words import Status
from loadtests.scenarios.disconnect.windows import TOLERANCE_S
from reports.charts import style
from reports.charts.style import Look
from reports.sections.disconnect.clients import Noticed

SHADE = "#C9D3DE"
#: Of those that the rules do not explain: a shape and a colour that no mode has.
OUTSIDE = "#A4133C"
_MS = 1000
#: Where those that were not noticed stand beyond the last time, and where the axis then ends, as
#: shares of its length up to there.
_EDGE, _END = 0.05, 0.26


@dataclass(frozen=True, slots=True)
class Track:
    """A time axis: seconds, with milliseconds on an axis of their own before it where wanted.

    Attributes:
        far: linear, in seconds.
        edge_s: where those stand that were not noticed.
        near: logarithmic, in milliseconds, up to the tolerance: at once. None where ``far`` is all.
    """

    far: Axes
    edge_s: float
    near: Axes | None = None

    def place(self, time_s: float) -> tuple[Axes, float]:
        """The axes that a time falls into, and where on them."""
        if self.near is None or time_s > TOLERANCE_S:
            return self.far, time_s
        # A log axis has no 0, and a clock may round to it.
        return self.near, max(time_s * _MS, self.near.get_xlim()[0] * 1.15)


def track(far: Axes, latest_s: float, *, near: Axes | None = None, missed: bool) -> Track:
    """Scale the axes of a track.

    Args:
        far: for seconds.
        latest_s: what has to fit.
        near: for milliseconds; what takes longer than the tolerance goes to ``far``.
        missed: whether there is anybody who was not noticed, which takes room.
    """
    style.linear_x(far, latest_s * (1 + _END) / 1.06 if missed else latest_s)
    if missed:
        ticks = [tick for tick in far.get_xticks() if 0 <= tick <= latest_s * 1.02]
        far.set_xticks(ticks)
    if near is not None:
        style.log_x(near, 0.3, TOLERANCE_S * _MS)
        near.set_xticks([1, 10, 100])
    return Track(far, latest_s * (1 + _EDGE), near)


def window(line: Track, y: float, found: Window | None, height: float) -> None:
    """Shade when the rules have it noticed; what takes no time at all, up to the tolerance."""
    if found is None:
        return
    style_: dict[str, Any] = {"height": height, "color": SHADE, "linewidth": 0, "zorder": 1}
    if line.near is not None and found.earliest_s <= TOLERANCE_S:
        low, high = line.near.get_xlim()
        left = max(low, found.earliest_s * _MS)
        line.near.barh(y, high - left, left=left, **style_)
    late = found.latest_s > TOLERANCE_S or line.near is None
    if late:
        # A window of no length is still to be seen.
        width = max(found.latest_s - found.earliest_s, 0.004 * line.far.get_xlim()[1])
        line.far.barh(y, width, left=found.earliest_s, **style_)


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
    where: dict[tuple[Axes, bool], tuple[list[float], list[float]]] = {}
    for number, (time_s, outside) in enumerate(clients):
        axes, x = line.place(time_s)
        xs, ys = where.setdefault((axes, outside), ([], []))
        xs.append(style.on_axis(axes, x) if outside else x)
        ys.append(y + style.jitter(f"{key} {number}", reach))
    for (axes, outside), (xs, ys) in where.items():
        axes.plot(
            xs,
            ys,
            linestyle="none",
            marker="X" if outside else look.marker,
            markersize=7.5 if outside else 4.2,
            markerfacecolor=OUTSIDE if outside else look.colour if filled else "white",
            markeredgecolor="white" if outside else look.colour,
            markeredgewidth=0.7 if outside or not filled else 0.3,
            alpha=style.FADED if faded else 0.85,
            zorder=4 if outside else 3,
            clip_on=not outside,
        )


def mark(line: Track, y: float, time_s: float | None, half: float, width: float = 2.2) -> None:
    """A vertical stroke: a quantile."""
    if time_s is None:
        return
    axes, x = line.place(time_s)
    axes.plot([x, x], [y - half, y + half], color=style.INK, linewidth=width, zorder=5)


def missed(line: Track, y: float, text: str, look: Look) -> None:
    """A diamond at the edge, and how many it stands for."""
    line.far.plot(
        [line.edge_s],
        [y],
        marker="D",
        markersize=6.5,
        markerfacecolor="white",
        markeredgecolor=look.colour,
        markeredgewidth=1.6,
        zorder=5,
    )
    line.far.annotate(
        text,
        (line.edge_s, y),
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
    shade = [Patch(color=SHADE, label="expected by the rules")] if windows else []
    cross = [style.key("X", "outside", fill=OUTSIDE, size=8)] if outside else []
    for handle in cross:
        handle.set_markeredgecolor("white")
    return [*shade, *cross]


def latest(clients: Iterable[float], windows: Iterable[Window | None]) -> float:
    """The longest time that has to fit on a track."""
    ends = [one.latest_s for one in windows if one is not None]
    return max([*clients, *ends], default=1.0) or 1.0
