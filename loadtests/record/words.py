"""The closed vocabularies: transports, statuses, units, and what a metric says of itself.

Standard library only, so that anything may import it: the runner, the Locust process, the reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: From here on a quantile is a tail.
_TAIL = 0.99
#: A tail is what so many samples at least lie beyond.
_BEYOND = 10


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
    LEAN = "lean"  #: ours with no more headers than are needed, to see what a browser's cost


class Cause(StrEnum):
    """How a client goes away in the disconnect scenario."""

    CLOSE = "close"  #: says goodbye as Socket.IO asks
    KILL = "kill"  #: its process is killed, and the kernel closes its connections
    RESET = "reset"  #: its connections end with RST instead of FIN
    FREEZE = "freeze"  #: its process is stopped: the connections stay up and it says nothing more
    CUT = "cut"  #: its network is: packets vanish in both directions
    TAB = "tab"  #: it is the official JavaScript client in a browser's tab, which is closed


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


class Verdict(StrEnum):
    """What a comparison decides of a head against its base."""

    FASTER = "faster"
    SLOWER = "slower"
    EXCLUDED = "excluded"  #: no slowdown of a stated size, or a larger one
    INCONCLUSIVE = "inconclusive"


class Purpose(StrEnum):
    """What a pair of trials of a comparison is for."""

    SCREEN = "screen"  #: to see what may be slower, looked at again and again
    CONFIRM = "confirm"  #: to say so: fresh, their number fixed beforehand
    CONTRAST = "contrast"  #: base against a second base: what the run makes of two that are alike
    LIMIT = "limit"  #: no pair: head alone, for a limit


class Kept(StrEnum):
    """What trials say of a limit."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"


class Unit(StrEnum):
    """Units, spelled as in ``summary.csv``."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    MESSAGES = "messages"
    MESSAGES_PER_SECOND = "messages/s"
    PER_SECOND = "1/s"
    MEGABYTES_PER_SECOND = "MB/s"
    CLIENTS = "clients"
    ATTEMPTS = "attempts"
    MICROSECONDS_PER_MESSAGE = "µs per message"
    MEBIBYTES = "MiB"
    KIBIBYTES_PER_CONNECTION = "KiB per connection"
    BYTES_PER_MESSAGE = "bytes per message"
    PER_CONNECTION = "per connection"
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
        family: the samples that it is made of, as a measurement's ``samples`` and ``distributions``
            call them; empty where it is no quantile.
        quantile: of the family, from 0 to 1; None where it is none.
        later: whether results of earlier versions may be without it.
    """

    name: str
    unit: Unit
    better: Better
    title: str
    meaning: str
    family: str = ""
    quantile: float | None = None
    later: bool = False

    @property
    def samples_wanted(self) -> int | None:
        """How many samples a tail wants in its trial: 1,000 for a p99, 10,000 for a p99.9.

        Returns:
            None where the metric is no tail; a maximum is none either.
        """
        if self.quantile is None or not _TAIL <= self.quantile < 1:
            return None
        return round(_BEYOND / (1 - self.quantile))


#: Those that a row's name ends with.
_NAMED = frozenset(Client) - {Client.TRANSPORT_BENCH}


def scenario_of(row: str) -> str:
    """The scenario of a summary row: ``disconnect`` for ``disconnect:kill``."""
    return row.partition(":")[0]


def client_of(row: str) -> Client:
    """Whose client measured a summary row: the reference for ``echo:reference``."""
    last = row.rpartition(":")[2]
    return Client(last) if last in _NAMED else Client.TRANSPORT_BENCH


def row_of_ours(row: str) -> str:
    """The name that a row has when our own client measured it, whoever did."""
    return row.removesuffix(f":{client_of(row)}")


def row_of(row: str, client: Client) -> str:
    """The name that a row has when a client measured it; ours adds nothing."""
    return row if client is Client.TRANSPORT_BENCH else f"{row}:{client}"
