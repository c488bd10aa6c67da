"""The page of a base and a head: of two stored runs, or of a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from reports.charts.forest import READING, drawable, forest
from reports.charts.gallery import Caption, drawn
from reports.facts.changes import Change
from reports.facts.tables import Table
from reports.pages.figures import Picture, picture
from reports.pages.html import filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One part of such a page.

    Attributes:
        name: its anchor.
        text: above the rest.
        items: a list.
        folded: tables to be unfolded, under the words ``fold``.
        wide: whether these are of metrics × cells.
        note: below the rest.
    """

    name: str
    title: str
    text: str = ""
    items: Sequence[str] = ()
    figures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    folded: Sequence[Table] = ()
    fold: str = "All numbers"
    wide: bool = False
    note: str = ""

    @property
    def empty(self) -> bool:
        """Whether it has nothing to say."""
        return not (self.text or self.items or self.figures or self.tables or self.folded)


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """A whole page.

    Attributes:
        about: what it is of, in a line.
        tone: of the headline: ``good``, ``warn``, ``bad``; empty for neither.
    """

    title: str
    about: str
    tone: str
    headline: str
    chapters: Sequence[Chapter]

    @property
    def parts(self) -> list[Chapter]:
        """Those that have something to say."""
        return [chapter for chapter in self.chapters if not chapter.empty]


def to_html(page: ChangesPage) -> str:
    """The page: no network, no other file; all but the drawings is escaped."""
    return filled("changes.html.j2", page=page)


def forest_of(changes: Sequence[Change], size: float, about: str, intervals: str) -> list[Picture]:
    """The chart of ratios; none where there is no ratio.

    Args:
        changes: what moved first.
        size: the slowdown that matters, as a share.
        about: what it is of.
        intervals: what the lines are.
    """
    chosen = drawable(changes)
    if not chosen:
        return []
    every = len(drawable([one for one in changes if one not in chosen])) == 0
    reading = f"{READING} {intervals}"
    if not every:
        reading += f" Here are the first {len(chosen)}; the tables have all."
    caption = Caption("head-by-base", "Head by base", reading)
    chart = drawn(caption, partial(forest, chosen, size), about)
    return [picture(chart)]
