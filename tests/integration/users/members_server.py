"""Members who log in over HTTP, a second namespace, and sessions that are dropped."""

from __future__ import annotations

import os
import time
from typing import Any

from flask import Flask, request, session
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, emit

app = Flask(__name__)
app.secret_key = "only for this test"
socketio = SocketIO(app, path="/live", async_mode="threading", cors_allowed_origins="*")


@app.post("/login")
def login() -> str:
    session["name"] = request.form["name"]
    return "welcome"


class Members(Namespace):  # type: ignore[misc]  # Flask-SocketIO has no types
    def on_connect(self, auth: Any) -> None:
        if "name" not in session or request.headers.get("X-Team") != auth["team"]:
            raise ConnectionRefusedError("who are you?")
        emit("hello", {"name": session["name"], "page": request.args.get("page")})

    def on_ticks(self) -> None:
        for _ in range(5):
            emit("tick", {"at": time.time()})

    def on_note(self, _text: str) -> None:
        pass

    def on_drop(self) -> None:
        server = socketio.server
        server.eio.disconnect(server.manager.eio_sid_from_sid(request.sid, "/"))  # type: ignore[attr-defined]


class Admin(Namespace):  # type: ignore[misc]
    def on_connect(self, auth: Any) -> None:
        if auth != "let me in":
            raise ConnectionRefusedError("members only")

    def on_add(self, *numbers: int) -> int:
        return sum(numbers)


socketio.on_namespace(Members("/"))
socketio.on_namespace(Admin("/admin"))

if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
