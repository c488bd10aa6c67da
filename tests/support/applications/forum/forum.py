"""A forum: two namespaces, one of which wants a token and has events of its own, and a queue."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, emit, join_room

TOKEN = "let me in"


class News(Namespace):
    """Says nothing unless asked."""

    def on_latest(self) -> list[str]:
        """What is new."""
        return ["nothing"]


class Forum(Namespace):
    """Whoever has the token may enter a room and post there."""

    def on_connect(self, auth: Any = None) -> None:
        """Let in."""
        if not isinstance(auth, dict) or auth.get("token") != TOKEN:
            raise ConnectionRefusedError("no token")

    def on_enter(self, room: str) -> None:
        """Enter a room."""
        join_room(room)
        emit("entered", {"room": room})

    def on_say(self, message: dict[str, Any]) -> None:
        """Say something to oneself."""
        emit("said", {"who": "you", "at": "12:30:45", "message": {"text": message["text"]}})

    def on_store(self, message: dict[str, Any]) -> dict[str, bool]:
        """Keep it, and say so by the acknowledgement."""
        return {"stored": bool(message)}

    def on_count(self, _message: Any = None) -> None:
        """Answer without a word of what was said."""
        emit("counted", {"ok": True})

    def on_refuse(self, _message: Any = None) -> None:
        """Answer with another event than one may think."""
        emit("sorry", {"why": "no"})

    def on_stumble(self, message: dict[str, Any]) -> None:
        """Raise."""
        emit("said", {"text": message["no such field"]})

    def on_post(self, message: dict[str, Any]) -> None:
        """To everybody in the room."""
        emit("posted", {"by": "somebody", "post": [message["text"]]}, to=message["room"])


def create_app() -> tuple[Flask, SocketIO]:
    """The application and what serves it."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "only for tests"
    socketio = SocketIO(app, message_queue=os.environ.get("QUEUE"))
    socketio.on_namespace(News("/news"))
    socketio.on_namespace(Forum("/forum"))
    return app, socketio
