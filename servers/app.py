"""The application under test: the echo and broadcast server that every mode serves.

The events are those of Miguel Grinberg's article "Easy WebSockets with Flask and Gevent"
(http://blog.miguelgrinberg.com/post/easy-websockets-with-flask-and-gevent), in today's API, and
the rooms that its first update tells of.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import Flask, request
from flask_socketio import SocketIO, emit, join_room, leave_room, rooms, send

from servers import pages
from servers.journal import Journal
from servers.presence import Presence

NAMESPACE = "/test"
#: The room of those who want to be told of others that were found to be gone.
WATCHERS = "watchers"


def create_app(
    async_mode: str,
    *,
    mode: str | None = None,
    ping_interval_s: float = 25,
    ping_timeout_s: float = 20,
    secret_key: str | None = None,
    journal: Journal | None = None,
) -> tuple[Flask, SocketIO]:
    """Make the application, with all that an async mode can differ in left to the library.

    Args:
        async_mode: Flask-SocketIO's name: ``eventlet``, ``gevent`` or ``threading``.
        mode: what the page calls it; None for the async mode's name.
        ping_interval_s: seconds between the server's heartbeats.
        ping_timeout_s: seconds that a client may take to answer one.
        secret_key: Flask's; None for a random one.
        journal: told of every connect and disconnect in the namespace; None keeps none.
    """
    app = Flask(__name__)
    app.config["SECRET_KEY"] = secret_key or secrets.token_hex()
    socketio = SocketIO(
        app,
        async_mode=async_mode,
        ping_interval=ping_interval_s,
        ping_timeout=ping_timeout_s,
    )
    pages.add(app, mode or async_mode, ping_interval_s, ping_timeout_s)
    _add_messages(socketio)
    _add_rooms(socketio)
    _add_coming_and_going(socketio, journal)
    return app, socketio


def _add_messages(socketio: SocketIO) -> None:
    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]})

    @socketio.on("my broadcast event", namespace=NAMESPACE)
    def broadcast(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]}, broadcast=True)

    # The special events. Today's clients have send() for "message", whatever it carries, and none
    # for "json" any more; Flask-SocketIO's send() still makes either.
    @socketio.on("message", namespace=NAMESPACE)
    @socketio.on("message")
    def message(content: Any) -> None:
        send(content)

    @socketio.on("json", namespace=NAMESPACE)
    @socketio.on("json")
    def json(content: Any) -> None:
        send(content, json=True)


def _add_rooms(socketio: SocketIO) -> None:
    @socketio.on("join", namespace=NAMESPACE)
    def join(message: dict[str, Any]) -> None:
        join_room(str(message["room"]))
        _tell_rooms()

    @socketio.on("leave", namespace=NAMESPACE)
    def leave(message: dict[str, Any]) -> None:
        leave_room(str(message["room"]))
        _tell_rooms()

    @socketio.on("my room event", namespace=NAMESPACE)
    def to_room(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]}, to=message["room"])


def _tell_rooms() -> None:
    # Everybody is in a room of one's own, named by the session id.
    own = sorted(room for room in rooms() if room not in (_sid(), WATCHERS))
    emit("my rooms", {"rooms": own})


def _add_coming_and_going(socketio: SocketIO, journal: Journal | None) -> None:
    presence = Presence()

    @socketio.on("connect", namespace=NAMESPACE)
    def connected() -> None:
        if journal is not None:
            transport = socketio.server.transport(_sid(), NAMESPACE)
            journal.connected(_sid(), transport, time.monotonic_ns())
        emit("my response", {"data": "Connected"})

    @socketio.on("my ping", namespace=NAMESPACE)
    def pinged() -> dict[str, str]:
        # What is returned is the acknowledgement, by which the page knows the round trip.
        transport = socketio.server.transport(_sid(), NAMESPACE)
        presence.heard(_sid(), transport, time.monotonic_ns())
        return {"transport": transport}

    @socketio.on("watch", namespace=NAMESPACE)
    def watch() -> None:
        join_room(WATCHERS)

    @socketio.on("disconnect", namespace=NAMESPACE)
    def disconnected(reason: str) -> None:
        now_ns = time.monotonic_ns()  # before anything else: this is the moment of detection
        if journal is not None:
            journal.disconnected(_sid(), reason, now_ns)
        print("Client disconnected", flush=True)
        absence = presence.gone(_sid(), reason, now_ns)
        if absence is not None:
            emit("gone", absence, to=WATCHERS)


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]  # Flask-SocketIO adds it
    return sid
