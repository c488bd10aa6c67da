"""``python -P python_clients.py CONFIG``: python-socketio's Clients, each in its threads.

CONFIG is JSON: ``url``, ``namespace``, ``transport``, ``offsets_s`` (when each client connects,
from the READY line on) and ``events``, the file that gets a JSON line for each connect, disconnect,
first connect that failed and exception that ended a thread. The standard library is not patched,
and nothing is set but the transport: this is what a user of the library has who read its first
page. A file of its own, run as a script, so that nothing of ours is loaded beside it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import time
from functools import partial
from importlib import metadata
from typing import Any

import socketio

PACKAGES = ("python-socketio", "python-engineio", "websocket-client", "requests")

#: For the first connect only; the library's 1 s is too short where all clients come at once.
#: When it connects again by itself, it uses its own default (socketio.Client._handle_reconnect).
_FIRST_CONNECT_S = 10


class Notes:
    """A file of events; each line is one unbuffered write, so that a reader sees it at once."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, client: int | None, event: str, reason: str | None = None) -> None:
        """Note what happened to a client, now."""
        at_ns = time.monotonic_ns()  # before anything else
        entry = {"client": client, "event": event, "at_ns": at_ns, "reason": reason}
        os.write(self._fd, json.dumps(entry).encode() + b"\n")

    def crashed(self, crash: threading.ExceptHookArgs) -> None:
        """Note an exception that ended a thread; for ``threading.excepthook``."""
        where = crash.thread.name if crash.thread is not None else "a thread"
        what = f"{crash.exc_type.__name__}: {crash.exc_value} in {where}"
        self.write(None, "crash", what)
        threading.__excepthook__(crash)


def join(number: int, config: dict[str, Any], notes: Notes, begin: float) -> None:
    """Connect one client when it is due; from then on it lives in the library's own threads."""
    client = socketio.Client(handle_sigint=False)
    namespace = config["namespace"]
    client.on("connect", partial(notes.write, number, "connect"), namespace=namespace)
    client.on("disconnect", partial(notes.write, number, "disconnect"), namespace=namespace)
    time.sleep(max(0.0, begin + config["offsets_s"][number] - time.monotonic()))
    try:
        client.connect(
            config["url"],
            transports=[config["transport"]],
            namespaces=[namespace],
            socketio_path=config["path"],
            wait_timeout=_FIRST_CONNECT_S,
        )
    except socketio.exceptions.ConnectionError as error:
        notes.write(number, "failed", str(error))


def main() -> None:
    """Connect all, then stay until killed."""
    config = json.loads(sys.argv[1])
    notes = Notes(config["events"])
    threading.excepthook = notes.crashed
    versions = {name: metadata.version(name) for name in PACKAGES}
    versions["python"] = platform.python_version()
    ready = {"ready": True, "at_ns": time.monotonic_ns(), "versions": versions}
    print(json.dumps(ready), flush=True)
    begin = time.monotonic()
    for number in range(len(config["offsets_s"])):
        threading.Thread(target=join, args=(number, config, notes, begin), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
