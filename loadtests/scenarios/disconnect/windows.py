"""When a client that went away is to be noticed, by python-engineio's own rules.

Read from the sources of python-engineio 4.15 (``engineio.socket``, ``engineio.server``, its
``async_drivers``), simple-websocket 1.1, gevent-websocket 0.10, eventlet 0.41 and uWSGI 2.0.31;
held against the library's own code in virtual time by
``tests/unit/scenarios/disconnect/test_windows_by_the_library.py``, but for uWSGI, which is no
Python. Pure.

The rule, with I for the ping interval and T for the ping timeout, from the client's last answered
heartbeat (or its connecting) on:

1. A ping goes out I after it (``Socket.schedule_ping``, ``Socket._send_ping``), one and no more:
   the next is scheduled by the answer (``Socket.receive``).
2. More than T after that ping the client is too old (``Socket.check_ping_timeout``). Nothing
   happens by itself then: somebody has to look.
3. One who looks is a scan over all sockets (``Server._service_task``) that takes T for a round.
   Another is every send to this client (``Socket.send``).
4. A WebSocket whose object shows its socket has a read timeout of I + T
   (``Socket._websocket_handler``): eventlet's does.
5. A WebSocket whose connection ends is noticed at once (the same place). The end of a long-polling
   client's connections is not looked at: to the server, such a client is silent.
6. uWSGI has a heartbeat of its own over WebSocket (``core/websockets.c``,
   ``uwsgi_websockets_check_pingpong``): whichever of the two is the first ends the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from loadtests.record.results import Window
from loadtests.record.words import Cause, Transport

#: What a loaded machine may add or take: a timer that fires late, a ping on its way, and a
#: departure that is timed by another process than the one that notices it.
TOLERANCE_S = 0.25

#: A wait of the scan ends at most so late on an idle machine: gevent's and eventlet's loops wait
#: in whole milliseconds (epoll_wait), and a round is as many waits as there are sockets. Measured:
#: 0.1 to 0.7 ms per wait, 0.25 s in a round of 5 s with 1,000 sockets.
WAIT_LATE_S = 0.001

#: From the order to close a tab until its WebSocket ends, at most, on an idle machine. Measured
#: with Chromium 156: 0.02 to 0.17 s, ten tabs within a second.
TAB_CLOSES_S = 0.25

# engineio.base_server.BaseServer.reason (4.15)
CLIENT_DISCONNECT = "client disconnect"
PING_TIMEOUT = "ping timeout"
TRANSPORT_CLOSE = "transport close"
TRANSPORT_ERROR = "transport error"

#: After these the kernel (or the browser) ends the client's connections.
_ENDS_CONNECTIONS = frozenset({Cause.KILL, Cause.RESET, Cause.TAB})

#: The WebSocket whose object has the attribute ``socket``, with ``settimeout``
#: (``eventlet.websocket.WebSocket``, 0.41). Those of simple-websocket and gevent-websocket show
#: python-engineio nothing that has it.
_HAS_READ_TIMEOUT = "eventlet"

_UWSGI = "uwsgi"
#: Its ``websockets-ping-freq`` and ``websockets-pong-tolerance``. It counts whole clock seconds,
#: so that an interval ends up to a second early, and a tolerance, which must be exceeded, late.
_UWSGI_PING_S = 30.0
_UWSGI_PONG_S = 3.0
#: It looks when python-engineio asks it for messages, which is so often at least
#: (``engineio.async_drivers.gevent_uwsgi.uWSGIWebSocket.wait``, 4.15).
_UWSGI_LOOK_S = 3.0
#: From an answer to uWSGI's ping until the client that went right after it is given up.
_UWSGI_LATEST_S = _UWSGI_PING_S + _UWSGI_LOOK_S + _UWSGI_PONG_S + 1 + _UWSGI_LOOK_S


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides when a departure is to be noticed, but for the client's own phase.

    Attributes:
        transport: of the client that goes.
        cause: how it goes.
        ping_interval_s, ping_timeout_s: of the server.
        websocket: the server's WebSocket implementation, as in its READY line:
            ``simple-websocket``, ``eventlet``, ``gevent-websocket`` or ``uwsgi``.
        connections: how many clients are connected at first.
        leaving: how many of them go in the trial, this one included.
        sent_every_s: the server sends something to this client so often; None: heartbeats only.
    """

    transport: Transport
    cause: Cause
    ping_interval_s: float
    ping_timeout_s: float
    websocket: str
    connections: int
    leaving: int
    sent_every_s: float | None = None


def window(situation: Situation) -> Window:
    """When a client is to be noticed that goes at any phase of its heartbeat.

    Earliest is the one that goes just before its ping is due; latest is the one that goes just
    after it has answered one.
    """
    before_ping = window_at(situation, situation.ping_interval_s)
    after_pong = window_at(situation, 0.0)
    return Window(before_ping.earliest_s, after_pong.latest_s, after_pong.reasons)


def window_at(situation: Situation, silent_s: float) -> Window:
    """When a client is to be noticed whose phase is known.

    Args:
        situation: all the rest.
        silent_s: how long before it went it had answered its last heartbeat, or connected. More
            than the interval where a ping had been sent that it did not live to answer.

    Returns:
        In seconds from when it went; by the rules alone, without ``TOLERANCE_S``.
    """
    over_websocket = situation.transport is Transport.WEBSOCKET
    under_uwsgi = over_websocket and situation.websocket == _UWSGI
    if situation.cause is Cause.CLOSE:
        # Engine.IO's CLOSE: engineio.socket.Socket.receive (4.15). Socket.IO's DISCONNECT:
        # socketio.server.Server._handle_disconnect without a reason (5.18). uWSGIWebSocket.wait
        # reads until there is nothing left, and throws away what it has read where that is the
        # end: the goodbye too, if the end is right behind it.
        return Window(0.0, 0.0, [CLIENT_DISCONNECT] + [TRANSPORT_CLOSE] * under_uwsgi)
    if over_websocket and situation.cause in _ENDS_CONNECTIONS:
        # The read returns nothing or raises: the end of Socket._websocket_handler (4.15).
        closes_s = TAB_CLOSES_S if situation.cause is Cause.TAB else 0.0
        return Window(0.0, closes_s, [TRANSPORT_CLOSE])

    too_old_s = situation.ping_interval_s - silent_s + situation.ping_timeout_s
    if over_websocket and situation.websocket == _HAS_READ_TIMEOUT:
        # The read that began at the last answer times out in the moment in which the client is
        # too old: a race, which the read wins where timers are exact, since the check asks for
        # more than T. What is sent to the client does not prolong the read.
        due_s = max(0.0, too_old_s)
        return Window(due_s, due_s, [TRANSPORT_CLOSE, PING_TIMEOUT])
    reasons = [PING_TIMEOUT]
    if not over_websocket and _waiting_get_can_end_first(situation, silent_s):
        reasons.append(TRANSPORT_ERROR)
    latest_s = too_old_s + _longest_unseen_s(situation)
    if under_uwsgi:
        # Nobody outside knows the phase of its ping: it may have gone out just before the client.
        if latest_s > _UWSGI_PONG_S:
            reasons.append(TRANSPORT_CLOSE)
        too_old_s, latest_s = min(too_old_s, _UWSGI_PONG_S), min(latest_s, _UWSGI_LATEST_S)
    return Window(max(0.0, too_old_s), max(0.0, latest_s), reasons)


def longest_s(ping_interval_s: float, ping_timeout_s: float, connections: int = 0) -> float:
    """The longest that any client can go unnoticed, whatever the situation.

    It goes just after an answer, and nobody looks at it for nearly two rounds of the scan: see
    ``scan_gap_s``.

    Args:
        ping_interval_s: I.
        ping_timeout_s: T.
        connections: at first; each makes a round longer by ``WAIT_LATE_S``.
    """
    return ping_interval_s + 3 * ping_timeout_s + connections * WAIT_LATE_S


def is_outside(detected_s: float | None, reason: str | None, window: Window) -> bool:
    """Whether a detection contradicts its window, ``TOLERANCE_S`` at both ends allowed.

    Args:
        detected_s: None if the client was not noticed, which is outside every window.
        reason: what the handler was given.
        window: of the client or of its whole row.
    """
    if detected_s is None or reason not in window.reasons:
        return True
    earliest_s = window.earliest_s - TOLERANCE_S
    return not earliest_s <= detected_s <= window.latest_s + TOLERANCE_S


def scan_gap_s(ping_timeout_s: float, connections: int, leaving: int) -> float:
    """The longest time between two looks of the scan at the same socket.

    ``engineio.server.Server._service_task`` (4.15) takes a copy of the n sockets at the start of a
    round and waits T / n after each, so every round lasts T, whoever goes or comes meanwhile. A
    socket at place k (from 0) is looked at k * T / n after the start. In the next round it has a
    place k' <= k among n' sockets, and the time between the looks is T * (1 + k' / n' - k / n).

    That is T while nobody goes. It is longer when b sockets behind it go, which moves it towards
    the end of its round: k' = k and n' = n - b. Longest is it for the last one that stays, at
    place n - b - 1: T * (1 + b / n * (1 - 1 / (n - b))). Sockets that go before it, or that come,
    move it towards the start. Those that were closed and not yet removed count as being there
    until the copy of a round is without them, so b is never more than go in all; and going in
    several rounds adds up to less than going in one. Over b the term is largest where n - b is
    the root of n, and tends to 1 for large n: twice T is never reached.

    Args:
        ping_timeout_s: T.
        connections: n, at first.
        leaving: how many of them go, the one that is waited for included.
    """
    n = max(1, connections)
    most = max(0, min(leaving, n) - 1)
    at_root = (n - isqrt(n), n - isqrt(n) - 1)
    shifts = (
        others / n * (1 - 1 / (n - others))
        for others in {min(most, max(0, best)) for best in at_root}
    )
    return ping_timeout_s * (1 + max(shifts)) + n * WAIT_LATE_S


def _longest_unseen_s(situation: Situation) -> float:
    """From when a client is too old until somebody looks: the scan or a send to it."""
    gap_s = scan_gap_s(situation.ping_timeout_s, situation.connections, situation.leaving)
    return gap_s if situation.sent_every_s is None else min(gap_s, situation.sent_every_s)


def _waiting_get_can_end_first(situation: Situation, silent_s: float) -> bool:
    """Whether a GET that a gone client left behind may run into its own timeout.

    ``engineio.socket.Socket.poll`` (4.15) waits I + T for something to send, and
    ``handle_get_request`` closes the socket as ``transport error`` if there is nothing. A ping
    ends the wait of a GET that was there before it. One that came after the ping, from a client
    that went before it answered, waits in vain, and ends I or less after the client is too old.
    """
    interval_s, timeout_s = situation.ping_interval_s, situation.ping_timeout_s
    every_s = situation.sent_every_s
    # The GET, which came after the ping, may have waited before the sending to its client began.
    waited_s = silent_s - interval_s
    nothing_sent = every_s is None or every_s + waited_s >= interval_s + timeout_s
    return silent_s > interval_s and nothing_sent and _longest_unseen_s(situation) >= interval_s
