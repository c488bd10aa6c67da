"""Reading a server's journal of connects and disconnects while the server writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loadtests.record.words import Transport


class WrongConnections(Exception):
    """The server saw other connections than the trial is to have."""


def entries(path: Path) -> list[dict[str, Any]]:
    """All complete lines so far; see servers/journal.py for what they hold."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def verify_connections(path: Path, transport: Transport, expected: int | None) -> None:
    """Check by the server's own account that every client is on the cell's transport.

    Args:
        path: of the journal.
        transport: of the cell.
        expected: how many are connected; None for any number.

    Raises:
        WrongConnections: one is on another, or not all are there.
    """
    connects = [each["transport"] for each in entries(path) if each["event"] == "connect"]
    expected = len(connects) if expected is None else expected
    if connects != [transport] * expected:
        seen = {name: connects.count(name) for name in sorted(set(connects))}
        raise WrongConnections(
            f"the server saw connections {seen}, it should have seen {expected} over {transport}"
        )
