"""The official JavaScript client and python-socketio's go through every event, in every mode."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.machine.journal import entries
from loadtests.machine.launch import RunningServer, serving
from loadtests.machine.node import missing
from servers.modes import ADAPTERS
from tests.support import ROOT
from tests.support.modes import MODES
from tests.support.waiting import until

HERE = Path(__file__).with_name("official")
CLIENTS = {
    "javascript": ["node", str(HERE / "client.js")],
    "python": [sys.executable, str(HERE / "client.py")],
}
TRANSPORTS = {"polling": "polling", "websocket": "websocket", "polling,websocket": "websocket"}


@pytest.fixture(scope="module", params=MODES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server of each mode, one for all of its clients."""
    mode: str = request.param
    if lack := ADAPTERS[mode].MODE.missing():
        pytest.skip(lack)
    folder = tmp_path_factory.mktemp(mode)
    log, journal = folder / "server.log", folder / "server.jsonl"
    with serving(mode, ping_interval_s=25, ping_timeout_s=25, log=log, journal=journal) as running:
        yield running


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_event_does_what_the_article_tells(
    server: RunningServer, client: str, transports: str
) -> None:
    if client == "javascript" and (lack := missing()):
        pytest.skip(lack)
    said, earlier = server.log.read_text(), len(disconnects(server))
    done = subprocess.run(
        [*CLIENTS[client], server.url, transports],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "greeting": "Connected",
        "one_connection": True,
        "echo": "echo",
        "bytes": [0, 1, 255],
        "broadcast": ["all", "all"],
        "joined": ["kitchen"],
        "room": "room",
        "not_in_room": [],
        "left": [],
        "message": "text",
        "json": {"a": [1, None, "ü"]},
        "default": "default",
        "transport": TRANSPORTS[transports],
    }

    # The server may still be about to write them down.
    until(lambda: len(disconnects(server)) >= earlier + 2, "both have left")
    left = disconnects(server)[earlier:]
    # python-socketio's Client closes its WebSocket before its goodbye is out (5.18), and under
    # uWSGI python-engineio throws away a goodbye right before the end
    # (loadtests/scenarios/disconnect/windows.py).
    lost = client == "python" or server.ready.mode == "uwsgi-gevent"
    hasty = lost and TRANSPORTS[transports] == "websocket"
    allowed = {"client disconnect", "transport close"} if hasty else {"client disconnect"}
    assert {each["reason"] for each in left} <= allowed
    written = server.log.read_text().removeprefix(said)
    assert (len(left), written.count("Client disconnected")) == (2, 2)


def disconnects(server: RunningServer) -> list[dict[str, Any]]:
    journal = server.log.with_suffix(".jsonl")
    return [each for each in entries(journal) if each["event"] == "disconnect"]
