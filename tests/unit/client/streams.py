"""A connection that the test plays instead of the network."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.client.link import Server

SERVER = Server("example:5000", ((2, ("127.0.0.1", 5000)),))


class FakeStream:
    """One connection; every one that is made is kept in ``made``."""

    made: list[FakeStream]

    def __init__(self, on_data: Any, on_end: Any) -> None:
        self.on_data = on_data
        self.on_end = on_end
        self.sent: list[bytes] = []
        self.closed = self.frozen = self.was_reset = False
        self.made.append(self)

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def freeze(self) -> None:
        self.frozen = True

    def close(self) -> None:
        self.closed = True

    def reset(self) -> None:
        self.closed = self.was_reset = True

    def say(self, data: bytes) -> None:
        assert not self.closed, "nothing arrives on a closed connection"
        self.on_data(data, 10, 20)

    def end(self, reason: str = "connection closed by the server") -> None:
        self.closed = True
        self.on_end(reason)


def play(monkeypatch: pytest.MonkeyPatch) -> list[FakeStream]:
    """Have every connection to a server be one that the test plays; they gather in the list."""
    FakeStream.made = []
    monkeypatch.setattr(Server, "connect", lambda _server, *listeners: FakeStream(*listeners))
    return FakeStream.made
