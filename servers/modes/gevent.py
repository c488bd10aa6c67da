"""``socketio.run(app)`` on gevent's greenlets and pywsgi.

The WebSocket implementation is simple-websocket, unless the package gevent-websocket happens to be
importable: then Flask-SocketIO takes that without asking. The READY line says which it was.

pywsgi writes the head and the body of a response separately and leaves Nagle's algorithm on, so a
long-polling client that keeps its connection waits for its own delayed acknowledgement (40 ms on
Linux) in every response. That is how ``socketio.run`` serves, so it is measured as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.modes import Mode

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIO

MODE = Mode(name="gevent", async_mode="gevent", patched=True, package="gevent")


def patch() -> None:
    """Make sockets, threads and sleeps cooperative."""
    from gevent import monkey

    monkey.patch_all()


def serve(app: Flask, socketio: SocketIO, host: str, port: int) -> None:
    """Serve as Flask-SocketIO does, with no line per request (its default)."""
    socketio.run(app, host=host, port=port)
