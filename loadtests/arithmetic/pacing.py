"""When each send is due. Pure: time is passed in, no clock is read."""

from __future__ import annotations

from bisect import bisect_left
from typing import Protocol

import msgspec
import numpy as np

from loadtests.arithmetic.samples import NEVER


class Schedule(Protocol):
    """When the sends of one client are due."""

    @property
    def start_ns(self) -> int:
        """When the first one is."""

    def due_ns(self, index: int) -> int:
        """When send number ``index`` (from 0) is; NEVER where there are fewer."""

    def due_between(self, begin_ns: int, end_ns: int) -> int:
        """How many are due in [begin, end)."""


class ConstantRate(msgspec.Struct, frozen=True, tag=True):
    """An open-loop schedule that never waits: one send every ``1 / rate_hz`` seconds.

    Attributes:
        start_ns: when the first send is due.
        rate_hz: sends per second, above 0.
    """

    start_ns: int
    rate_hz: float

    def due_ns(self, index: int) -> int:
        """When send number ``index`` (from 0) is due, without an error that adds up."""
        return self.start_ns + round(index * 1_000_000_000 / self.rate_hz)

    def due_between(self, begin_ns: int, end_ns: int) -> int:
        """How many sends are due in [begin, end)."""
        return self._due_before(end_ns) - self._due_before(begin_ns)

    def _due_before(self, moment_ns: int) -> int:
        index = max(0, round((moment_ns - self.start_ns) * self.rate_hz / 1_000_000_000))
        # A guess to within one, since due times are rounded.
        while index and self.due_ns(index - 1) >= moment_ns:
            index -= 1
        while self.due_ns(index) < moment_ns:
            index += 1
        return index


class Moments(msgspec.Struct, frozen=True, tag=True):
    """An open-loop schedule of given moments.

    Attributes:
        moments_ns: when sends are due, in order; may be none.
    """

    moments_ns: list[int]

    @property
    def start_ns(self) -> int:
        """When the first one is due; NEVER if there is none."""
        return self.due_ns(0)

    def due_ns(self, index: int) -> int:
        """When send number ``index`` (from 0) is due; NEVER where there are fewer."""
        return self.moments_ns[index] if index < len(self.moments_ns) else NEVER

    def due_between(self, begin_ns: int, end_ns: int) -> int:
        """How many sends are due in [begin, end)."""
        return bisect_left(self.moments_ns, end_ns) - bisect_left(self.moments_ns, begin_ns)


def at_random(
    start_ns: int, total_rate_hz: float, clients: int, *, whole_ns: int, seed: int
) -> list[Moments]:
    """Sends of many people who know nothing of each other: a Poisson process, shared at random.

    Given how many there are, the moments of such a process are independent and uniform (Kingman
    1993, Poisson Processes, section 2.4); who sends which does not matter to the server.

    Args:
        start_ns: of the process.
        total_rate_hz: its rate, over all clients.
        clients: that share it.
        whole_ns: how long it goes on.
        seed: of all that is random.
    """
    random = np.random.default_rng(seed)
    many = random.poisson(total_rate_hz * whole_ns / 1e9)
    moments = np.sort(random.integers(start_ns, start_ns + whole_ns, many))
    senders = random.integers(0, clients, many)
    return [Moments(moments[senders == client].tolist()) for client in range(clients)]


def staggered(start_ns: int, total_rate_hz: float, clients: int) -> list[ConstantRate]:
    """Share a rate among clients so that all their sends together are evenly spaced.

    Client k of n sends at ``total_rate_hz / n``, beginning ``k / total_rate_hz`` seconds after the
    start.
    """
    return [
        ConstantRate(
            start_ns=start_ns + round(client * 1_000_000_000 / total_rate_hz),
            rate_hz=total_rate_hz / clients,
        )
        for client in range(clients)
    ]
