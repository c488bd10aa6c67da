"""A page that lists stored runs, with what one of them says in short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.facts.origin import where
from reports.pages.html import filled
from reports.sections import short
from reports.summary import Summary


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in the list.

    Attributes:
        folder: of its page, beside this one.
        title: the run's name.
        about: what it measured, in its experiment's words.
        origin: machine, day and versions.
    """

    folder: str
    title: str
    about: str
    origin: str


def listing(summaries: Mapping[str, Summary], shown: str) -> str:
    """The page.

    Args:
        summaries: folder -> the run that it has.
        shown: the folder of the run whose words are given.
    """
    runs = [
        Listed(
            folder,
            str(one.result.experiment.get("name") or folder),
            str(one.result.experiment.get("description") or ""),
            where(one.result),
        )
        for folder, one in summaries.items()
    ]
    first = summaries[shown]
    return filled(
        "listing.html.j2",
        runs=sorted(runs, key=lambda one: (one.folder != shown, one.folder)),
        shown=shown,
        short=first.short,
        short_reading=short.lines.reading(first),
        origin=where(first.result),
    )
