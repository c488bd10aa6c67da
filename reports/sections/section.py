"""What the report says of a scenario: one object, which every page loops over.

A module of this package with a ``SECTION`` is a section (see ``registry``). A scenario without one
has its rows in every file and a plain table on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.findings import Finding
from reports.facts.rows import Row
from reports.facts.run import Facts
from reports.facts.tables import Table

#: Looks at a run and says what it finds.
Check = Callable[[Facts], Iterator[Finding]]


class Spent(NamedTuple):
    """What a load generator spent on a number.

    Attributes:
        cpu_us: CPU time that lies on the way of each message, microseconds.
        busy_percent: share of its core while the number was measured.
    """

    cpu_us: float | None
    busy_percent: float | None


def spent_on(facts: Facts, row: Row) -> Spent:
    """By the metrics that stand beside a number."""
    return Spent(
        facts.value(row.row, row.cell, "generator_cpu"),
        facts.value(row.row, row.cell, "generator_busy"),
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """How a scenario's numbers of our client are held against python-socketio's.

    Attributes:
        judged: the metrics on which both should agree.
        told: those that say why they do not.
        on: what a message is, in a sentence.
        spent: what a load generator spent on a number.
        median: the metric whose medians are drawn, and its name on the axis; none if empty.
    """

    judged: tuple[str, ...]
    told: tuple[str, ...] = ()
    on: str = "a message"
    spent: Callable[[Facts, Row], Spent] = spent_on
    median: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A scenario's part of the report.

    Attributes:
        scenario: its name.
        title: over the part.
        meaning: one sentence for a reader who has never seen it.
        headlines: the metrics that a narrow table has room for, where there are no tables of its
            own; empty: the first few.
        questions: of "Best at".
        compared: with python-socketio's client; None: not at all.
        per: what a message is, on the chart of CPU time of the row that has the scenario's name;
            empty: not drawn there.
        charts: in their order.
        checks: what it finds by itself.
        tables: what a reader must see instead of every metric of every row; None: just those.
        short_tables: the same for a narrow place; None: ``tables``.
        note: how to read the tables.
        core: whether every reader wants it: its first chart is seen at once. Those of others are to
            be unfolded, where the run has any that is.
    """

    scenario: str
    title: str
    meaning: str = ""
    headlines: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    compared: Compared | None = None
    per: str = ""
    charts: tuple[ChartKind, ...] = ()
    checks: tuple[Check, ...] = ()
    tables: Callable[[Facts], list[Table]] | None = None
    short_tables: Callable[[Facts], list[Table]] | None = None
    note: str = ""
    core: bool = False
