"""What a host and its children write down, for whoever started the host: JSON lines in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path


class Diary:
    """An append-only file with a line for each client that came, went or was lost.

    Each line is one unbuffered write, so a reader sees it at once, a killed process loses nothing,
    and the children of a fork may write beside each other.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def joined(self, client: int, sid: str) -> None:
        """The client is connected, under this session id of the namespace."""
        self._write({"event": "joined", "client": client, "sid": sid})

    def failed(self, why: str) -> None:
        """A client, or the host itself, will never be ready."""
        self._write({"event": "failed", "why": why})

    def gone(self, client: int, gone_ns: int, pinged_ns: int | None) -> None:
        """The client goes now; times are of ``time.monotonic_ns``."""
        self._write({"event": "gone", "client": client, "gone_ns": gone_ns, "pinged_ns": pinged_ns})

    def lost(self, client: int, why: str) -> None:
        """The client has gone by itself, or does not go as it should."""
        self._write({"event": "lost", "client": client, "why": why})

    def _write(self, entry: dict[str, str | int | None]) -> None:
        os.write(self._fd, json.dumps(entry).encode() + b"\n")
