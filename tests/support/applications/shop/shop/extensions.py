"""What the parts of the shop share."""

from __future__ import annotations

from flask_socketio import SocketIO

socketio = SocketIO()
