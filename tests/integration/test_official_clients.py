"""The official JavaScript client and python-socketio's go through every event, in every mode."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loadtests import ROOT
from loadtests.machine.journal import entries
from loadtests.machine.node import missing

HERE = Path(__file__).with_name("official")
CLIENTS = {
    "javascript": ["node", str(HERE / "client.js")],
    "python": [sys.executable, str(HERE / "client.py")],
}
TRANSPORTS = {"polling": "polling", "websocket": "websocket", "polling,websocket": "websocket"}


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_event_does_what_the_article_tells(
    serve, tmp_path, installed_mode, client, transports
):
    if client == "javascript" and (lack := missing()):
        pytest.skip(lack)
    with serve(installed_mode) as server:
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

        left = all_left(tmp_path / f"{installed_mode}.jsonl")
        # python-socketio's Client closes its WebSocket before its goodbye is out (5.18), and under
        # uWSGI python-engineio throws away a goodbye right before the end
        # (loadtests/scenarios/disconnect/windows.py).
        lost = client == "python" or installed_mode == "uwsgi-gevent"
        hasty = lost and TRANSPORTS[transports] == "websocket"
        allowed = {"client disconnect", "transport close"} if hasty else {"client disconnect"}
        assert {each["reason"] for each in left} <= allowed
        assert server.log.read_text().count("Client disconnected") == 2


def all_left(journal):
    """The disconnects of both clients, which the server may still be about to write down."""
    give_up = time.monotonic() + 5
    while True:
        left = [each for each in entries(journal) if each["event"] == "disconnect"]
        if len(left) == 2:
            return left
        assert time.monotonic() < give_up, left
        time.sleep(0.02)
