"""An application with what the one under test lacks: acknowledgements, auth, bytes, kicks."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, disconnect, emit

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")


class Talk(Namespace):  # type: ignore[misc]  # Flask-SocketIO has no types
    def on_connect(self, auth: Any) -> None:
        if auth == "a stranger":
            raise ConnectionRefusedError("not you")
        emit("welcome", auth)

    def on_add(self, *numbers: int) -> int:
        return sum(numbers)

    def on_split(self, data: bytes) -> tuple[bytes, bytes]:
        return data[:1], data[1:]

    def on_never(self) -> None:
        emit("noise", "not the answer")
        socketio.sleep(60)  # the library acknowledges when a handler returns

    def on_kick(self) -> None:
        disconnect()

    def on_quiz(self) -> None:
        emit("question", "6 * 7", callback=lambda answer: socketio.emit("heard", answer))


socketio.on_namespace(Talk("/"))

if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
