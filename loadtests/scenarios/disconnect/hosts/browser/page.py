"""What a tab shows: nothing but the official client's library, and a function that uses it."""

from __future__ import annotations

from pathlib import Path

from loadtests.record.places import NODE

LIBRARY = NODE / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"
_SCRIPT = Path(__file__).with_name("tab.js")


def html() -> str:
    """The page's source, in one piece: each further file would be a request more per tab."""
    library, script = (path.read_text(encoding="utf-8") for path in (LIBRARY, _SCRIPT))
    # Without an icon of its own Chromium asks the server for /favicon.ico.
    head = '<meta charset="utf-8"><title>transport-bench</title><link rel="icon" href="data:,">'
    return f"<!doctype html>{head}<script>{library}</script><script>{script}</script>"
