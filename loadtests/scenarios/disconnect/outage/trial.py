"""One trial: the same clients throughout, the server goes in one way after the other.

Called in the runner's process, in place of a Locust generator: nothing here is under load, and the
clients are other people's, in processes of their own.
"""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from loadtests.machine.journal import WrongConnections, entries, verify_connections
from loadtests.machine.node import missing
from loadtests.record.generator_facts import GeneratorFacts, OutageFacts, ReturnFacts
from loadtests.record.results import Measurement, Window
from loadtests.scenarios.bench import Outcome, Stage, connect_timeout_s
from loadtests.scenarios.disconnect.options import ServerGone
from loadtests.scenarios.disconnect.outage import expected
from loadtests.scenarios.disconnect.outage.clients import Crowd, OutageError, crowd
from loadtests.scenarios.disconnect.outage.servers import Servers
from loadtests.scenarios.disconnect.outage.summary import (
    Event,
    Happening,
    reconnections,
    repeated,
    settled,
    summarise,
)
from loadtests.scenarios.disconnect.rows import OUTAGE_METRICS, Official, Outage, OutageRow
from loadtests.scenarios.disconnect.windows import TOLERANCE_S
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.scenario import without_numbers

_LOOK_S = 0.05
#: Beyond what the slower client needs to notice that the server is frozen.
_FROZEN_LONGER_S = 0.5


def conduct(stage: Stage, options: ServerGone) -> tuple[dict[str, Any], Outcome]:
    """One trial in which the server goes.

    Returns:
        The READY line of the first server, and a measurement per row with what the clients say of
        themselves.

    Raises:
        LaunchError: a process did not start.
        TrialFailed: one died, or clients were not where they should be.
    """
    try:
        return _conduct(stage, options)
    except OutageError as error:
        raise TrialFailed(str(error)) from error


def _conduct(stage: Stage, options: ServerGone) -> tuple[dict[str, Any], Outcome]:
    lacks = {client: _lacking(client) for client in Official}
    begun = time.monotonic()
    with ExitStack() as stack:
        servers = stack.enter_context(Servers(stage.serve, stage.label))
        servers.start()
        ready = servers.running.ready.stored()
        clients = stack.enter_context(_Clients(stage, servers))
        present = [client for client, lack in lacks.items() if lack is None]
        trial = _Trial(options, stage, servers, clients, present)
        measurements = trial.run()
        facts = GeneratorFacts(
            arrival_clock="user",
            transport=stage.transport,
            connections=len(present) * options.clients,
            client="official",
            seconds=time.monotonic() - begun,
            versions={"python": platform.python_version(), **clients.versions},
            outages=trial.outages,
            crashes=clients.crashes,
        )
    for outage in options.causes:
        measurements += [
            without_numbers(OUTAGE_METRICS, str(OutageRow(outage, client)), lack)
            for client, lack in lacks.items()
            if lack is not None
        ]
    in_order = sorted(measurements, key=lambda each: options.rows.index(each.row))
    return ready, Outcome(measurements=in_order, generator=facts)


def _lacking(client: Official) -> str | None:
    """What a client lacks on this machine and how to get it; None where it can run."""
    return missing() if client is Official.JAVASCRIPT else None


class _Clients:
    """A crowd of each library; one that did not come back whole is replaced."""

    def __init__(self, stage: Stage, servers: Servers) -> None:
        self.crowds: dict[Official, Crowd] = {}
        self.versions: dict[str, str] = {}
        self._gone_crashes: list[str] = []
        self._chooser = random.Random(stage.seed)
        self._stage = stage
        self._servers = servers
        self._stacks: dict[Official, ExitStack] = {}
        self._started: list[Official] = []

    def __enter__(self) -> _Clients:
        return self

    def __exit__(self, *_: Any) -> None:
        for stack in self._stacks.values():
            stack.close()

    @property
    def crashes(self) -> list[str]:
        """Exceptions that ended a thread, of all crowds."""
        return self._gone_crashes + [
            crash for each in self.crowds.values() for crash in each.crashes
        ]

    def start(self, client: Official, size: int, spread_s: float) -> None:
        """Start a crowd, in place of the one that there is.

        Args:
            client: whose.
            size: how many.
            spread_s: they connect at random moments within this time, one in each ``size``-th of
                it, so that their heartbeats differ in phase.
        """
        if client in self._stacks:
            self._gone_crashes += self.crowds[client].crashes
            self._stacks.pop(client).close()
        self._started.append(client)
        times = self._started.count(client)
        again = "" if times == 1 else f"-{times}"
        offsets_s = [spread_s * (n + self._chooser.random()) / size for n in range(size)]
        stack = self._stacks[client] = ExitStack()
        label = self._stage.label
        self.crowds[client] = stack.enter_context(
            crowd(
                client,
                server=self._servers.running.ready,
                namespace=self._stage.namespace,
                transport=self._stage.transport,
                offsets_s=offsets_s,
                label=label.with_name(f"{label.name}-{client}{again}"),
                core=self._stage.core,
            )
        )
        self.versions |= self.crowds[client].running.ready.versions

    def events(self) -> dict[Official, list[Event]]:
        """All events so far; raises where a process has ended."""
        return {client: each.events() for client, each in self.crowds.items()}

    def complete(self) -> bool:
        """Whether all are connected."""
        return all(each.complete() for each in self.crowds.values())


@dataclass(slots=True)
class _Trial:
    """The steps of a trial, with all that they share."""

    options: ServerGone
    stage: Stage
    servers: Servers
    clients: _Clients
    present: list[Official]
    outages: dict[str, OutageFacts] = field(default_factory=dict)

    def run(self) -> list[Measurement]:
        """All outages, one after the other."""
        for client in self.present:
            self.clients.start(client, self.options.clients, self.options.ping_interval_s)
        self._until_complete()
        size = len(self.present) * self.options.clients
        try:
            verify_connections(self.servers.journal, self.stage.transport, size)
        except WrongConnections as error:
            raise OutageError(f"{error}; its log: {self.servers.running.log}") from error
        measurements = []
        for number, cause in enumerate(self.options.causes):
            renewed = self._same_footing() if number else []
            windows = {client: self._window(client, cause) for client in self.present}
            happening = _HAPPEN[cause](self, windows)
            measurements += self._measured(cause, happening, windows, renewed)
            self._verify_transport()
        return measurements

    def kill(self, windows: dict[Official, Window]) -> Happening:
        """Killed; the next one is started some time later."""
        gone_ns = self.servers.kill()
        self._wait(lambda: False, gone_ns + round(self.options.down_s * 1e9), serving=False)
        return self._observe(Outage.KILL, gone_ns, self.servers.start(), windows)

    def restart(self, windows: dict[Official, Window]) -> Happening:
        """Asked to stop; the next one is started at once."""
        gone_ns = self.servers.terminate()
        return self._observe(Outage.RESTART, gone_ns, self.servers.start(), windows)

    def freeze(self, windows: dict[Official, Window]) -> Happening:
        """Stopped for longer than the slower client needs to notice, then continued."""
        longest_s = max(window.latest_s for window in windows.values()) + _FROZEN_LONGER_S
        with self.servers.frozen() as gone_ns:
            self._wait(lambda: False, gone_ns + round(longest_s * 1e9))
            back_ns = time.monotonic_ns()
        return self._observe(Outage.FREEZE, gone_ns, back_ns, windows)

    def _observe(
        self, cause: Outage, gone_ns: int, back_ns: int, windows: dict[Official, Window]
    ) -> Happening:
        """Wait until all have noticed and are back, or should long have been."""
        away_s = (back_ns - gone_ns) / 1e9
        observed_s = max(
            expected.observed_s(client, cause, _away_s(away_s, window))
            for client, window in windows.items()
        )
        until_ns = back_ns + round(observed_s * 1e9)

        def over() -> bool:
            happening = Happening(gone_ns, back_ns, until_ns)
            return all(settled(events, happening) for events in self.clients.events().values())

        self._wait(over, until_ns)
        return Happening(gone_ns, back_ns, min(until_ns, time.monotonic_ns()))

    def _measured(
        self,
        cause: Outage,
        happening: Happening,
        windows: dict[Official, Window],
        renewed: list[Official],
    ) -> list[Measurement]:
        measurements = []
        facts: dict[str, ReturnFacts] = {}
        observed_s = {
            "noticed": (happening.until_ns - happening.gone_ns) / 1e9,
            "reconnected": (happening.until_ns - happening.back_ns) / 1e9,
        }
        for client, events in self.clients.events().items():
            found = list(reconnections(events, happening).values())
            measurements.append(
                summarise(OutageRow(cause, client), found, windows[client], observed_s)
            )
            away_s = _away_s(happening.away_s, windows[client])
            latest_s = expected.reconnected_latest_s(client, cause, away_s)
            facts[client] = ReturnFacts(
                # Of its own rules, less what connecting itself takes.
                reconnected_latest_s=latest_s,
                reconnected_later=sum(
                    (each.reconnected_s or 0) > latest_s + TOLERANCE_S for each in found
                ),
                connected_twice=repeated(events, happening),
                left_out=self.options.clients - len(found),
                started_anew=client in renewed,
            )
        self.outages[cause] = OutageFacts(
            away_s=happening.away_s,
            python=facts.get(Official.PYTHON),
            javascript=facts.get(Official.JAVASCRIPT),
        )
        return measurements

    def _window(self, client: Official, cause: Outage) -> Window:
        return expected.noticed(
            client,
            cause,
            self.stage.transport,
            ping_interval_s=self.options.ping_interval_s,
            ping_timeout_s=self.options.ping_timeout_s,
        )

    def _same_footing(self) -> list[Official]:
        """Before the next outage: everybody connected, and no longer in step.

        Returns:
            Whose clients had to be started anew, since not all had come back.
        """
        renewed = [client for client, each in self.clients.crowds.items() if not each.complete()]
        for client in renewed:
            self.clients.start(client, self.options.clients, self.options.ping_interval_s)
        self._until_complete()
        pause_ns = round(self.options.ping_interval_s * 1e9)
        self._wait(lambda: False, time.monotonic_ns() + pause_ns)
        return renewed

    def _until_complete(self) -> None:
        size = len(self.present) * self.options.clients
        limit_s = connect_timeout_s(size) + self.options.ping_interval_s
        if not self._wait(self.clients.complete, time.monotonic_ns() + round(limit_s * 1e9)):
            logs = ", ".join(str(each.running.log) for each in self.clients.crowds.values())
            raise OutageError(
                f"not all of {size} clients connected to the {self.stage.mode} server "
                f"within {limit_s:.0f} s; logs: {logs}"
            )

    def _verify_transport(self) -> None:
        """Check by the server's account that they came back over the transport of the cell."""
        seen = {each["transport"] for each in entries(self.servers.journal) if "transport" in each}
        if not seen <= {self.stage.transport}:
            raise OutageError(
                f"clients connected over {', '.join(sorted(seen))}, it should have been "
                f"{self.stage.transport} only; the server's log: {self.servers.running.log}"
            )

    def _wait(self, done: Callable[[], bool], until_ns: int, *, serving: bool = True) -> bool:
        """Wait until something is done, while all processes live that should.

        Returns:
            Whether it was done by then.
        """
        while not done():
            left_s = (until_ns - time.monotonic_ns()) / 1e9
            if left_s <= 0:
                return False
            self.clients.events()
            if serving:
                self.servers.check()
            time.sleep(min(_LOOK_S, left_s))
        return True


def _away_s(away_s: float, window: Window) -> tuple[float, float]:
    """From when a client notices to when a server can be reached again: the least and the most."""
    return away_s - window.latest_s, away_s - window.earliest_s


_HAPPEN: dict[Outage, Callable[[_Trial, dict[Official, Window]], Happening]] = {
    Outage.KILL: _Trial.kill,
    Outage.FREEZE: _Trial.freeze,
    Outage.RESTART: _Trial.restart,
}
