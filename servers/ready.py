"""The READY line: what really runs, asked of the running process and not of its arguments."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from . import proof

PACKAGES = (
    "flask",
    "flask-socketio",
    "python-socketio",
    "python-engineio",
    "werkzeug",
    "simple-websocket",
    "wsproto",
    "eventlet",
    "gevent",
    "gevent-websocket",
    "greenlet",
    "gunicorn",
    "uwsgi",
)


def describe(app: Flask, socketio: SocketIO, mode: str, host: str, port: int) -> dict[str, Any]:
    """Everything that a harness must verify before it measures, as JSON-ready values.

    ``ping_interval`` and ``ping_timeout`` are in seconds; ``versions`` holds installed packages,
    ``packages`` stands for every one that there is, and ``prefix`` is the environment that has
    them (``sys.executable`` would be uWSGI where that serves). ``path`` is Engine.IO's.
    """
    eio = socketio.server.eio
    return {
        "ready": True,
        "mode": mode,
        "host": host,
        "port": port,
        "pid": os.getpid(),
        "async_mode": socketio.async_mode,
        "websocket": websocket_implementation(eio),
        "compression": compresses(eio),
        "patched": is_patched(),
        "debug": app.debug,
        "ping_interval": eio.ping_interval,
        "ping_timeout": eio.ping_timeout,
        "versions": {"python": platform.python_version(), **_versions()},
        "source": proof.source(),
        "packages": proof.packages(),
        "prefix": sys.prefix,
        "path": f"/{socketio.sockio_mw.engineio_path.strip('/')}",
    }


def websocket_implementation(eio: Any) -> str | None:
    """The package behind python-engineio's WebSocket class; None where it has none."""
    cls = eio._async["websocket"]
    if cls is None:
        return None
    ancestry = {base.__module__ for base in cls.__mro__}
    if "engineio.async_drivers._websocket_wsgi" in ancestry:
        return "simple-websocket"
    if "eventlet.websocket" in ancestry:
        return "eventlet"
    if "engineio.async_drivers.gevent_uwsgi" in ancestry:
        return "uwsgi"
    return "gevent-websocket"


def compresses(eio: Any) -> bool | None:
    """Whether the WebSocket agrees to compress messages (RFC 7692); None where there is none.

    None of them can be told to. simple-websocket always accepts (``Base._handle_events``, 1.1), and
    so does eventlet (``WebSocketWSGI._negotiate_permessage_deflate``, 0.41); gevent-websocket and
    uWSGI know no extension.
    """
    implementation = websocket_implementation(eio)
    return None if implementation is None else implementation in ("simple-websocket", "eventlet")


def is_patched() -> bool:
    """Whether gevent or eventlet has replaced the standard library's sockets."""
    if "gevent.monkey" in sys.modules and sys.modules["gevent.monkey"].is_module_patched("socket"):
        return True
    patcher = sys.modules.get("eventlet.patcher")
    return patcher is not None and patcher.is_monkey_patched("socket")


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
