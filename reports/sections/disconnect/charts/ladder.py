"""Groups of lines on one axis, each under its heading: a chart of many causes has one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.charts import style

#: Heights: a line is 1.
_HEADING, _AIR = 1.25, 0.5
#: On a narrow chart a heading begins above the names, has so many letters, and a name so many.
_NAMES_POINTS, _NARROW_LETTERS, _NAME = 52, 40, 16


@dataclass(frozen=True, slots=True)
class Line:
    """A line's name.

    Attributes:
        lesser: whether it belongs to the line above it, and is named in small letters.
    """

    name: str
    lesser: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under a heading; none where there is nothing but the heading to say.

    Attributes:
        note: in place of lines.
    """

    heading: str
    lines: tuple[Line, ...]
    note: str = ""


def tops(groups: Sequence[Group]) -> list[float]:
    """Where the first line of each group is, in lines from the top."""
    found, at = [], 0.0
    for group in groups:
        at += _HEADING
        found.append(at)
        at += max(len(group.lines), 1)
    return found


def height(groups: Sequence[Group]) -> float:
    """Of the whole, in lines."""
    return tops(groups)[-1] + max(len(groups[-1].lines), 1)


def frame(axes: Axes, groups: Sequence[Group], *, named: bool) -> None:
    """Names, headings and what parts them.

    Args:
        axes: of all groups.
        groups: from the top.
        named: whether lines and groups are named here; beside others they are named once.
    """
    axes.set_ylim(height(groups) - _AIR, -_AIR)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    if named:  # headings run over the panels beside, which would be drawn over them
        axes.set_zorder(1)
        axes.patch.set_visible(False)
    places, lines = [], []
    for top, group in zip(tops(groups), groups, strict=True):
        if named:
            _heading(axes, top - 0.5 * _HEADING - 0.25, group)
        for number, line in enumerate(group.lines):
            places.append(top + number)
            lines.append(line)
            if number and not line.lesser:
                axes.axhline(top + number - _AIR, color=style.GRID, linewidth=0.8, zorder=0)
    axes.set_yticks(places if named else [], [_name(line) for line in lines] if named else None)
    axes.tick_params(axis="y", length=0, pad=6)
    for text, line in zip(axes.get_yticklabels() if named else [], lines, strict=False):
        size = 8.5 if line.lesser or style.is_narrow() else 10
        text.set(fontsize=size, color=style.QUIET if line.lesser else style.INK)


def _name(line: Line) -> str:
    return style.shortened(line.name, _NAME) if style.is_narrow() else line.name


def _heading(axes: Axes, y: float, group: Group) -> None:
    narrow = style.is_narrow()
    for words, at, look in (
        (group.heading, y, {"fontweight": "bold", "fontsize": 9 if narrow else 10}),
        (group.note, y + 1, {"style": "italic", "fontsize": 9, "color": style.QUIET}),
    ):
        if words:
            text = axes.annotate(
                style.shortened(words, _NARROW_LETTERS) if narrow else words,
                (0, at),
                xycoords=axes.get_yaxis_transform(),
                xytext=(-_NAMES_POINTS if narrow else 0, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
                zorder=6,
                **look,
            )
            text.set_in_layout(False)  # it may run over what is beside
