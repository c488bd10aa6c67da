"""The application under test: the echo and broadcast server that every mode serves.

The events are those of Miguel Grinberg's article "Easy WebSockets with Flask and Gevent"
(http://blog.miguelgrinberg.com/post/easy-websockets-with-flask-and-gevent), in today's API, and
the rooms that its first update tells of.
"""

from __future__ import annotations

import secrets
import time
import traceback
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import flask_socketio
from flask import Flask, request
from flask_socketio import SocketIO, emit, join_room, leave_room, rooms, send

from . import pages, presence, work
from .journal import Journal

NAMESPACE = "/test"
#: The room of those who want to be told of others that were found to be gone. No text, so that no
#: client can name it.
WATCHERS = 1
#: For one client, and in characters: each answer names all of its rooms.
MOST_ROOMS = 20
LONGEST_ROOM = 64


class Refused(Exception):
    """A message asks for what is not to be had; in words for its sender."""


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
    add_events(socketio, NAMESPACE, journal)
    _add_special(socketio)
    _add_refusal(socketio)
    return app, socketio


def add_events(
    socketio: SocketIO,
    namespace: str,
    journal: Journal | None = None,
    *,
    says_who_goes: bool = True,
) -> None:
    """Have a namespace take all events that scenarios know.

    Args:
        socketio: of this application, or of somebody else's.
        namespace: where.
        journal: see ``create_app``.
        says_who_goes: whether a line is printed for each client that goes.
    """
    _add_messages(socketio, namespace)
    _add_rooms(socketio, namespace)
    work.add(socketio, namespace)
    _add_coming_and_going(socketio, namespace, journal, says_who_goes=says_who_goes)


def _add_messages(socketio: SocketIO, namespace: str) -> None:
    @socketio.on("my event", namespace=namespace)
    def echo(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]})

    @socketio.on("my broadcast event", namespace=namespace)
    def broadcast(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]}, broadcast=True)


def _add_special(socketio: SocketIO) -> None:
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


def _add_rooms(socketio: SocketIO, namespace: str) -> None:
    @socketio.on("join", namespace=namespace)
    def join(message: dict[str, Any]) -> None:
        room = _room(message)
        # Everybody is in a room of one's own, named by the session id: what is sent to one alone.
        if socketio.server.manager.is_sid_room(namespace, room):
            raise Refused("this room is somebody's own")
        if len(_own_rooms()) >= MOST_ROOMS:
            raise Refused(f"a client can be in {MOST_ROOMS} rooms")
        join_room(room)
        emit("my rooms", {"rooms": _own_rooms()})

    @socketio.on("leave", namespace=namespace)
    def leave(message: dict[str, Any]) -> None:
        room = _room(message)
        if room not in _own_rooms():
            raise Refused("not in this room")
        leave_room(room)
        emit("my rooms", {"rooms": _own_rooms()})

    @socketio.on("my room event", namespace=namespace)
    def to_room(message: dict[str, Any]) -> None:
        emit("my response", {"data": message["data"]}, to=_room(message))


def _room(message: dict[str, Any]) -> str:
    """The room that a message names.

    Raises:
        Refused: it is no name of a room.
    """
    room = message["room"]
    if not (isinstance(room, str) and 0 < len(room) <= LONGEST_ROOM):
        raise Refused(f"a room is a text of 1 to {LONGEST_ROOM} characters")
    return room


def _own_rooms() -> list[str]:
    """The rooms that the client has joined."""
    return sorted(room for room in rooms() if room not in (_sid(), WATCHERS))


def _add_coming_and_going(
    socketio: SocketIO, namespace: str, journal: Journal | None, *, says_who_goes: bool
) -> None:
    # python-socketio (5.18) passes on what a client calls "connect" or "disconnect".
    @socketio.on("connect", namespace=namespace)
    def connected() -> None:
        given = request.event["args"]  # type: ignore[attr-defined]  # Flask-SocketIO adds it
        if not given or given[0] is not request.environ:  # the library gives that, a client cannot
            return
        if journal is not None:
            transport = socketio.server.transport(_sid(), namespace)
            journal.connected(_sid(), transport, time.monotonic_ns())
        emit("my response", {"data": "Connected"})

    @socketio.on("my ping", namespace=namespace)
    def pinged() -> dict[str, str]:
        # What is returned is the acknowledgement, by which the page knows the round trip.
        try:
            transport = socketio.server.transport(_sid(), namespace)
        except KeyError:  # it has gone since
            return {}
        presence.heard(request.environ, _sid(), transport, time.monotonic_ns())
        return {"transport": transport}

    @socketio.on("watch", namespace=namespace)
    def watch() -> None:
        join_room(WATCHERS)

    @socketio.on("disconnect", namespace=namespace)
    def disconnected(reason: str = "") -> None:
        now_ns = time.monotonic_ns()  # before anything else: this is the moment of detection
        # Only while the client really goes does the manager not count it as connected any more.
        if socketio.server.manager.is_connected(_sid(), namespace):
            return
        if journal is not None:
            journal.disconnected(_sid(), reason, now_ns)
        # In one write: under threads several handlers print at the same time.
        if says_who_goes:
            with suppress(OSError):  # nobody reads, or the disk is full: no reason to serve less
                print("Client disconnected\n", end="", flush=True)
        absence = presence.gone(request.environ, _sid(), reason, now_ns)
        if absence is not None:
            # Not from here: an emit to a watcher that is silent itself runs that one's handler
            # (engineio.socket.Socket.check_ping_timeout, 4.15), and so on, one inside the other.
            socketio.start_background_task(
                socketio.emit, "gone", asdict(absence), namespace=namespace, to=WATCHERS
            )


def _add_refusal(socketio: SocketIO) -> None:
    @socketio.on_error_default
    def refused(error: Exception) -> dict[str, str]:
        """Tell the sender of a message that nobody can read, instead of the log."""
        event = request.event["message"]  # type: ignore[attr-defined]  # Flask-SocketIO adds it
        if event in ("connect", "disconnect") or not _is_of_the_message(error):
            raise error
        why = str(error) if isinstance(error, Refused) else "this is not what it takes"
        answer = {"error": f"{event}: {why}"}
        emit("my error", answer)
        return answer


def _is_of_the_message(error: Exception) -> bool:
    """Whether an error comes from reading a message, or calling a handler with it.

    Others of the same types, from deeper down, are faults of a library or ours.
    """
    if not isinstance(error, (Refused, KeyError, TypeError)):
        return False
    *_, deepest = traceback.walk_tb(error.__traceback__)
    return deepest[0].f_code.co_filename in (__file__, work.__file__, flask_socketio.__file__)


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]  # Flask-SocketIO adds it
    return sid
