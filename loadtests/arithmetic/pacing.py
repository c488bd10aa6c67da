"""When each send is due. Pure: time is passed in, no clock is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConstantRate:
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
