"""Text that somebody else wrote, fit to be shown: a result file may be a stranger's."""

from __future__ import annotations

#: What does nothing to a terminal, a page or a picture.
_NO_BREAK_SPACE = "\u00a0"
_UNKNOWN = "\ufffd"


def shown(text: str, longest: int | None = None) -> str:
    """A text in one line, without what would steer a terminal or turn the words around it.

    Every space but that which may not break is a blank. What cannot be printed is U+FFFD: escape
    sequences, what changes the direction of reading, and what XML may not hold (XML 1.0, section
    2.2).

    Args:
        text: by whomever.
        longest: so many characters at most, the last of them an ellipsis if it is cut.
    """
    if not text.isprintable():
        text = "".join(map(_printable, text))
    if longest is None or len(text) <= longest:
        return text
    return f"{text[: longest - 1]}…"


def _printable(letter: str) -> str:
    if letter.isprintable() or letter == _NO_BREAK_SPACE:
        return letter
    return " " if letter.isspace() else _UNKNOWN
