"""How many clients one process keeps up with, in a sentence."""

from __future__ import annotations

from loadtests.record.words import Status, Transport
from reports.facts.ratios import is_ahead, ranked
from reports.facts.run import Facts
from reports.sections.short.lines import HELD, label_of, rows_of
from reports.sections.short.words import NAMED, listed, mode_of

#: Of fewer a number is rough.
_FEW_TRIALS = 4


def held(facts: Facts, transport: Transport) -> str:
    """How many clients one process keeps up with, the most first; of many modes the ends alone."""
    found = [row for row in rows_of(facts, HELD, transport) if row.value is not None]
    rows = ranked(row for row in found if row.status is Status.OK)
    # One that is to be read as "at least" may be the most of all.
    if not rows or any(is_ahead(row, rows[0]) for row in found if row.status is not Status.OK):
        return ""
    told = rows if len(rows) <= NAMED + 1 else [rows[0], rows[-1]]
    each = [
        f"{row.value:,.0f} {'under ' if row is rows[0] else ''}{mode_of(row)}"
        for row in told
        if row.value is not None
    ]
    label = label_of(facts, HELD, transport).removesuffix(" borne").replace(" borne,", ",")
    # Of few trials the intervals are wide, which the table has.
    about = "about so many" if min(row.trials for row in rows) < _FEW_TRIALS else "so many"
    return f" One process keeps up with {about} {label}: {listed(each)}."
