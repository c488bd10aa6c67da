"""The front door: ``transport-bench``, one command for what the three rooms do.

It says who is asked, and knows nothing of how: each command belongs to a room, and only that room
is loaded. No room knows of the door.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

#: As it is called.
PROGRAM = "transport-bench"

_HERE = Path(__file__).resolve().parent
#: The folder with ``servers``, ``loadtests`` and ``reports``. A wheel has them in here, since
#: nothing that is called ``reports`` may lie about in somebody's site-packages; a checkout beside.
ROOMS = _HERE / "rooms" if (_HERE / "rooms").is_dir() else _HERE.parent


def probe(socketio: Any) -> None:
    """Give an application, beside its own namespaces, the events that every scenario knows.

    For a server that is started as it always is: ``transport-bench run EXPERIMENT --url URL
    --namespace /transport-bench`` measures it then. Whoever connects may load it, so this is for
    servers that nobody else reaches.

    Args:
        socketio: its ``flask_socketio.SocketIO``, with an application or before it has one.

    Raises:
        TypeError: that is something else.
    """
    if not all(hasattr(socketio, name) for name in ("on", "on_namespace", "init_app")):
        raise TypeError(f"probe() wants the application's SocketIO, not {type(socketio).__name__}")
    # By its path: who has this package need not have names like "servers" on the import path.
    place = ROOMS / "servers" / "elsewhere.py"
    spec = importlib.util.spec_from_file_location("_transport_bench_elsewhere", place)
    assert spec is not None
    assert spec.loader is not None
    elsewhere = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(elsewhere)
    elsewhere.add_beside(socketio)
