"""gunicorn with its gevent worker: ``gunicorn -k gevent -w 1``, which the article names.

One worker, since Socket.IO's long-polling needs every request of a client in the same process.
WebSocket comes from simple-websocket: with gevent-websocket importable python-engineio would ask
for that package's own worker, and every handshake on this one would fail, so it is hidden.

The worker serves with gunicorn's own HTTP code, not with pywsgi, so that long-polling has none of
the 40 ms of the mode gevent.

gunicorn has no eventlet worker any more (since 26).
"""

from __future__ import annotations

from .. import under_gunicorn
from . import Application, Mode
from .gevent import hide_gevent_websocket

MODE = Mode(
    name="gunicorn-gevent",
    async_mode="gevent",
    patched=True,
    websocket="simple-websocket",
    # Its worker imports packaging (gunicorn.workers.ggevent, 27), and only gunicorn[gevent] asks
    # for that.
    packages=("gunicorn", "gevent", "packaging", "simple-websocket"),
    most_connections=1000,  # gunicorn's worker_connections
)


def patch() -> None:
    """Patch nothing: gunicorn's worker does, in its own process."""
    import gunicorn  # noqa: F401  # asked for here so that its absence is one clear line

    hide_gevent_websocket()


def serve(application: Application, host: str, port: int) -> None:
    """Serve with one worker that has a greenlet for each connection."""
    under_gunicorn.run(application, host, port, worker_class="gevent")
