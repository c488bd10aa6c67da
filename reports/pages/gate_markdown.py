"""A gate as GitHub's job summaries and comments show it: the verdict first, the rest folded."""

from __future__ import annotations

from loadtests.record.gate import Gate
from loadtests.record.words import Kept
from reports.facts.changes import table
from reports.facts.gating import (
    COMPLETE,
    READING,
    about,
    arms_table,
    changes_of,
    contrasts_table,
    counts_table,
    headline,
    limits_table,
)
from reports.facts.numbers import counted
from reports.pages.sheet import Sheet


def gate_markdown(gate: Gate) -> str:
    """The whole, below 65,000 characters whatever the gate has."""
    changes = changes_of(gate)
    first = headline(gate)
    sheet = Sheet()
    end = f": {sheet.quote(first.quoted)}" if first.quoted else "."
    sheet.add(f"**{first.word}**: {first.text}{end}")
    ended = "" if gate.ended == COMPLETE else f" ({gate.ended})"
    sheet.add(f"\n{sheet.quote(f'{about(gate)}, {gate.seconds / 60:.1f} min{ended}')}")
    sheet.table("What moved", table("", [one for one in changes if one.moved]))
    sheet.table("Counts", counts_table(one for one in gate.counts if one.regression))
    sheet.table("Limits", limits_table(one for one in gate.limits if one.kept is not Kept.KEPT))
    sheet.listed("Failed or missing", gate.failures)
    sheet.listed("Why this run decides nothing", gate.unfit)
    sheet.listed("To be known", gate.notes)
    rest = [one for one in changes if not one.moved]
    sheet.folded(f"{counted(len(rest), 'comparison')} that did not move", [table("", rest)])
    sheet.folded("All counts", [counts_table(gate.counts)])
    sheet.folded("All limits", [limits_table(gate.limits)])
    sheet.folded("Base against base", [contrasts_table(gate)])
    sheet.folded("The two arms, and the packages that differ", [arms_table(gate)])
    sheet.end(f"\n{READING}")
    return sheet.text()
