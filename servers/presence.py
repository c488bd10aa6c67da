"""When the server last heard from each page, so that it can say how long it did not notice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Presence:
    """Who is there, of those that report; the demo page does, once a second."""

    _last: dict[str, tuple[str, int]] = field(default_factory=dict)

    def heard(self, sid: str, transport: str, at_ns: int) -> None:
        """A client has reported, over a transport."""
        self._last[sid] = (transport, at_ns)

    def gone(self, sid: str, reason: str, at_ns: int) -> dict[str, Any] | None:
        """Its disconnect handler runs.

        Returns:
            What is to be told of it, with ``silent_s``, the seconds since it last reported; None
            for a client that never did.
        """
        transport, last_ns = self._last.pop(sid, ("", at_ns))
        if not transport:
            return None
        silent_s = (at_ns - last_ns) / 1e9
        return {"sid": sid, "transport": transport, "reason": reason, "silent_s": silent_s}
