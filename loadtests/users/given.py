"""What a user's calls are given that cannot be meant: refused in one line, where it is given."""

from __future__ import annotations

from typing import Any


def check_names(*names: Any) -> None:
    """See that these are names: of events, or of rows.

    Raises:
        TypeError: one is no text; Locust would fail to sort its rows, at the very end.
        ValueError: one is empty.
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a name is a text, not {name!r}")
        if not name:
            raise ValueError("a name is not empty")


def check_callable(what: str, given: Any) -> None:
    """See that it can be called.

    Raises:
        TypeError: it cannot.
    """
    if not callable(given):
        raise TypeError(f"{what} is to be called with the event's arguments: {given!r} cannot be")
