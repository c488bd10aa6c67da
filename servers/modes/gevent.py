"""``socketio.run(app)`` on gevent's greenlets and pywsgi.

The WebSocket implementation is simple-websocket. Flask-SocketIO and python-engineio would take
gevent-websocket without asking where it is importable; here it is hidden from them, and what they
do with it is a mode of its own (gevent_websocket.py).

pywsgi writes the head and the body of a response separately and leaves Nagle's algorithm on, so a
long-polling client that keeps its connection waits for its own delayed acknowledgement (40 ms on
Linux) in every response. That is how ``socketio.run`` serves, so it is measured as it is.
"""

from __future__ import annotations

import sys

from . import Application, Mode

MODE = Mode(
    name="gevent",
    async_mode="gevent",
    patched=True,
    websocket="simple-websocket",
    packages=("gevent", "simple-websocket"),
)


def patch() -> None:
    """Make sockets, threads and sleeps cooperative."""
    from gevent import monkey

    monkey.patch_all()
    hide_gevent_websocket()


def hide_gevent_websocket() -> None:
    """Have an import of it fail in this process, as where it is not installed."""
    sys.modules["geventwebsocket"] = None  # type: ignore[assignment]  # importlib's way to say so


def serve(application: Application, host: str, port: int) -> None:
    """Serve as Flask-SocketIO does, with no line per request (its default)."""
    app, socketio = application()
    socketio.run(app, host=host, port=port)
