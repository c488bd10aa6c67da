"""A gate as GitHub's job summaries and comments show it: the verdict first, the rest folded.

Names of commits, modes and reasons are a stranger's where the change is: ``markdown.quoted`` makes
them format, link and mention nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from loadtests.record.gate import Gate
from loadtests.record.words import Kept, Status
from reports.facts.changes import table
from reports.facts.gating import (
    READING,
    about,
    arms_table,
    changes_of,
    contrasts_table,
    counts_table,
    headline,
    limits_table,
)
from reports.facts.markdown import quoted, told
from reports.facts.numbers import counted
from reports.facts.tables import Entry, Table

#: GitHub refuses a comment of more than 65,536 characters.
LONGEST = 65_000
#: What stays free for the words that say what was left out, and the ends of what is folded.
_RESERVE = 1_500
#: A label, a reason.
_LABEL, _SENTENCE = 90, 400
#: The least room that is worth a table.
_ROOM = 2_000


class _Sheet:
    """A text that does not get longer than it may."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = LONGEST - _RESERVE

    def add(self, text: str) -> bool:
        """A line, if there is room for it."""
        if len(text) + 1 > self._left:
            return False
        self._parts.append(text)
        self._left -= len(text) + 1
        return True

    def all_of(self, lines: Sequence[str], noun: str) -> None:
        """As many lines as there is room for, and how many are left out."""
        for place, line in enumerate(lines):
            if not self.add(line):
                self.close(f"\nAnd {counted(len(lines) - place, noun)} more, in index.html.")
                self._left = 0
                return

    def close(self, text: str) -> None:
        """The end of something that was begun, for which room was reserved."""
        self._parts.append(text)

    @property
    def full(self) -> bool:
        """Whether no table fits any more."""
        return self._left < _ROOM

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._parts) + "\n"


def gate_markdown(gate: Gate) -> str:
    """The whole, below 65,000 characters whatever the gate has."""
    changes = changes_of(gate)
    first = headline(gate)
    end = f": {quoted(first.quoted, _SENTENCE)}" if first.quoted else "."
    sheet = _Sheet()
    sheet.add(f"**{first.word}**: {first.text}{end}")
    sheet.add("")
    sheet.add(quoted(about(gate), _SENTENCE))
    moved = [one for one in changes if one.moved]
    _table(sheet, "What moved", table("", moved))
    _table(sheet, "Counts", counts_table(one for one in gate.counts if one.regression))
    _table(sheet, "Limits", limits_table(one for one in gate.limits if one.kept is not Kept.KEPT))
    _list(sheet, "Failed or missing", gate.failures)
    _list(sheet, "Why this run decides nothing", gate.unfit)
    _list(sheet, "To be known", gate.notes)
    rest = [one for one in changes if not one.moved]
    _folded(sheet, counted(len(rest), "comparison") + " that did not move", table("", rest))
    _folded(sheet, "All counts", counts_table(gate.counts))
    _folded(sheet, "All limits", limits_table(gate.limits))
    _folded(sheet, "Base against base", contrasts_table(gate))
    _folded(sheet, "The two arms, and the packages that differ", arms_table(gate))
    sheet.add("")
    sheet.add(READING)
    return sheet.text()


def _table(sheet: _Sheet, title: str, found: Table) -> None:
    if found.lines and not sheet.full:
        sheet.add(f"\n### {title}\n")
        _lines(sheet, found)


def _folded(sheet: _Sheet, title: str, found: Table) -> None:
    if found.lines and not sheet.full:
        sheet.add(f"\n<details><summary>{title}</summary>\n")
        _lines(sheet, found)
        sheet.close("\n</details>")


def _lines(sheet: _Sheet, found: Table) -> None:
    sheet.add("| " + " | ".join(found.head) + " |")
    sheet.add("|" + " --- |" * len(found.head))
    lines = ["| " + " | ".join(_entries(line)) + " |" for line in found.lines]
    sheet.all_of(lines, "line")


def _entries(line: Sequence[Entry]) -> Iterator[str]:
    for place, entry in enumerate(line):
        text = told(entry.text, _SENTENCE) if place else quoted(entry.text, _LABEL)
        yield f"**{text}**" if entry.status is Status.FAILED else text


def _list(sheet: _Sheet, title: str, items: Iterable[str]) -> None:
    lines = [f"- {quoted(item, _SENTENCE)}" for item in items]
    if lines and not sheet.full:
        sheet.add(f"\n### {title}\n")
        sheet.all_of(lines, "line")
