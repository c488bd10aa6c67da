"""Tables of rows that are named by a number: a line per number, a column per cell."""

from __future__ import annotations

from reports.charts.lines import NumberOf, lines_of
from reports.facts.numbers import EMPTY
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table, entry


def by_number(facts: Facts, number_of: NumberOf, metric: str, caption: str, head: str) -> Table:
    """A metric of every cell at every number; without lines where the run has none.

    Args:
        facts: of a run.
        number_of: row's name -> the number.
        metric: its name.
        caption: of the table.
        head: of the numbers.
    """
    lines = lines_of(facts, metric, number_of)
    numbers = sorted({number for rows in lines.values() for number in rows})
    return Table(
        caption,
        (head, *map(str, lines)),
        tuple(
            (
                Entry(f"{number:,}"),
                *(
                    entry(rows[number]) if number in rows else Entry(EMPTY)
                    for rows in lines.values()
                ),
            )
            for number in numbers
        ),
    )
