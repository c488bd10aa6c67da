"""All numbers of a run on its page: a file to take along, and lean tables to look into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from loadtests.record.words import Status
from loadtests.scenarios.registry import metrics_of
from reports.facts.numbers import EMPTY, readable, short
from reports.facts.rows import Row, cells_of, row_names
from reports.facts.tables import metric_label
from reports.facts.text import shown

#: What an address may hold without being longer for it (RFC 3986, sections 2.2 and 2.3).
_PLAIN = "/:,;=()[]@!$*+?~"


@dataclass(frozen=True, slots=True)
class Lean:
    """A table of texts: metrics × cells.

    Attributes:
        lines: the first text of each is its name.
    """

    caption: str
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def as_address(csv: str) -> str:
    """A CSV file as a ``data:`` address (RFC 2397), so that a page alone has it too."""
    return f"data:text/csv;charset=utf-8,{quote(csv, safe=_PLAIN)}"


def lean_tables(rows: Sequence[Row]) -> Iterator[Lean]:
    """A table per row name: every metric of every cell."""
    for name in row_names(rows):
        own = [row for row in rows if row.row == name]
        cells = cells_of(own)
        found = {(row.metric.name, row.cell): row for row in own}
        lines = tuple(
            (metric_label(metric), *(_told(found.get((metric.name, cell))) for cell in cells))
            for metric in metrics_of(name).values()
            if any((metric.name, cell) in found for cell in cells)
        )
        yield Lean(name, ("metric", *(shown(str(cell)) for cell in cells)), lines)


def _told(row: Row | None) -> str:
    """``1.36 [1.33, 1.39]``, and a word where it is not to be taken at face value."""
    if row is None:
        return EMPTY
    if row.estimate is None:
        return "not available" if row.status is Status.UNAVAILABLE else str(row.status)
    estimate, unit = readable(row.estimate, row.metric.unit)
    text = short(estimate.value)
    if unit is not row.metric.unit:
        text += f" {unit}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{short(estimate.low)}, {short(estimate.high)}]"
    return text if row.status is Status.OK else f"{text} {row.status}"
