"""When the server last heard from a page, so that it can say how long it did not notice its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: In the WSGI environment of the client's handshake, which goes with its connection.
_REPORT = "transport_bench.report"


@dataclass(frozen=True, slots=True)
class Absence:
    """What is to be told of a client that has gone.

    Attributes:
        sid: its session id in the namespace.
        transport: that of its last report.
        reason: what the disconnect handler was given.
        silent_s: how long before that it had last reported.
    """

    sid: str
    transport: str
    reason: str
    silent_s: float


def heard(environ: dict[str, Any], sid: str, transport: str, at_ns: int) -> None:
    """The client has reported, over a transport; the demo page does once a second."""
    environ[_REPORT] = (sid, transport, at_ns)


def gone(environ: dict[str, Any], sid: str, reason: str, at_ns: int) -> Absence | None:
    """Its disconnect handler runs; None for a client that never reported."""
    reporter, transport, last_ns = environ.pop(_REPORT, (None, "", 0))
    if reporter != sid:  # a connection can join the namespace more than once
        return None
    return Absence(sid, transport, reason, (at_ns - last_ns) / 1e9)
