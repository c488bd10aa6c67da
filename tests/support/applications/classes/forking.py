"""An application that starts a process of its own, and prints without an end of line."""

from __future__ import annotations

import multiprocessing
import sys
import time

from flask import Flask
from flask_socketio import SocketIO

print("loading", end="")
worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,))
worker.start()
print(f" with worker {worker.pid}", end="", file=sys.stderr, flush=True)

app = Flask(__name__)
socketio = SocketIO(app)
