"""The application of the folder that this runs in, with a busy spin before each echo.

What an echo costs more is the spin and some ten microseconds for carrying it out.

``python server.py WEBSOCKET,POLLING MODE OPTIONS...``, both in microseconds of CPU time.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from servers.__main__ import main

NAMESPACE = "/test"


def slower(app, socketio, websocket_us, polling_us):
    """Compute for so long before an echo is answered, by the transport that it came over."""
    from flask import request
    from flask_socketio import emit

    costs_ns = {"websocket": 1000 * websocket_us, "polling": 1000 * polling_us}

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        end_ns = time.thread_time_ns() + costs_ns[socketio.server.transport(request.sid, NAMESPACE)]
        while time.thread_time_ns() < end_ns:
            pass
        emit("my response", {"data": message["data"]})


if __name__ == "__main__":
    costs = [int(each) for each in sys.argv[1].split(",")]
    main(sys.argv[2:], customise=lambda app, socketio: slower(app, socketio, *costs))
