"""A chat: class-based namespaces that ask who one is, and a heartbeat of its own."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO

app = Flask(__name__)
socketio = SocketIO(app, ping_interval=10, ping_timeout=5)


class Chat(Namespace):
    """Where members talk."""

    def on_connect(self, auth: Any) -> None:
        """Let members in."""
        if not auth or auth.get("token") != "sesame":
            raise ConnectionRefusedError("members only")

    def on_say(self, text: str) -> None:
        """Tell everybody."""
        self.emit("said", text)


socketio.on_namespace(Chat("/chat"))

if __name__ == "__main__":
    socketio.run(app)
