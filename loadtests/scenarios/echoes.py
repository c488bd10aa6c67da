"""The echoing clients of a trial, told all at once what to send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from loadtests.arithmetic.pacing import Schedule
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echoed import Echoed


class Echoes(Collection[Echoed], Protocol):
    """What clients have sent and got, one after the other; as of the last ``stop``, at least."""

    def open_loop(self, schedules: Sequence[Schedule], until_ns: int) -> None:
        """Have each send on its schedule as long as a send is due before ``until_ns``."""

    def closed_loop(self, until_ns: int, starts_ns: Sequence[int]) -> None:
        """Have each send at its start, and again whenever its reply comes before ``until_ns``."""

    def go_on(self, waited_ns: int) -> None:
        """Have those send again in the closed loop who have waited so long for a reply."""

    def outstanding(self) -> bool:
        """Whether a send or a reply of the present loop is still to come."""

    def stop(self) -> None:
        """Have nobody send anything more."""


Client = TypeVar("Client", bound=EchoClient)


class LocalEchoes(list[Client]):
    """Those of this process; see Echoes."""

    def open_loop(self, schedules: Sequence[Schedule], until_ns: int) -> None:
        """See Echoes."""
        for client, schedule in zip(self, schedules, strict=True):
            client.open_loop(schedule, until_ns)

    def closed_loop(self, until_ns: int, starts_ns: Sequence[int]) -> None:
        """See Echoes."""
        for client, start_ns in zip(self, starts_ns, strict=True):
            client.closed_loop(until_ns, start_ns)

    def go_on(self, waited_ns: int) -> None:
        """See Echoes."""
        for client in self:
            client.go_on(waited_ns)

    def outstanding(self) -> bool:
        """See Echoes."""
        return any(client.owes or client.waited_for for client in self)

    def stop(self) -> None:
        """See Echoes."""
        for client in self:
            client.stop()
