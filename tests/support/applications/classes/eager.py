"""An application that serves itself as soon as it is imported."""

from __future__ import annotations

from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)
socketio.run(app, port=0)
