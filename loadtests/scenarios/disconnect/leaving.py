"""Who holds the clients that go away: the generator, processes of their own, browser tabs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.record.words import Cause
from loadtests.scenarios.bench import Bench, Place
from loadtests.scenarios.disconnect.hosts.browser import MOST_POLLING_PER_TAB, BrowserHost
from loadtests.scenarios.disconnect.hosts.handle import Config, Gone, hosting
from loadtests.scenarios.disconnect.hosts.process import ProcessHost
from loadtests.scenarios.disconnect.options import IN_GENERATOR, Disconnect
from loadtests.scenarios.disconnect.rows import DepartureRow


class Holder(Protocol):
    """What holds clients (loadtests/scenarios/disconnect/hosts/handle.py)."""

    def wait_until_joined(self, timeout_s: float) -> list[str]:
        """The session ids, in the order of clients."""

    def send_away(self, due_ns: Sequence[int]) -> None:
        """When each client is to go."""

    def gone(self) -> list[Gone]:
        """Those that went so far."""

    def lost(self) -> dict[int, str]:
        """Those whose connection ended before they went, and why."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """Clients of one host.

    Attributes:
        rows: whose numbers each client belongs to, in the order of clients.
        together: how many of them, one after the other in that order, go at the same moment.
    """

    host: Holder
    rows: list[DepartureRow]
    together: int = 1


@dataclass(slots=True)
class Here:
    """Sessions of the generator itself, as a host."""

    sessions: list[Session]
    causes: list[Cause]
    alarm: Alarm
    now_ns: Callable[[], int]
    _gone: list[Gone] = field(default_factory=list)

    def wait_until_joined(self, timeout_s: float) -> list[str]:  # noqa: ARG002  # they are connected
        """See Holder."""
        return [session.sid for session in self.sessions]

    def send_away(self, due_ns: Sequence[int]) -> None:
        """See Holder."""
        for client, moment_ns in enumerate(due_ns):
            self.alarm.at(moment_ns, partial(self._go, client))

    def gone(self) -> list[Gone]:
        """See Holder."""
        return list(self._gone)

    def lost(self) -> dict[int, str]:
        """See Holder."""
        gone = {each.client for each in self._gone}
        return {
            client: session.ended
            for client, session in enumerate(self.sessions)
            if session.ended is not None and client not in gone
        }

    def _go(self, client: int) -> None:
        session = self.sessions[client]
        if session.ended is None:
            gone = Gone(client, self.now_ns(), session.pinged_ns)
            session.depart(self.causes[client])
            self._gone.append(gone)


@contextmanager
def assembled(bench: Bench, options: Disconnect) -> Iterator[list[Hosted]]:
    """Every client that is to go, connecting, in groups by what holds them.

    The generator's own sessions are those of the bench behind its first ``bystanders``. Causes that
    are missing here have no clients.
    """
    # One of each row after the other, so that a host's clients are of all its rows from the start.
    rows = [
        row
        for _ in range(options.clients)
        for row in options.departing
        if row.cause not in bench.place.missing
    ]
    with ExitStack() as stack:
        groups = []
        if here := [row for row in rows if row.cause in IN_GENERATOR]:
            sessions = bench.sessions[options.bystanders :]
            causes = [row.cause for row in here]
            groups.append(Hosted(Here(sessions, causes, bench.alarm, bench.now_ns), here))
        groups += [
            Hosted(stack.enter_context(each), which, together)
            for each, which, together in _elsewhere(bench.place, rows, options.ping_interval_s)
        ]
        yield groups


def _elsewhere(
    place: Place, rows: Sequence[DepartureRow], interval_s: float
) -> Iterator[tuple[AbstractContextManager[Holder], list[DepartureRow], int]]:
    """The hosts that are needed, not yet started, with their clients' rows."""

    def host(
        name: str, module: str, config: Config, prefix: Sequence[str] = ()
    ) -> AbstractContextManager[Holder]:
        files = {"log": place.file(f"{name}.log"), "diary": place.file(f"{name}.jsonl")}
        return hosting(f"{name} of clients", module, config, prefix=prefix, **files)

    def processes(rows: list[DepartureRow], **more: Any) -> ProcessHost:
        return ProcessHost(
            url=place.url,
            transport=place.transport,
            client=place.client,
            causes=[row.cause for row in rows],
            target=place.target,
            compression=place.compression,
            **more,
        )

    if alone := [row for row in rows if row.cause in (Cause.KILL, Cause.FREEZE)]:
        yield (
            host(
                "processes",
                "loadtests.scenarios.disconnect.hosts",
                processes(alone, spread_s=interval_s),
            ),
            alone,
            1,
        )
    if cut := [row for row in rows if row.cause is Cause.CUT]:
        assert place.cable is not None, "the runner says that it is missing otherwise"
        config = processes(cut, interface=place.cable.interface, spread_s=interval_s)
        yield (
            host("cut", "loadtests.scenarios.disconnect.hosts", config, place.cable.prefix),
            cut,
            len(cut),
        )
    if tabs := [row for row in rows if row.cause is Cause.TAB]:
        each = max(n for n in range(1, MOST_POLLING_PER_TAB + 1) if len(tabs) % n == 0)
        browser = BrowserHost(
            url=place.url,
            transport=place.transport,
            tabs=len(tabs) // each,
            clients_per_tab=each,
            **_spoken(place),
        )
        yield host("browser", "loadtests.scenarios.disconnect.hosts.browser", browser), tabs, each


def _spoken(place: Place) -> dict[str, str]:
    """Where tabs join."""
    return {"namespace": place.namespace, "path": place.target.path}
