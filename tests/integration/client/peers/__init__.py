"""Servers of other people's making that the load client is tested against."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests import ROOT
from loadtests.machine.launch import started
from tests.support.waiting import SLOWNESS

HERE = Path(__file__).parent
PEERS = {
    "node": ("node", str(HERE / "node_server.js")),
    "asgi": (sys.executable, str(HERE / "asgi_server.py")),
}
#: The same without Socket.IO: what they are there for is permessage-deflate.
DEFLATING = {
    "ws": ("node", str(HERE / "deflate_server.js")),
    "websockets": (sys.executable, str(HERE / "deflate_server.py")),
}
_NODES = {"node": "socket.io", "ws": "ws"}
_READY_TIMEOUT_S = 20 * SLOWNESS


class _Port(msgspec.Struct, frozen=True):
    port: int


def need(name: str) -> None:
    """Skip the test where Node or its packages are missing; Python's are always there."""
    if name not in _NODES:
        return
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    package = _NODES[name]
    if not (ROOT / "node_modules" / package).is_dir():
        pytest.skip(f"node_modules/{package} is missing; `make node` installs it")


@contextmanager
def serving(name: str, log: Path, **options: Any) -> Iterator[str]:
    """The URL of a fresh server until the block ends.

    Args:
        name: one of PEERS or DEFLATING.
        log: file for what it prints.
        options: see node_server.js.
    """
    with started(
        f"peer {name}",
        [*(PEERS | DEFLATING)[name], json.dumps(options)],
        type=_Port,
        log=log,
        timeout_s=_READY_TIMEOUT_S,
        kill=True,
    ) as peer:
        scheme = "https" if "certificate" in options else "http"
        yield f"{scheme}://127.0.0.1:{peer.ready.port}"
        peer.process.kill()  # asked to end, it would wait for its clients
