"""``python client.py URL TRANSPORTS``: python-socketio's Client, the same steps as client.js."""

from __future__ import annotations

import json
import queue
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import socketio

GIVE_UP_S = 10


class Connection:
    """A client in both namespaces that keeps what it hears, by namespace and event."""

    def __init__(self, url: str, transports: list[str]) -> None:
        self._heard: dict[tuple[str, str], queue.Queue[Any]] = {}
        self.client = socketio.Client(reconnection=False, handle_sigint=False)
        for namespace in ("/test", "/"):
            for event in ("my response", "my rooms", "message", "json"):
                box: queue.Queue[Any] = queue.Queue()
                self._heard[namespace, event] = box
                self.client.on(event, box.put, namespace=namespace)
        self.client.connect(
            url, transports=transports, namespaces=["/test", "/"], wait_timeout=GIVE_UP_S
        )

    def emit(self, event: str, content: Any, namespace: str = "/test") -> None:
        self.client.emit(event, content, namespace=namespace)

    def next(self, event: str, namespace: str = "/test") -> Any:
        return self._heard[namespace, event].get(timeout=GIVE_UP_S)

    def until_echo(self, mark: str) -> list[str]:
        """What it gets until an echo of its own comes back, which was sent last."""
        self.emit("my event", {"data": mark})
        heard = []
        while (data := self.next("my response")["data"]) != mark:
            heard.append(data)
        return heard


def main() -> None:
    """Go through everything and print what came of it."""
    url, transports = sys.argv[1:]
    found: dict[str, Any] = {}
    one, other = (Connection(url, transports.split(",")) for _ in range(2))
    found["greeting"] = one.next("my response")["data"]
    other.next("my response")
    found["one_connection"] = set(one.client.namespaces) == {"/", "/test"}

    one.emit("my event", {"data": "echo"})
    found["echo"] = one.next("my response")["data"]
    one.emit("my event", {"data": bytes([0, 1, 255])})
    found["bytes"] = list(one.next("my response")["data"])
    one.emit("my broadcast event", {"data": "all"})
    found["broadcast"] = [each.next("my response")["data"] for each in (one, other)]

    other.emit("join", {"room": "kitchen"})
    found["joined"] = other.next("my rooms")["rooms"]
    one.emit("my room event", {"room": "kitchen", "data": "room"})
    found["room"] = other.next("my response")["data"]
    found["not_in_room"] = one.until_echo("mark")
    other.emit("leave", {"room": "kitchen"})
    found["left"] = other.next("my rooms")["rooms"]

    one.client.send("text", namespace="/test")
    found["message"] = one.next("message")
    one.emit("json", {"a": [1, None, "ü"]})
    found["json"] = one.next("json")
    one.client.send("default", namespace="/")
    found["default"] = one.next("message", "/")
    found["transport"] = one.client.call("my ping", namespace="/test", timeout=GIVE_UP_S)[
        "transport"
    ]
    # Its goodbye over long-polling never leaves if a POST is still under way: its writing ends with
    # that one (python-engineio 4.15, engineio.client.Client._write_loop).
    time.sleep(0.3)
    # Side by side: over WebSocket each may wait three seconds for the server's half of its goodbye.
    with ThreadPoolExecutor() as both:
        list(both.map(lambda each: each.client.disconnect(), (one, other)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
