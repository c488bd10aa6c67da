"""Markdown that is never longer than it may be: what has no room is cut by lines, and counted."""

from __future__ import annotations

from collections.abc import Iterable

from reports.facts.numbers import counted

#: GitHub takes 65,536 characters as a comment; what somebody writes around ours needs some.
LONGEST = 59_500
#: What stays free for the words that say what was left out.
_RESERVE = 600
#: An empty line.
_BETWEEN = 2
#: Fewer lines of a table or a list are not worth their heading.
_WORTH = 5


def fitting(parts: Iterable[str], longest: int = LONGEST) -> str:
    """The parts with an empty line between them, as far as there is room.

    A part that is too long is cut behind a line, which leaves tables and lists whole ones. One that
    begins or ends what is folded is always there.

    Args:
        parts: paragraphs, headings, tables, lists; empty ones are nothing.
        longest: so many characters at most.
    """
    kept: list[str] = []
    heading = ""
    left, missing = longest - _RESERVE, 0
    for part in filter(None, parts):
        if part.startswith("#"):
            heading += f"{part}\n\n"  # over what follows, or over nothing
        elif part.startswith(("<details>", "</details>")):
            kept.append(part)
            left -= len(part) + _BETWEEN
        else:
            text, cut = _cut(part, left - len(heading) - _BETWEEN)
            missing += cut
            if text:
                kept.append(heading + text)
                left -= len(heading + text) + _BETWEEN
            heading = ""
    if missing:
        kept.append(f"{counted(missing, 'line')} more had no room here: index.html has them all.")
    return "\n\n".join(kept) + "\n"


def _cut(part: str, left: int) -> tuple[str, int]:
    """As many whole lines as fit, and how many do not."""
    if len(part) <= left:
        return part, 0
    lines = part.split("\n")
    kept: list[str] = []
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    if len(kept) < _WORTH:
        return "", len(lines)
    return "\n".join(kept), len(lines) - len(kept)
