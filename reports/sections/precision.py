"""What a run could have told apart, for the numbers that matter most of each scenario."""

from __future__ import annotations

from loadtests.record.words import scenario_of
from reports.facts.precision import told_apart
from reports.facts.rows import row_names
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table, main_metrics
from reports.sections.registry import SECTIONS

CAPTION = "What this run could have told apart"
READING = (
    "Half the width of the 95 % interval of a cell's ratio to the best, the median over cells: "
    "smaller differences are ties here; four times the blocks halve it."
)


def table(facts: Facts) -> Table:
    """A line per row name of which anything is known."""
    found = []
    for name in row_names(facts.own_rows):
        rows = [row for row in facts.own_rows if row.row == name]
        metrics = main_metrics(name, SECTIONS[scenario_of(name)].headlines)
        if known := told_apart(rows, metrics):
            found.append((Entry(name), Entry(", ".join(map(str, known)))))
    return Table(CAPTION, ("in", "differences of about … or more"), tuple(found))
