"""``socketio.run(app)`` on plain threads and Werkzeug's server: "plain Flask".

Werkzeug answers ``Connection: close`` to every request (werkzeug.serving, WSGIRequestHandler), so
each long-polling request costs a connection and a thread. WebSocket comes from simple-websocket;
without that package this mode would speak long-polling only.
"""

from __future__ import annotations

import logging

from . import Application, Mode

MODE = Mode(
    name="threading",
    async_mode="threading",
    patched=False,
    websocket="simple-websocket",
    packages=("simple-websocket",),
)


def patch() -> None:
    """Patch nothing: threads are what the standard library has."""
    import simple_websocket  # noqa: F401  # asked for here so that its absence is one clear line


def serve(application: Application, host: str, port: int) -> None:
    """Serve as Flask-SocketIO does, less Werkzeug's line per request.

    The two other modes write none by default, and Flask-SocketIO's ``log_output`` does not reach
    Werkzeug: the comparison is to be of servers, not of logging.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Without a terminal on standard input Flask-SocketIO refuses Werkzeug as unfit for production.
    # Measuring it is the point here.
    app, socketio = application()
    socketio.run(app, host=host, port=port, allow_unsafe_werkzeug=True)
