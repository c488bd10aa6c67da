"""The application under test: the echo and broadcast server that every mode serves.

The events are those of Miguel Grinberg's article "Easy WebSockets with Flask and Gevent"
(http://blog.miguelgrinberg.com/post/easy-websockets-with-flask-and-gevent), in today's API.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import Flask, render_template, request
from flask_socketio import SocketIO, emit

from servers.journal import Journal

NAMESPACE = "/test"


def create_app(
    async_mode: str,
    *,
    ping_interval_s: float = 25,
    ping_timeout_s: float = 20,
    journal: Journal | None = None,
) -> tuple[Flask, SocketIO]:
    """Make the application, with all that an async mode can differ in left to the library.

    Args:
        async_mode: Flask-SocketIO's name: ``eventlet``, ``gevent`` or ``threading``.
        ping_interval_s: seconds between the server's heartbeats.
        ping_timeout_s: seconds that a client may take to answer one.
        journal: told of every connect and disconnect in the namespace; None keeps none.
    """
    app = Flask(__name__)
    app.config["SECRET_KEY"] = secrets.token_hex()
    socketio = SocketIO(
        app,
        async_mode=async_mode,
        ping_interval=ping_interval_s,
        ping_timeout=ping_timeout_s,
    )

    @app.route("/")
    def index() -> str:
        return render_template("index.html", async_mode=socketio.async_mode)

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]})

    @socketio.on("my broadcast event", namespace=NAMESPACE)
    def broadcast(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]}, broadcast=True)

    @socketio.on("my room event", namespace=NAMESPACE)
    def to_room(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]}, to=message["room"])

    @socketio.on("connect", namespace=NAMESPACE)
    def connected() -> None:
        if journal is not None:
            sid = request.sid  # type: ignore[attr-defined]  # Flask-SocketIO adds it
            transport = socketio.server.transport(sid, NAMESPACE)
            journal.connected(sid, transport, time.monotonic_ns())
        emit("my response", {"data": "Connected"})

    @socketio.on("disconnect", namespace=NAMESPACE)
    def disconnected(reason: str) -> None:
        now_ns = time.monotonic_ns()  # before anything else: this is the moment of detection
        if journal is not None:
            journal.disconnected(request.sid, reason, now_ns)  # type: ignore[attr-defined]
        print("Client disconnected", flush=True)

    return app, socketio
