"""Echoes at random moments, at one rate and then at another, with the same clients.

As many people who know nothing of each other send them: evenly spaced sends would never queue, and
flatter every server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from loadtests.arithmetic.pacing import at_random
from loadtests.client.errors import tallied
from loadtests.scenarios.bench import LEAD_NS, Bench, hint
from loadtests.scenarios.echo_loops import OpenLoop, Window, combine_closed, combine_open
from loadtests.scenarios.echoes import Echoes
from loadtests.scenarios.echoing import closed_window, open_window
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.own_echo_client import check_acknowledgements, echo_clients

#: The closed loop that says where to begin.
_WARMUP_S, _GUESS_S = 0.3, 0.4
#: Sent and not measured, at the beginning of each rate: a queue needs some time to be as long as it
#: will be, a hundred service times and more where its server is nearly full.
SETTLE_S, _LONGEST_SETTLE_S, _SETTLE_SERVICES = 0.25, 1.5, 150


@dataclass(frozen=True, slots=True)
class _Offer:
    """See ``echoing.Offer``."""

    rate_hz: float
    drain_s: float


@dataclass(frozen=True, slots=True)
class Offered:
    """What came of one rate.

    Attributes:
        window: when it was measured.
        opened: its echoes.
        answered: answers that came in the window, to whichever message.
        gone: why connections were lost, with how many; empty where none was.
    """

    window: Window
    opened: OpenLoop
    answered: int
    gone: str


@dataclass(slots=True)
class RandomEchoes:
    """The clients of a trial, which echo.

    Attributes:
        bench: theirs.
        payload_bytes: of each message.
        drain_s: how long the last replies of a rate may take before they count as lost.
        settle_s: see above; longer where a guess has found the server slow.
        clients: one for each session.
    """

    bench: Bench
    payload_bytes: int
    drain_s: float
    settle_s: float = SETTLE_S
    clients: Echoes = field(init=False)
    _numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.clients = echo_clients(self.bench, self.payload_bytes)

    def guess_hz(self) -> float:
        """About how many are answered when every client sends again at once, per second.

        Raises:
            TrialFailed: nothing was answered.
        """
        offer = _Offer(1, self.drain_s)
        try:
            window = closed_window(self.bench, offer, self.clients, _WARMUP_S, _GUESS_S)
        except TrialFailed as error:
            raise TrialFailed(f"{error} (at a load of as many as are answered)") from error
        closed = combine_closed(self.clients, [window])
        if not closed.answered:
            raise TrialFailed(
                f"the server answered nothing; {hint(self.bench, self.bench.place.echo)}"
            )
        check_acknowledgements(self.clients)
        found_hz = closed.answered / (closed.usage.wall_ns / 1e9)
        self.settle_s = min(max(SETTLE_S, _SETTLE_SERVICES / found_hz), _LONGEST_SETTLE_S)
        return found_hz

    def at(self, rate_hz: float, seconds: float) -> Offered:
        """Offer so many messages per second over all clients for so long, and some before."""
        bench = self.bench
        whole_ns = LEAD_NS + round((self.settle_s + seconds) * 1e9)
        window = open_window(
            bench,
            _Offer(rate_hz, self.drain_s),
            self.clients,
            self.settle_s,
            seconds,
            scheduled=partial(at_random, whole_ns=whole_ns, seed=bench.seed + next(self._numbers)),
        )
        ended = [session.ended for session in bench.sessions if session.ended is not None]
        return Offered(
            window=window,
            opened=combine_open(self.clients, [window]),
            answered=self.answered([window]),
            gone=f"{tallied(ended)} ({len(ended)} of {len(self.clients)})" if ended else "",
        )

    def answered(self, windows: Sequence[Window]) -> int:
        """Answers that came in these, to whichever message."""
        return sum(
            len(client.replies(window.begin_ns, window.end_ns, 0)[0])
            for window in windows
            for client in self.clients
        )

    def together(self, windows: Sequence[Window]) -> OpenLoop:
        """The echoes of several rates."""
        return combine_open(self.clients, windows)

    def stop(self) -> None:
        """Send nothing more."""
        self.clients.stop()
