"""Servers of other people's making that the load client is tested against."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loadtests import ROOT
from loadtests.machine.launch import LEASH
from tests.support.waiting import SLOWNESS, until

HERE = Path(__file__).parent
PEERS = {
    "node": ("node", str(HERE / "node_server.js")),
    "asgi": (sys.executable, str(HERE / "asgi_server.py")),
}
_READY_TIMEOUT_S = 20 * SLOWNESS


def need(name: str) -> None:
    """Skip the test where Node or its packages are missing; Python's are always there."""
    if name != "node":
        return
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (ROOT / "node_modules" / "socket.io").is_dir():
        pytest.skip("node_modules/socket.io is missing; `make node` installs it")


@contextmanager
def serving(name: str, log: Path, **options: Any) -> Iterator[str]:
    """The URL of a fresh server until the block ends.

    Args:
        name: one of PEERS.
        log: file for what it prints.
        options: see node_server.js.
    """
    leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), "-"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*leash, *PEERS[name], json.dumps(options)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        scheme = "https" if "certificate" in options else "http"
        yield f"{scheme}://127.0.0.1:{_port(process, log)}"
    finally:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    def ready() -> list[str]:
        said = log.read_text()
        assert process.poll() is None, f"{process.args!r} ended: {said}"
        lines = said.splitlines(keepends=True)
        return [each for each in lines if each.startswith('{"ready"') and each.endswith("\n")]

    (line,) = until(ready, f"{process.args!r} is ready; its log: {log}", _READY_TIMEOUT_S)
    return int(json.loads(line)["port"])
