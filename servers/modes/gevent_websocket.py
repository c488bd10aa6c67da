"""``socketio.run(app)`` on gevent's pywsgi with the WebSocket handler of gevent-websocket.

Flask-SocketIO chooses it by itself where the package is importable (flask_socketio.SocketIO.run,
5.7). Its last release is of 2017 (0.10.1). Long-polling is plain pywsgi's, as in the mode gevent.
"""

from __future__ import annotations

from . import Application, Mode

MODE = Mode(
    name="gevent-websocket",
    async_mode="gevent",
    patched=True,
    websocket="gevent-websocket",
    packages=("gevent-websocket", "gevent"),
)


def patch() -> None:
    """Make sockets, threads and sleeps cooperative."""
    import geventwebsocket  # noqa: F401  # asked for here so that its absence is one clear line
    from gevent import monkey

    monkey.patch_all()


def serve(application: Application, host: str, port: int) -> None:
    """Serve as Flask-SocketIO does, with no line per request (its default)."""
    app, socketio = application()
    socketio.run(app, host=host, port=port)
