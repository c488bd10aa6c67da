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
    lines = ["| " + " | ".join(map(_md_entry, line)) + " |" for line in table.lines]
    return "\n".join([head, rule, *lines])


def _md_entry(entry: Entry) -> str:
    """What stands behind a number in a line of its own."""
    mark = "**" if entry.strong else "" if entry.status is Status.OK else "*"
    text = f"{mark}{escaped(entry.text)}{mark}"
    return f"{text}<br>{escaped(entry.detail)}" if entry.detail else text


def escaped(text: str) -> str:
    """Text that Markdown leaves as it is: in one line, with nothing that it would read."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(shown(text).split()))
