"""Numbers on a command line, refused in one line where they make no sense."""

from __future__ import annotations

from argparse import ArgumentTypeError

_LONGEST_S = 3600.0


def count(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """A time above 0, up to an hour."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= _LONGEST_S:
        raise ArgumentTypeError(f"{text} is not a number of seconds above 0 and up to 3600")
    return value
