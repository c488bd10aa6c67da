"""Whether the official JavaScript client can run here."""

from __future__ import annotations

import shutil

from loadtests import ROOT

_PACKAGE = ROOT / "node_modules" / "socket.io-client" / "package.json"


def missing() -> str | None:
    """What the official client lacks on this machine and how to get it; None where it can run."""
    if shutil.which("node") is None:
        return "Node.js is not installed; install version 18 or later, then run: make node"
    if not _PACKAGE.exists():
        return "the official client is not installed; run: make node"
    return None
