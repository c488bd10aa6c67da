"""An application that says in its code how it is served."""

from __future__ import annotations

from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")
