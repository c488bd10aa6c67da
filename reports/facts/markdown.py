"""Tables and texts as GitHub reads them."""

from __future__ import annotations

import re

from loadtests.record.words import Status
from reports.facts.tables import Entry, Table
from reports.facts.text import shown


def markdown_table(table: Table, *, right: bool) -> str:
    """A table as GitHub reads it, numbers to the right where wanted."""
    head = "| " + " | ".join(escaped(text) for text in table.head) + " |"
    rule = "| --- |" + (" ---: |" if right else " --- |") * (len(table.head) - 1)
    entry = _md_phrase if table.wordy else _md_entry
    lines = ["| " + " | ".join(entry(one) for one in line) + " |" for line in table.lines]
    return "\n".join([head, rule, *lines])


def _md_entry(entry: Entry) -> str:
    text = escaped(str(entry))
    if entry.strong:
        return f"**{text}**"
    return text if entry.status is Status.OK else f"*{text}*"


def _md_phrase(entry: Entry) -> str:
    """What stands behind a number in a line of its own."""
    text = escaped(entry.text) if entry.status is Status.OK else f"*{escaped(entry.text)}*"
    return f"{text}<br>{escaped(entry.detail)}" if entry.detail else text


def escaped(text: str) -> str:
    """Text that Markdown leaves as it is: in one line, with nothing that it would read."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(shown(text).split()))
