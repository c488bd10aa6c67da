"""Who came and who went, as JSON lines that another process can follow while the server runs."""

from __future__ import annotations

import json
import os
from pathlib import Path


class Journal:
    """An append-only file with one line per connect and disconnect, and none per message.

    Times are of ``time.monotonic_ns``, which every process of one host shares. Each line is one
    unbuffered write, so that a reader sees it at once and a killed server loses nothing.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def connected(self, sid: str, transport: str, at_ns: int) -> None:
        """Note that the session ``sid`` of the namespace began over ``transport``."""
        self._write({"event": "connect", "sid": sid, "transport": transport, "at_ns": at_ns})

    def disconnected(self, sid: str, reason: str, at_ns: int) -> None:
        """Note that the disconnect handler ran, with the reason that it was given."""
        self._write({"event": "disconnect", "sid": sid, "reason": reason, "at_ns": at_ns})

    def _write(self, entry: dict[str, str | int]) -> None:
        os.write(self._fd, json.dumps(entry).encode() + b"\n")
