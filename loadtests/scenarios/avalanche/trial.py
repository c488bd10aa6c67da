"""One trial: clients connect, their server is killed, another one comes, and so do they.

Called in the runner's process, in place of a Locust generator: the clients are other people's, in a
process of their own.
"""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from loadtests.arithmetic.usage import Reading
from loadtests.machine.journal import WrongConnections, verify_connections
from loadtests.machine.meter import Meter
from loadtests.machine.node import missing
from loadtests.record.application import ECHO_EVENT, RESPONSE_EVENT
from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Reconnection
from loadtests.scenarios.avalanche import Avalanche
from loadtests.scenarios.avalanche.numbers import METRICS, NAME, Seen, busiest, summarise
from loadtests.scenarios.bench import Outcome, Stage, connect_timeout_s
from loadtests.scenarios.disconnect.outage import expected
from loadtests.scenarios.disconnect.outage.clients import Crowd, OutageError, crowd
from loadtests.scenarios.disconnect.outage.servers import Servers
from loadtests.scenarios.disconnect.outage.summary import Happening, What, repeated
from loadtests.scenarios.disconnect.rows import Official, Outage
from loadtests.scenarios.disconnect.windows import TOLERANCE_S
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.scenario import without_numbers

#: Often enough for the busiest second of a process, seldom enough to leave it its core.
_LOOK_S = 0.1
_WHO = Official.JAVASCRIPT


def conduct(stage: Stage, options: Avalanche) -> tuple[dict[str, Any], Outcome]:
    """One trial.

    Returns:
        The READY line of the first server, and the row with what is said of the clients.

    Raises:
        LaunchError: a process did not start.
        TrialFailed: one died, or clients were not where they should be.
    """
    try:
        return _conduct(stage, options)
    except (OutageError, WrongConnections) as error:
        raise TrialFailed(str(error)) from error
    except (ProcessLookupError, psutil.NoSuchProcess) as error:
        raise TrialFailed(f"a process died during the trial: {error}") from error


def _conduct(stage: Stage, options: Avalanche) -> tuple[dict[str, Any], Outcome]:
    begun = time.monotonic()
    with Servers(stage.serve, stage.label) as servers:
        servers.start()
        ready = servers.running.ready.stored()
        lack = missing()
        if lack is not None:
            return ready, Outcome(measurements=[without_numbers(METRICS, NAME, lack)])
        with crowd(
            _WHO,
            server=servers.running.ready,
            namespace=stage.namespace,
            transport=stage.transport,
            offsets_s=_offsets_s(options, stage.seed),
            label=stage.label.with_name(f"{stage.label.name}-clients"),
            core=stage.core,
            more={"echo": {"event": ECHO_EVENT, "answer": RESPONSE_EVENT}},
        ) as clients:
            seen = _Trial(options, stage, servers, clients).run()
    found = summarise(seen)
    facts = GeneratorFacts(
        arrival_clock="user",
        transport=stage.transport,
        connections=options.clients,
        client="official",
        seconds=time.monotonic() - begun,
        versions={"python": platform.python_version(), **clients.running.ready.versions},
        crashes=clients.crashes,
        numbers=_numbers(seen, found.reconnections),
    )
    return ready, Outcome(measurements=[found], generator=facts)


def _offsets_s(options: Avalanche, seed: int) -> list[float]:
    """When each client connects at first: at a random moment of its own share of the time."""
    chooser = random.Random(seed)
    return [
        (number + chooser.random()) / options.connect_rate_hz for number in range(options.clients)
    ]


def _numbers(seen: Seen, found: list[Reconnection]) -> dict[str, float]:
    """What belongs to the row beside its metrics."""
    away_s = seen.happening.away_s
    # Of the clients' own delays, less what connecting itself takes.
    latest_s = expected.reconnected_latest_s(_WHO, Outage.KILL, (away_s, away_s))
    later = sum((each.reconnected_s or 0) > latest_s + TOLERANCE_S for each in found)
    return {
        "away_s": away_s,
        "reconnected_latest_s": latest_s,
        "reconnected_later": later,
        "connected_twice": repeated(seen.events, seen.happening),
        "generator_busiest_percent": busiest(seen.readings).working_percent,
    }


@dataclass(slots=True)
class _Trial:
    """The steps of a trial, with all that they share."""

    options: Avalanche
    stage: Stage
    servers: Servers
    clients: Crowd

    def run(self) -> Seen:
        """Everybody connects, loses the server, and comes back or does not."""
        self._until_complete()
        self._verify_transport(self.options.clients)
        before = len(self.clients.events())
        gone_ns = self.servers.kill()
        down_ns = gone_ns + round(self.options.down_s * 1e9)
        self._wait(lambda: False, down_ns, serving=False)
        back_ns = self.servers.start()
        server = Meter(self.servers.running.ready.pid)
        clients = Meter(self.clients.running.process.pid)
        readings = [_reading(clients, server)]

        def over() -> bool:
            readings.append(_reading(clients, server))
            return self._answered(before) == self.options.clients

        until_ns = back_ns + round(self._observed_s((back_ns - gone_ns) / 1e9) * 1e9)
        self._wait(over, until_ns)
        self._verify_transport(None)
        happening = Happening(gone_ns, back_ns, min(until_ns, time.monotonic_ns()))
        return Seen(happening, self.clients.events(), readings, server.server_mib())

    def _observed_s(self, away_s: float) -> float:
        """How long the last client is waited for; all of them notice a kill at once."""
        by_rules_s = expected.observed_s(_WHO, Outage.KILL, (away_s, away_s))
        return by_rules_s + self.options.patience_s

    def _answered(self, before: int) -> int:
        """How many have come back and had their answer.

        Counted from the new lines alone: this shares a core with the clients.
        """
        fresh = self.clients.events()[before:]
        return len({event.client for event in fresh if event.what is What.ANSWERED})

    def _until_complete(self) -> None:
        size = self.options.clients
        limit_s = connect_timeout_s(size) + size / self.options.connect_rate_hz
        if not self._wait(self.clients.complete, time.monotonic_ns() + round(limit_s * 1e9)):
            raise OutageError(
                f"not all of {size} clients connected to the {self.stage.mode} server within "
                f"{limit_s:.0f} s; their log: {self.clients.running.log}"
            )

    def _verify_transport(self, size: int | None) -> None:
        """Check by the server's account that all are on the transport of the cell."""
        try:
            verify_connections(self.servers.journal, self.stage.transport, size)
        except WrongConnections as error:
            raise OutageError(f"{error}; its log: {self.servers.running.log}") from error

    def _wait(self, done: Callable[[], bool], until_ns: int, *, serving: bool = True) -> bool:
        """Wait until something is done, while all processes live that should.

        Returns:
            Whether it was done by then.
        """
        while True:
            self.clients.events()
            if serving:
                self.servers.check()
            left_s = (until_ns - time.monotonic_ns()) / 1e9
            if done():
                return True
            if left_s <= 0:
                return False
            time.sleep(min(_LOOK_S, left_s))


def _reading(clients: Meter, server: Meter) -> Reading:
    """All clocks, now.

    Raises:
        ProcessLookupError: one of the processes has died.
    """
    return Reading(time.monotonic_ns(), clients.server_ns() or 0, server.server_ns())
