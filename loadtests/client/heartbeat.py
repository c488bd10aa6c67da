"""Giving up a server that is silent, as the official clients do.

A server pings every ``pingInterval``; a client that has heard nothing for that and ``pingTimeout``
closes its connection with the reason "ping timeout" (engine.io-client, Socket._resetPingTimeout).
Without that a server that hangs looks like one that has nothing to say.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import gevent

if TYPE_CHECKING:
    from loadtests.client.hearing import Hearing

#: A timer that rings so much too late says that this process did not run.
_LATE_NS = 200_000_000

#: A shorter interval than this cannot be announced by python-engineio.
_LEAST_INTERVAL_MS = 1000
#: A year: whoever announces more is taken at that.
_MOST_MS = 365 * 86_400_000

#: How often it is looked whether this process runs.
_LOOK_S = 0.5
#: A server that has heard nothing hangs up within about this time of what it hears next.
_RECENT_NS = 10_000_000_000

_monotonic_ns = time.monotonic_ns


class Vigil:
    """Watches over what a session hears, and ends it.

    It is woken once an interval and not set anew by each packet, so it costs nothing to speak of.

    Args:
        session: has just heard the handshake.
        interval_ms, timeout_ms: as the server has announced them there.
    """

    __slots__ = ("_due_ns", "_interval_ms", "_patience_ns", "_session", "_timeout_ms", "_timer")

    def __init__(self, session: Hearing, interval_ms: float, timeout_ms: float) -> None:
        self._session = session
        self._interval_ms = interval_ms
        self._timeout_ms = timeout_ms
        # python-engineio announces whole seconds: of half a second, none (int(ping_interval)).
        patience_ms = max(interval_ms, _LEAST_INTERVAL_MS) + timeout_ms
        self._patience_ns = round(min(patience_ms, _MOST_MS) * 1e6)
        self._due_ns = 0
        self._timer: Any = None
        self._wait(self._patience_ns)

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _wait(self, left_ns: int) -> None:
        self._due_ns = _monotonic_ns() + left_ns
        self._timer = gevent.get_hub().loop.timer(left_ns / 1e9)
        self._timer.start(self._look)

    def _look(self) -> None:
        self.stop()
        now_ns = _monotonic_ns()
        left_ns = self._session.heard_ns + self._patience_ns - now_ns
        if left_ns > 0:
            self._wait(left_ns)
        elif now_ns - self._due_ns > _LATE_NS:
            # It was this process that was away or busy: what has arrived is to be read first.
            self._wait(_LATE_NS)
        else:
            self._session.give_up(
                "no heartbeat: nothing came from the server for as long as it announced (a ping "
                f"every {self._interval_ms / 1000:g} s, {self._timeout_ms / 1000:g} s of patience) "
                "and this client hung up, as browsers do"
            )


class Standstill:
    """When this process last stood still: a server that gave it up for that is not to blame.

    A timer of the loop looks at the clock twice a second; what keeps the loop from turning, a stop
    of the process among it, keeps the timer too.
    """

    def __init__(self) -> None:
        self._timer: Any = None
        self._looked_ns = 0
        self._length_ns = 0
        self._over_ns = 0

    def watch(self) -> None:
        """From now on, and for good; the loop may end all the same."""
        if self._timer is None:
            self._looked_ns = _monotonic_ns()
            self._timer = gevent.get_hub().loop.timer(_LOOK_S, _LOOK_S, ref=False)
            self._timer.start(self._look)

    def recent_ns(self, now_ns: int) -> int:
        """How long it stood still, if that was over a short while ago or is so now."""
        if self._timer is None:
            return 0
        self._note(now_ns)  # what has arrived may be read before the timer rings
        return self._length_ns if now_ns - self._over_ns < _RECENT_NS else 0

    def _look(self) -> None:
        now_ns = _monotonic_ns()
        self._note(now_ns)
        self._looked_ns = now_ns

    def _note(self, now_ns: int) -> None:
        still_ns = now_ns - self._looked_ns
        if still_ns > _LOOK_S * 1e9 + _LATE_NS:
            self._length_ns, self._over_ns = still_ns, now_ns


#: The process's own.
standstill = Standstill()
