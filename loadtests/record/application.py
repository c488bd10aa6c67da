"""How the application under test speaks: its namespace and its events (servers/app.py)."""

from __future__ import annotations

NAMESPACE = "/test"
ECHO_EVENT = "my event"
BROADCAST_EVENT = "my broadcast event"
RESPONSE_EVENT = "my response"
