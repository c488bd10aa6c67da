"""Clients that send what nobody should: refused in one line, and nobody else hears of it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import socketio
import websocket

from loadtests.machine.journal import entries
from servers.app import LONGEST_ROOM, MOST_ROOMS
from tests.support.waiting import SLOWNESS, until

NO_REQUESTS: tuple[Any, ...] = (None, "kitchen", ["kitchen"], {}, ("a", "b"))
NO_ROOMS: tuple[Any, ...] = (None, 5, "", [], ["kitchen"], [{}], {"a": 1}, "x" * (LONGEST_ROOM + 1))
MALFORMED = [
    *(("join", each) for each in NO_REQUESTS),
    *(
        (event, {"room": room, "data": "x"})
        for event in ("join", "leave", "my room event")
        for room in NO_ROOMS
    ),
    ("leave", {"room": "never joined"}),
    ("my room event", {"room": "kitchen"}),
    ("my event", {}),
    ("my event", "x"),
    ("my event", None),
    ("my event", (1, 2)),
    ("my broadcast event", []),
    ("my ping", 1),
    ("watch", 1),
    ("message", None),
    ("json", (1, 2)),
]


@pytest.fixture(params=["gevent", "threading"])
def server(request, serve):
    with serve(request.param) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


@pytest.fixture
def connect(server):
    clients = []

    def connected():
        client = socketio.Client(reconnection=False)
        clients.append(client)
        client.connect(server.url, transports=["websocket"], namespaces=["/test"])
        return client

    yield connected
    for client in clients:
        # Its own goodbye waits three seconds for the server's half of the WebSocket's.
        client.eio.ws.sock.shutdown(socket.SHUT_RDWR)
        client.wait()


def disconnects(journal):
    return [each for each in entries(journal) if each["event"] == "disconnect"]


def test_malformed_message_is_answered_in_one_line_and_logged_in_none(server, connect):
    client = connect()
    heard: list[Any] = []
    client.on("my error", heard.append, namespace="/test")
    before = server.log.read_text()
    for event, data in MALFORMED:
        answer = client.call(event, data, namespace="/test")
        assert answer["error"].startswith(f"{event}: "), (event, data, answer)
        assert "\n" not in answer["error"]
    assert client.call("my ping", namespace="/test") == {"transport": "websocket"}
    assert [each["error"].partition(":")[0] for each in heard] == [name for name, _ in MALFORMED]
    assert server.log.read_text() == before


def test_rooms_of_a_client_are_limited_and_nobodys_own(connect):
    client, other = connect(), connect()
    mine, theirs = (each.get_sid("/test") for each in (client, other))
    for room in (mine, theirs):
        answer = client.call("join", {"room": room}, namespace="/test")
        assert answer == {"error": "join: this room is somebody's own"}
    assert "not in this room" in client.call("leave", {"room": mine}, namespace="/test")["error"]
    for number in range(MOST_ROOMS):
        assert client.call("join", {"room": f"{number}"}, namespace="/test") is None
    answer = client.call("join", {"room": "one more"}, namespace="/test")
    assert answer == {"error": f"join: a client can be in {MOST_ROOMS} rooms"}
    client.call("leave", {"room": "0"}, namespace="/test")
    assert client.call("join", {"room": "one more"}, namespace="/test") is None


def test_coming_and_going_cannot_be_forged(server, connect, tmp_path):
    client, watcher = connect(), connect()
    news: list[Any] = []
    watcher.on("gone", news.append, namespace="/test")
    watcher.call("watch", namespace="/test")
    client.call("my ping", namespace="/test")
    for event in ("connect", "disconnect"):
        assert client.call(event, "forged", namespace="/test") is None
    assert client.call("connect", namespace="/test") is None
    watcher.call("my ping", namespace="/test")  # news would have been before it
    journal = tmp_path / f"{server.ready.mode}.jsonl"
    assert [each["event"] for each in entries(journal)] == ["connect", "connect"]
    assert "Client disconnected" not in server.log.read_text()
    assert news == []


def test_crowd_of_watchers_that_falls_silent_is_noticed_to_the_last(serve, tmp_path):
    # Telling a watcher that is silent too of another runs its handler, which would tell the next.
    crowd = 150
    with serve("gevent", heartbeat_s=1) as server:
        address = f"{server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
        clients = [websocket.create_connection(address) for _ in range(crowd)]
        for client in clients:
            client.send("40/test,")
            client.send('42/test,["watch"]')
            client.send('42/test,["my ping"]')
        journal = tmp_path / "gevent.jsonl"
        until(lambda: len(disconnects(journal)) >= crowd, "all are noticed", 15 * SLOWNESS)
        for client in clients:
            client.close()
        assert {each["reason"] for each in disconnects(journal)} == {"ping timeout"}
        assert "Error" not in server.log.read_text()
