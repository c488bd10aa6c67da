"""Markdown for GitHub that never gets longer than it may, whatever it is told.

Names of commits, modes and reasons are a stranger's where the change is: ``markdown.quoted`` makes
them format, link and mention nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from loadtests.record.words import Status
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


class Sheet:
    """A text of lines, tables and lists; what has no room is counted and left to the page."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = LONGEST - _RESERVE

    def add(self, text: str) -> bool:
        """A line of ours, if there is room for it."""
        if len(text) + 1 > self._left:
            return False
        self._parts.append(text)
        self._left -= len(text) + 1
        return True

    def end(self, text: str) -> None:
        """The last line, or the end of something, for which there is always room."""
        self._parts.append(text)

    def quote(self, text: str) -> str:
        """Somebody else's sentence."""
        return quoted(text, _SENTENCE)

    def table(self, title: str, found: Table) -> None:
        """A table under a heading; nothing if it is empty."""
        if found.lines and not self._full:
            self.add(f"\n### {title}\n")
            self._table(found)

    def folded(self, title: str, tables: Sequence[Table]) -> None:
        """Tables to be unfolded, each under its caption where there are several."""
        if any(found.lines for found in tables) and not self._full:
            self.add(f"\n<details><summary>{title}</summary>\n")
            for found in tables:
                if not self._full:
                    if len(tables) > 1:
                        self.add(f"\n### {told(found.caption, _LABEL)}\n")
                    self._table(found)
            self.end("\n</details>")

    def listed(self, title: str, items: Iterable[str]) -> None:
        """Somebody else's lines under a heading; nothing if there are none."""
        lines = [f"- {self.quote(item)}" for item in items]
        if lines and not self._full:
            self.add(f"\n### {title}\n")
            self._all_of(lines)

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._parts) + "\n"

    @property
    def _full(self) -> bool:
        """Whether no table fits any more."""
        return self._left < _ROOM

    def _table(self, found: Table) -> None:
        self.add("| " + " | ".join(told(text, _LABEL) for text in found.head) + " |")
        self.add("|" + " --- |" * len(found.head))
        self._all_of(["| " + " | ".join(_entries(line)) + " |" for line in found.lines])

    def _all_of(self, lines: Sequence[str]) -> None:
        """As many lines as there is room for, and how many are left out."""
        for place, line in enumerate(lines):
            if not self.add(line):
                self.end(f"\nAnd {counted(len(lines) - place, 'line')} more, in index.html.")
                self._left = 0
                return


def _entries(line: Sequence[Entry]) -> Iterator[str]:
    for place, entry in enumerate(line):
        text = told(entry.text, _SENTENCE) if place else quoted(entry.text, _LABEL)
        text = f"**{text}**" if entry.status is Status.FAILED and text else text
        yield f"{text}<br>{told(entry.detail, _SENTENCE)}" if entry.detail else text
