"""gunicorn with threads: ``gunicorn -w 1 --threads 1000 --worker-connections 2000``.

Each WebSocket client and each waiting GET of a long-polling one occupies a thread, so there are
more of them than Flask-SocketIO's documentation names (100), or clients beyond that would wait for
each other. Connections that wait between two requests need no thread, but room beside the threads
(gunicorn.workers.gthread, ``max_keepalived``): with none, every long-polling response would close
its own.
"""

from __future__ import annotations

from .. import under_gunicorn
from . import Application, Mode

_THREADS = 1000
_CONNECTIONS = 2 * _THREADS

MODE = Mode(
    name="gunicorn-threads",
    async_mode="threading",
    patched=False,
    websocket="simple-websocket",
    packages=("gunicorn", "simple-websocket"),
    most_connections=_THREADS,
)


def patch() -> None:
    """Patch nothing."""
    import gunicorn  # noqa: F401  # asked for here so that its absence is one clear line


def serve(application: Application, host: str, port: int) -> None:
    """Serve with one worker that has a thread for each connection."""
    under_gunicorn.run(
        application,
        host,
        port,
        worker_class="gthread",
        threads=_THREADS,
        worker_connections=_CONNECTIONS,
    )
