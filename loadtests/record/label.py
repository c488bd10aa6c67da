"""What may stand for a mode: in names of files, charts and summary.csv."""

from __future__ import annotations

_LONGEST = 40


def problem_of(label: str) -> str:
    """Why a label cannot be one; nothing where it can."""
    if (
        1 <= len(label) <= _LONGEST
        and label.isprintable()
        and label == label.strip()
        and label not in (".", "..")
        and not any(one in label for one in "/\\")
    ):
        return ""
    return (
        f"{label[:_LONGEST]!r} cannot name a file and a chart's line: 1 to {_LONGEST} printable "
        "characters, no slash, no space at its ends."
    )
