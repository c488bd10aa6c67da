"""``socketio.run(app)`` on eventlet's green threads and its WSGI server.

eventlet warns at import that it is being retired and advises against new projects. The warning is
left to stand in the log: whoever chooses a mode by these numbers should meet it. Its WebSocket
implementation is its own; simple-websocket plays no part here.
"""

from __future__ import annotations

from . import Application, Mode

MODE = Mode(
    name="eventlet",
    async_mode="eventlet",
    patched=True,
    websocket="eventlet",
    packages=("eventlet",),
    most_connections=1024,  # eventlet.wsgi.DEFAULT_MAX_SIMULTANEOUS_REQUESTS (0.41)
)


def patch() -> None:
    """Make sockets, threads and sleeps green."""
    import eventlet

    eventlet.monkey_patch()


def serve(application: Application, host: str, port: int) -> None:
    """Serve as Flask-SocketIO does, with no line per request (its default)."""
    app, socketio = application()
    socketio.run(app, host=host, port=port)
