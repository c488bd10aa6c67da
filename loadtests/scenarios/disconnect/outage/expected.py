"""When each official client must notice that its server is gone, and be connected again.

From the sources of python-engineio 4.15 and python-socketio 5.18 (``engineio.client.Client``,
``socketio.client.Client``), engine.io-client 6.6 (``socket.js``, ``transports/*.js``) and
socket.io-client 4.8 (``manager.js``, ``contrib/backo2.js``), each with its default settings. Times
are seconds; no tolerance is in them.
"""

from __future__ import annotations

from itertools import count

from loadtests.record.results import Window
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.rows import Official, Outage

#: What python-socketio's Client calls every end that is not its own or said by the server
#: (engineio.base_client.BaseClient.reason).
PYTHON_REASON = "transport error"
#: What engine.io-client calls a heartbeat that did not come (Socket._resetPingTimeout).
SILENT_REASON = "ping timeout"

#: python-engineio's Client waits so much longer for a long poll than the longer of interval and
#: timeout (engineio.client.Client._read_loop_polling).
_POLL_GRACE_S = 5.0

#: How long an attempt to connect may hang where nobody answers: ``request_timeout`` of
#: engineio.base_client.BaseClient; ``timeout`` of socket.io-client's Manager.
ATTEMPT_S = {Official.PYTHON: 5.0, Official.JAVASCRIPT: 20.0}

_FIRST_DELAY_S, _LONGEST_DELAY_S, _RANDOMIZATION = 1.0, 5.0, 0.5  # the same in both


def noticed(
    client: Official,
    outage: Outage,
    transport: Transport,
    *,
    ping_interval_s: float,
    ping_timeout_s: float,
) -> Window:
    """When a client gets its disconnect event, counted from when its server went.

    A server that is killed or stopped has its connections closed by the kernel: a client that
    reads from one sees that at once, and there is always one, since a long poll waits too; between
    two polls the next one is refused.

    A frozen server says nothing more. Its last ping came φ before, φ between 0 and the interval:

    * engine.io-client sets a timer of interval + timeout at each ping (Socket._resetPingTimeout),
      over either transport;
    * python-engineio's Client gives its WebSocket a timeout of interval + timeout for each read
      (Client._connect_websocket);
    * over long-polling it has no such rule: each GET, sent as the last one was answered, has a
      timeout of max(interval, timeout) + 5 (Client._read_loop_polling).

    Args:
        client: whose rules.
        outage: how the server goes.
        transport: the client's.
        ping_interval_s: as the server announces it: whole seconds
            (engineio.server.Server._handle_connect).
        ping_timeout_s: of the server.
    """
    if outage is not Outage.FREEZE:
        return Window(0.0, 0.0, _closed_reasons(client, transport))
    if client is Official.JAVASCRIPT:
        silence_s, reason = ping_interval_s + ping_timeout_s, SILENT_REASON
    elif transport is Transport.WEBSOCKET:
        silence_s, reason = ping_interval_s + ping_timeout_s, PYTHON_REASON
    else:
        silence_s = max(ping_interval_s, ping_timeout_s) + _POLL_GRACE_S
        reason = PYTHON_REASON
    return Window(silence_s - ping_interval_s, silence_s, [reason])


def _closed_reasons(client: Official, transport: Transport) -> list[str]:
    """What a closed connection is called."""
    if client is Official.PYTHON:
        return [PYTHON_REASON]
    if transport is Transport.POLLING:
        return ["transport error"]  # "xhr poll error", transports/polling-xhr.js
    # FIN closes the WebSocket; RST, where the server had not read everything, is an error as well
    # (transports/websocket.js, onclose and onerror).
    return ["transport close", "transport error"]


def delay_s(client: Official, attempt: int) -> tuple[float, float]:
    """The shortest and the longest wait before an attempt to connect again, counted from 0."""
    nominal_s = _FIRST_DELAY_S * 2**attempt
    if client is Official.PYTHON:
        # Capped first, then ±0.5: of a second, whatever the delay is. Documented as ±50 %
        # (socketio.client.Client._handle_reconnect).
        capped_s = min(nominal_s, _LONGEST_DELAY_S)
        return capped_s - _RANDOMIZATION, capped_s + _RANDOMIZATION
    # Backoff.duration: ±50 % of the delay, then capped. One random number gives both the share and,
    # by its first decimal, the sign; minus is at the most 0.45, since 0.9 and above is plus.
    return (
        min(nominal_s * (1 - 0.9 * _RANDOMIZATION), _LONGEST_DELAY_S),
        min(nominal_s * (1 + _RANDOMIZATION), _LONGEST_DELAY_S),
    )


def reconnected_latest_s(client: Official, outage: Outage, away_s: tuple[float, float]) -> float:
    """The longest until a client tries again once a server can be reached.

    It waits, tries, fails, waits longer, and so on. When the server can be reached again it is
    either trying, and then the attempt succeeds (a frozen server's kernel has accepted it), or in
    the wait that it began before; the bound is the longest that is left of that wait, over all
    waits that can be going on by then. What connecting itself takes comes on top.

    Args:
        client: whose delays.
        outage: attempts at a frozen server hang until they time out; others are refused at once.
        away_s: the least and the most time from when the client noticed to when a server could be
            reached again; negative where it notices later than that.
    """
    least_s, most_s = away_s
    hanging_s = ATTEMPT_S[client] if outage is Outage.FREEZE else 0.0
    # The first wait begins with noticing, the others at a time that depends on those before.
    shortest_s, longest_s = delay_s(client, 0)
    worst_s = max(0.0, longest_s - least_s)
    begin_least_s, begin_most_s = shortest_s + hanging_s, longest_s + hanging_s
    for attempt in count(1):
        # The least favourable return: as early as it can be with this wait already begun.
        back_s = max(least_s, begin_least_s)
        if back_s > most_s:
            break
        shortest_s, longest_s = delay_s(client, attempt)
        worst_s = max(worst_s, min(begin_most_s, back_s) + longest_s - back_s)
        begin_least_s += shortest_s + hanging_s
        begin_most_s += longest_s + hanging_s
    return worst_s


def observed_s(client: Official, outage: Outage, away_s: tuple[float, float]) -> float:
    """How long to wait for a client: for one failed attempt and one delay more than should be."""
    spare_s = ATTEMPT_S[Official.PYTHON] + _LONGEST_DELAY_S + _RANDOMIZATION
    return reconnected_latest_s(client, outage, away_s) + spare_s
