"""How the sentences in short name modes and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from reports.facts.numbers import short
from reports.facts.rows import Row
from reports.facts.text import shown

#: So many are named one by one.
NAMED = 3
#: So much of a label is read in a sentence.
LABEL = 40


def mode_of(row: Row) -> str:
    """A row's mode, or what stands for one, as far as it is read in a sentence."""
    return shown(row.cell.mode, LABEL)


def names_of(rows: Sequence[Row]) -> str:
    """``eventlet, gevent and threading``."""
    return listed([mode_of(row) for row in rows])


def listed(names: Sequence[str]) -> str:
    """The same of names; of many the first few."""
    if len(names) > 2 * NAMED:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} others"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def span_of(rows: Sequence[Row]) -> str:
    """``0.364 to 0.42 ms``."""
    values = [row.value for row in rows if row.value is not None]
    unit = rows[0].metric.unit
    low, high = short(min(values)), short(max(values))
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"
