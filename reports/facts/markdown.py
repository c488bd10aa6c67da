"""Tables and texts as GitHub reads them."""

from __future__ import annotations

import re

from loadtests.record.words import Status
from reports.facts.tables import Entry, Table
from reports.facts.text import shown

#: What may mean something to somebody, but for what stands between two letters of a name.
_MARK = re.compile(
    r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.|[!\"#$%&'*+;<>?@\[\\\]^`{|}~]",
    re.IGNORECASE,
)
#: Numbers and words without any mark but those that ``escaped`` knows.
_PLAIN = re.compile(r"(?:[A-Za-z0-9 ,;×→–%()\[\]+-]|\.(?=[ 0-9])|:(?= ))*\.?")


def markdown_table(table: Table, *, right: bool) -> str:
    """A table as GitHub reads it, numbers to the right where wanted."""
    head = "| " + " | ".join(escaped(text) for text in table.head) + " |"
    rule = "| --- |" + (" ---: |" if right else " --- |") * (len(table.head) - 1)
    lines = ["| " + " | ".join(map(_md_entry, line)) + " |" for line in table.lines]
    return "\n".join([head, rule, *lines])


def _md_entry(entry: Entry) -> str:
    """What stands behind a number in a line of its own."""
    mark = "**" if entry.strong else "" if entry.status is Status.OK else "*"
    text = f"{mark}{escaped(entry.text)}{mark}" if entry.text else ""
    text = " ".join(filter(None, (text, entry.sign)))
    return f"{text}<br>{escaped(entry.detail)}" if entry.detail else text


def escaped(text: str) -> str:
    """Text that Markdown leaves as it is: in one line, with nothing that it would read."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(shown(text).split()))


def inert(text: str) -> str:
    """Our sentences with somebody's words in them: escaped, and with nothing that GitHub links.

    A mention and an address are in two parts, which look the same.
    """
    return re.sub(r"@(?=\w)|(?<=\w):(?=//)|(?<=www)\.", r"\g<0><wbr>", escaped(text))


def quoted(text: str, longest: int | None = None) -> str:
    """Somebody else's words as they are: in ``<code>``, with nothing that anything would read.

    Not only Markdown, of which a character reference is never a mark (CommonMark 0.31, section
    2.5), but also what GitHub makes of a text afterwards: links, mentions, numbers of issues, names
    of emoji, mathematics. It leaves alone what is in ``<code>``.

    Args:
        text: by whomever.
        longest: so many characters at most.
    """
    words = " ".join(shown(text, longest).split())
    return f"<code>{_MARK.sub(_reference, words)}</code>" if words else ""


def told(text: str, longest: int | None = None) -> str:
    """Words that are mostly ours: as they are if they are plain, else as somebody else's."""
    return escaped(shown(text, longest)) if _PLAIN.fullmatch(text) else quoted(text, longest)


def _reference(mark: re.Match[str]) -> str:
    """A tag behind what an address would be known by: it is in two parts then."""
    letter = mark[0]
    return f"&#{ord(letter)};" + ("<wbr>" if letter == "@" else "")
