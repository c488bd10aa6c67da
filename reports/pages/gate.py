"""The page of a gate."""

from __future__ import annotations

from rich.console import Console

from loadtests.record.gate import Gate
from loadtests.record.words import Kept
from reports.facts.changes import Change, table
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
from reports.facts.tables import Table
from reports.pages.changes import ChangesPage, Chapter, forest_of, to_html
from reports.pages.html import machine, when
from reports.pages.terminal import print_line, print_table

#: So many lines of a kind are read in a terminal.
_FIRST = 40
_COLOURS = {"good": "green", "warn": "yellow", "bad": "red"}
TITLE = "Head against base"
_CONTRASTS = (
    "Pairs of two bases: what the run makes of two that are the same. Where they differ, what it "
    "says of head and base is worth nothing."
)


def gate_html(gate: Gate) -> str:
    """The page; everything that comes from the file is escaped."""
    changes = changes_of(gate)
    moved = [one for one in changes if one.moved]
    first = headline(gate)
    figures = forest_of(_deciding(changes), gate.detect, about(gate), READING)
    chapters = (
        Chapter(
            name="moved",
            title="What moved",
            text="" if moved else "Nothing.",
            tables=[table("What moved", moved)] if moved else [],
        ),
        Chapter(name="failures", title="Failed or missing", items=gate.failures),
        Chapter(name="unfit", title="Why this run decides nothing", items=gate.unfit),
        Chapter(name="notes", title="To be known", items=gate.notes),
        Chapter(
            name="ratios",
            title="Ratios",
            figures=figures,
            folded=_some(table("All comparisons", changes)),
            fold=f"All that was compared: {counted(len(changes), 'number')}",
        ),
        Chapter(name="counts", title="Counts", tables=_some(counts_table(gate.counts))),
        Chapter(name="limits", title="Limits", tables=_some(limits_table(gate.limits))),
        Chapter(
            name="contrasts",
            title="Base against base",
            text=_CONTRASTS if gate.contrasts else "",
            tables=_some(contrasts_table(gate)),
        ),
        Chapter(name="arms", title="The two arms", tables=[arms_table(gate)]),
    )
    return to_html(ChangesPage(TITLE, _line(gate), first.tone, str(first), chapters))


def _line(gate: Gate) -> str:
    ended = "" if gate.ended == COMPLETE else f" ({gate.ended})"
    return (
        f"{about(gate)} · {when(gate.started)} · {gate.seconds / 60:.1f} min{ended} · "
        f"{machine(gate.environment)} · version {gate.version}"
    )


def _deciding(changes: list[Change]) -> list[Change]:
    """What moved and what can make the gate fail; all of it where nothing can."""
    return [one for one in changes if one.moved or one.decides] or changes


def _some(found: Table) -> list[Table]:
    return [found] if found.lines else []


def show(gate: Gate, out: Console) -> None:
    """Print what moved and what failed, and the verdict last, where a reader looks first."""
    moved = [one for one in changes_of(gate) if one.moved]
    tables = (
        table("What moved", moved[:_FIRST]),
        counts_table(one for one in gate.counts if one.regression),
        limits_table(one for one in gate.limits if one.kept is not Kept.KEPT),
    )
    print_line(about(gate), out, "dim")
    for found in tables:
        if found.lines:
            print_table(found, out)
    if len(moved) > _FIRST:
        print_line(f"and {len(moved) - _FIRST:,} more, on the page", out)
    for lines, name, style in (
        (gate.failures, "failed", "red"),
        (gate.unfit, "unfit", "yellow"),
        (gate.notes, "note", ""),
    ):
        for line in lines[:_FIRST]:
            print_line(f"{name}: {line}", out, style)
    first = headline(gate)
    print_line(str(first), out, f"bold {_COLOURS[first.tone]}")
