"""How the application under test speaks: its namespace and its events (servers/app.py)."""

from __future__ import annotations

NAMESPACE = "/test"
#: Where somebody else's application has the same events, beside its own (servers/elsewhere.py).
BESIDE_NAMESPACE = "/transport-bench"
ECHO_EVENT = "my event"
BROADCAST_EVENT = "my broadcast event"
RESPONSE_EVENT = "my response"
#: Of the application under test alone: orders for work and for emits, what is emitted then, and
#: messages to those in a room.
WORK_EVENT = "my work"
EMITS_EVENT, EMITTED_EVENT = "my emits", "my emitted"
JOIN_EVENT, LEAVE_EVENT, ROOM_EVENT = "join", "leave", "my room event"
