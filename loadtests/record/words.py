"""The closed vocabularies: transports, statuses, units and every metric with its meaning.

Standard library only, so that anything may import it: the runner, the Locust process, the reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """Engine.IO's transports. A mode and a transport together are a cell."""

    POLLING = "polling"
    WEBSOCKET = "websocket"


class Client(StrEnum):
    """Whose Socket.IO client the users of a trial have."""

    TRANSPORT_BENCH = "transport-bench"  #: this project's own (loadtests/client/)
    REFERENCE = (
        "reference"  #: python-socketio's, to hold ours against (loadtests/client/reference.py)
    )


class Cause(StrEnum):
    """How a client goes away in the disconnect scenario."""

    CLOSE = "close"  #: says goodbye as Socket.IO asks
    KILL = "kill"  #: its process is killed, and the kernel closes its connections
    RESET = "reset"  #: its connections end with RST instead of FIN
    FREEZE = "freeze"  #: its process is stopped: the connections stay up and it says nothing more
    CUT = "cut"  #: its network is: packets vanish in both directions
    TAB = "tab"  #: it is the official JavaScript client in a browser's tab, which is closed


class Outage(StrEnum):
    """How the server goes away, seen from its clients."""

    KILL = "server-kill"  #: killed; another one comes up on its port some time later
    FREEZE = "server-freeze"  #: stopped for longer than clients wait, then continued
    RESTART = "server-restart"  #: asked to stop and started again at once, as a deployment does


class Official(StrEnum):
    """Whose client notices that the server went away, and connects again."""

    PYTHON = "python"  #: python-socketio's Client
    JAVASCRIPT = "javascript"  #: socket.io-client, in Node


class Status(StrEnum):
    """What a number is worth."""

    OK = "ok"
    INVALID = "invalid"  #: measured, not to be trusted
    FAILED = "failed"  #: no measurement
    UNAVAILABLE = "unavailable"  #: cannot be known here, e.g. the CPU of a server of one's own


class Better(StrEnum):
    """Which way a metric improves."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"  #: describes the run, not the server


class Unit(StrEnum):
    """Units, spelled as in ``summary.csv``."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    MESSAGES = "messages"
    MESSAGES_PER_SECOND = "messages/s"
    PER_SECOND = "1/s"
    CLIENTS = "clients"
    MICROSECONDS_PER_MESSAGE = "µs per message"
    MEBIBYTES = "MiB"
    PERCENT = "%"


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of numbers: what it is called, what it is in and which way is good.

    Attributes:
        name: as in ``summary.csv``.
        unit: of the stored numbers.
        better: which way it improves.
        title: a few words for an axis or a table's head.
        meaning: one sentence for a reader who has never seen it.
    """

    name: str
    unit: Unit
    better: Better
    title: str
    meaning: str


def _table(*rows: Metric) -> dict[str, Metric]:
    return {row.name: row for row in rows}


_MS, _S = Unit.MILLISECONDS, Unit.SECONDS
_LOWER, _HIGHER, _NEITHER = Better.LOWER, Better.HIGHER, Better.NEITHER

_ECHO = _table(
    Metric("latency_p50", _MS, _LOWER, "latency p50", "half of the echoes came back within this, counted from when the send was due (open loop)"),
    Metric("latency_p90", _MS, _LOWER, "latency p90", "nine of ten echoes came back within this, from the due time"),
    Metric("latency_p99", _MS, _LOWER, "latency p99", "99 of 100 echoes came back within this, from the due time"),
    Metric("latency_max", _MS, _LOWER, "latency max", "the slowest echo, from the due time"),
    Metric("service_p50", _MS, _LOWER, "service time p50", "the same as latency, but counted from when the send really went out"),
    Metric("service_p99", _MS, _LOWER, "service time p99", "99 of 100 echoes came back within this, from the actual send"),
    Metric("throughput", Unit.MESSAGES_PER_SECOND, _HIGHER, "throughput", "echoes answered per second when every client sends again as soon as its reply has come (closed loop)"),
    Metric("lost", Unit.MESSAGES, _LOWER, "lost", "echoes that never came back, in both loops"),
    Metric("server_busy_open", Unit.PERCENT, _NEITHER, "server busy, open loop", "share of one core that the server used while latency was measured: how far below saturation that was"),
)  # fmt: skip

_BROADCAST = _table(
    Metric("delivery_p50", _MS, _LOWER, "delivery p50", "half of the copies reached their recipient within this, from when the broadcast was due"),
    Metric("delivery_p99", _MS, _LOWER, "delivery p99", "99 of 100 copies reached their recipient within this"),
    Metric("last_recipient_p50", _MS, _LOWER, "last recipient p50", "in half of the broadcasts the last recipient had its copy within this"),
    Metric("last_recipient_p99", _MS, _LOWER, "last recipient p99", "in 99 of 100 broadcasts the last recipient had its copy within this"),
    Metric("deliveries", Unit.PER_SECOND, _HIGHER, "deliveries", "copies delivered per second at the offered load"),
    Metric("missing", Unit.MESSAGES, _LOWER, "missing", "copies that never reached their recipient"),
    Metric("duplicate", Unit.MESSAGES, _LOWER, "duplicate", "copies beyond a recipient's first"),
    Metric("reordered", Unit.MESSAGES, _LOWER, "reordered", "copies that arrived after a later one of the same publisher"),
)  # fmt: skip

_DISCONNECT = _table(
    Metric("detection_min", _S, _LOWER, "detection min", "the quickest: from the moment a client was gone to the server's disconnect handler"),
    Metric("detection_p50", _S, _LOWER, "detection p50", "half of the clients that went away were noticed within this"),
    Metric("detection_max", _S, _LOWER, "detection max", "the slowest client that was noticed"),
    Metric("undetected", Unit.CLIENTS, _LOWER, "undetected", "clients not noticed within the observation window"),
    Metric("outside", Unit.CLIENTS, _NEITHER, "outside the window", "clients noticed earlier or later than python-engineio's rules imply, or for another reason"),
    Metric("repeated", Unit.CLIENTS, _LOWER, "handler called again", "clients for which the server's disconnect handler ran more than once"),
)  # fmt: skip

_OUTAGE = _table(
    Metric("noticed_p50", _S, _LOWER, "noticed p50", "half of the clients noticed within this that the server was gone"),
    Metric("noticed_p95", _S, _LOWER, "noticed p95", "19 of 20 clients noticed within this"),
    Metric("noticed_max", _S, _LOWER, "noticed max", "the last client that noticed"),
    Metric("unnoticed", Unit.CLIENTS, _LOWER, "unnoticed", "clients that did not notice at all"),
    Metric("reconnected_p50", _S, _LOWER, "connected again p50", "half of the clients were connected again within this, counted from when the server could be reached again"),
    Metric("reconnected_p95", _S, _LOWER, "connected again p95", "19 of 20 clients were connected again within this"),
    Metric("reconnected_max", _S, _LOWER, "connected again max", "the last client that was connected again"),
    Metric("not_reconnected", Unit.CLIENTS, _LOWER, "not connected again", "clients that did not come back within the observation window"),
    Metric("outside", Unit.CLIENTS, _NEITHER, "outside the window", "clients that noticed earlier or later than their library's rules imply, or gave another reason"),
)  # fmt: skip

_EVERY_TRIAL = _table(
    Metric("server_cpu", Unit.MICROSECONDS_PER_MESSAGE, _LOWER, "server CPU", "server CPU time per message: per echo in the closed loop, per delivery of a broadcast, per heartbeat in disconnect"),
    Metric("server_busy", Unit.PERCENT, _NEITHER, "server busy", "share of one core that the server used over the same time"),
    Metric("server_rss", Unit.MEBIBYTES, _LOWER, "server memory", "resident memory of the server at the end of the trial"),
    Metric("generator_cpu", Unit.MICROSECONDS_PER_MESSAGE, _NEITHER, "generator CPU", "the load generator's own CPU time per message, over the same time as server CPU"),
    Metric("generator_busy", Unit.PERCENT, _NEITHER, "generator busy", "share of one core that the load generator used over the same time"),
    Metric("lateness_p99", _MS, _NEITHER, "lateness p99", "how long after its due time a send (or a departure) went out, 99 of 100"),
    Metric("receive_lag_p99", _MS, _NEITHER, "receive lag p99", "how long a message that the kernel had received waited for the generator to read it, 99 of 100"),
)  # fmt: skip

#: Scenario -> metric name -> metric, in the order in which tables show them.
METRICS: dict[str, dict[str, Metric]] = {
    "echo": _ECHO | _EVERY_TRIAL,
    "broadcast": _BROADCAST | _EVERY_TRIAL,
    "disconnect": _DISCONNECT | _EVERY_TRIAL,
}


def client_of(row: str) -> Client:
    """Whose client measured a summary row: the reference for ``echo:reference``."""
    reference = row.endswith(f":{Client.REFERENCE}")
    return Client.REFERENCE if reference else Client.TRANSPORT_BENCH


def row_of(row: str, client: Client) -> str:
    """The name that a row has when a client measured it; ours adds nothing."""
    return row if client is Client.TRANSPORT_BENCH else f"{row}:{client}"


def metrics_of(row: str) -> dict[str, Metric]:
    """The metrics of a summary row's scenario: those of ``disconnect`` for ``disconnect:kill``.

    Raises:
        KeyError: no such scenario.
    """
    scenario, _, parameter = row.partition(":")
    if scenario == "disconnect" and parameter.startswith(tuple(Outage)):
        return _OUTAGE
    return METRICS[scenario]


@dataclass(frozen=True, slots=True)
class DepartureRow:
    """A row of clients that went away: ``disconnect:kill``, ``disconnect:kill:busy``, ...

    Attributes:
        busy: whether the server was sending to these clients.
        setting: of a sweep, as in ``disconnect:freeze:10/5`` (ping interval / timeout in seconds)
            or ``disconnect:freeze:10/5:1000`` (with so many connections); empty for the main one.
    """

    cause: Cause
    busy: bool = False
    setting: str = ""

    def __str__(self) -> str:
        """The row's name."""
        parts = ["disconnect", self.cause, "busy" if self.busy else "", self.setting]
        return ":".join(filter(None, parts))

    @classmethod
    def parse(cls, row: str) -> DepartureRow | None:
        """What a row's name says, a reference client's suffix aside; None for other rows."""
        scenario, _, parameters = row.removesuffix(f":{Client.REFERENCE}").partition(":")
        cause, _, rest = parameters.partition(":")
        if scenario != "disconnect" or cause not in list(Cause):
            return None
        busy = rest == "busy"
        return cls(Cause(cause), busy, "" if busy else rest)


@dataclass(frozen=True, slots=True)
class OutageRow:
    """A row of clients whose server went away: ``disconnect:server-kill:python``."""

    outage: Outage
    client: Official

    def __str__(self) -> str:
        """The row's name."""
        return f"disconnect:{self.outage}:{self.client}"

    @classmethod
    def parse(cls, row: str) -> OutageRow | None:
        """What a row's name says; None for other rows."""
        scenario, _, parameters = row.partition(":")
        outage, _, client = parameters.partition(":")
        known = outage in list(Outage) and client in list(Official)
        return cls(Outage(outage), Official(client)) if scenario == "disconnect" and known else None
