"""The application under test: the echo and broadcast server that every mode serves.

The events are those of Miguel Grinberg's article "Easy WebSockets with Flask and Gevent"
(http://blog.miguelgrinberg.com/post/easy-websockets-with-flask-and-gevent), in today's API, and
the rooms that its first update tells of.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from typing import Any

from flask import Flask, request
from flask_socketio import SocketIO, emit, join_room, leave_room, rooms, send

from servers import pages, presence
from servers.journal import Journal

NAMESPACE = "/test"
#: The room of those who want to be told of others that were found to be gone. No text, so that
#: nobody can name it.
WATCHERS = object()
#: For one client, and in characters: each answer names all of its rooms.
MOST_ROOMS = 20
LONGEST_ROOM = 64


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
    _add_refusal(socketio)
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
        room = _room(message)
        # Everybody is in a room of one's own, named by the session id: what is sent to one alone.
        if socketio.server.manager.is_connected(room, NAMESPACE):
            raise ValueError("this room is somebody's own")
        if len(_own_rooms()) >= MOST_ROOMS:
            raise ValueError(f"a client can be in {MOST_ROOMS} rooms")
        join_room(room)
        emit("my rooms", {"rooms": _own_rooms()})

    @socketio.on("leave", namespace=NAMESPACE)
    def leave(message: dict[str, Any]) -> None:
        room = _room(message)
        if room not in _own_rooms():
            raise ValueError("not in this room")
        leave_room(room)
        emit("my rooms", {"rooms": _own_rooms()})

    @socketio.on("my room event", namespace=NAMESPACE)
    def to_room(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]}, to=_room(message))


def _room(message: dict[str, Any]) -> str:
    """The room that a message names.

    Raises:
        ValueError: it is no name of a room.
    """
    room = message["room"]
    if not (isinstance(room, str) and 0 < len(room) <= LONGEST_ROOM):
        raise ValueError(f"a room is a text of 1 to {LONGEST_ROOM} characters")
    return room


def _own_rooms() -> list[str]:
    """The rooms that the client has joined."""
    return sorted(room for room in rooms() if room not in (_sid(), WATCHERS))


def _add_coming_and_going(socketio: SocketIO, journal: Journal | None) -> None:
    def is_sent_by_client() -> bool:
        """Whether the event comes from the client and not from the library.

        python-socketio (5.18) passes on what a client calls "connect" or "disconnect". In the
        library's own, the client is not connected yet, or no longer.
        """
        connected: bool = socketio.server.manager.is_connected(_sid(), NAMESPACE)
        return connected

    @socketio.on("connect", namespace=NAMESPACE)
    def connected() -> None:
        if is_sent_by_client():
            return
        if journal is not None:
            transport = socketio.server.transport(_sid(), NAMESPACE)
            journal.connected(_sid(), transport, time.monotonic_ns())
        emit("my response", {"data": "Connected"})

    @socketio.on("my ping", namespace=NAMESPACE)
    def pinged() -> dict[str, str]:
        # What is returned is the acknowledgement, by which the page knows the round trip.
        transport = socketio.server.transport(_sid(), NAMESPACE)
        presence.heard(request.environ, transport, time.monotonic_ns())
        return {"transport": transport}

    @socketio.on("watch", namespace=NAMESPACE)
    def watch() -> None:
        join_room(WATCHERS)

    @socketio.on("disconnect", namespace=NAMESPACE)
    def disconnected(reason: str) -> None:
        now_ns = time.monotonic_ns()  # before anything else: this is the moment of detection
        if is_sent_by_client():
            return
        if journal is not None:
            journal.disconnected(_sid(), reason, now_ns)
        # In one write: under threads several handlers print at the same time.
        print("Client disconnected\n", end="", flush=True)
        absence = presence.gone(request.environ, _sid(), reason, now_ns)
        if absence is not None:
            # Not from here: an emit to a watcher that is silent itself runs that one's handler
            # (engineio.socket.Socket.check_ping_timeout, 4.15), and so on, one inside the other.
            socketio.start_background_task(
                socketio.emit, "gone", asdict(absence), namespace=NAMESPACE, to=WATCHERS
            )


def _add_refusal(socketio: SocketIO) -> None:
    @socketio.on_error_default
    def refused(error: Exception) -> dict[str, str]:
        """Tell the sender of a message that nobody can read, instead of the log."""
        if not isinstance(error, (KeyError, TypeError, ValueError)):
            raise error
        answer = {"error": f"{request.event['message']}: {error}"[:200]}  # type: ignore[attr-defined]
        emit("my error", answer)
        return answer


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]  # Flask-SocketIO adds it
    return sid
