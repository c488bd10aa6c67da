"""One trial inside a Locust process: waits for its users, measures, writes what came of it."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import gevent
import msgspec
import psutil
from gevent.event import Event

from loadtests.client.alarm import Alarm
from loadtests.client.errors import tallied
from loadtests.client.session import Session
from loadtests.client.sessions import PACKAGES, arrival_clock
from loadtests.machine.cores import StolenTime
from loadtests.machine.journal import WrongConnections, verify_connections
from loadtests.machine.meter import Meter
from loadtests.record import files
from loadtests.record.application import NAMESPACE
from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Measurement
from loadtests.record.words import Client, row_of
from loadtests.run.trial import Assignment
from loadtests.run.turns import Seat
from loadtests.scenarios.bench import Bench, Outcome, connect_timeout_s
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.negotiated import verify_compression
from loadtests.scenarios.spread.crew import Crew, RemoteSession, Workers
from loadtests.scenarios.spread.orders import Quiet

#: What takes a trial's measurements: a scenario's ``measure``.
Measure = Callable[[Bench, Any], list[Measurement]]

_LAG = "receive_lag_p99"
_NO_LAG = "python-socketio's client does not tell when the kernel had a message"


@dataclass(frozen=True, slots=True)
class Stand:
    """What the trials of one load generator have in common once all clients are there.

    Attributes:
        alarm: for everything that is due.
        meter: of the trial's server.
        seat: in the rounds.
        yardstick_ms: see GeneratorFacts.
        cores: that server and generator use.
    """

    alarm: Alarm
    meter: Meter
    seat: Seat
    yardstick_ms: float
    cores: set[int]


class Conductor:
    """One trial: told by each of its users of its session, measures once all are there.

    Args:
        assignment: what to do.
        measure: takes the measurements.
        together: how many clients connect at the same time, those of other trials among them.
        spun_ns: see Meter.
        workers: that hold the clients; None where this process does.
        cell: the trial's number among those of the ensemble.
    """

    idle = False  #: There is a trial for each of its users.

    def __init__(
        self,
        assignment: Assignment,
        measure: Measure,
        together: int | None = None,
        spun_ns: Callable[[], int] = lambda: 0,
        workers: Workers | None = None,
        cell: int = 0,
    ) -> None:
        self.assignment = assignment
        self.meter = Meter(None)
        self._spun_ns = spun_ns
        self._take = measure
        self.expected = assignment.variant.in_generator
        self._sessions: list[Session] = []
        self.crew: Crew | None = None
        if workers is not None:
            # As far as a scenario goes that can be spread, they are sessions.
            self.crew = Crew(workers, cell, cast("list[RemoteSession]", self._sessions))
        self._failures: list[str] = []
        self._compression = ""
        self._settled = Event()
        self._together = self.expected if together is None else together
        if not self.expected:
            self._settled.set()

    def joined(self, session: Session) -> None:
        """A user has connected."""
        self._sessions.append(session)
        self._settle()

    def joined_elsewhere(self, worker: int, *, compressed: bool) -> None:
        """A worker's user has connected, after those of it who have before."""
        assert self.crew is not None
        number = len(self.crew.by_worker().get(worker, ()))
        self.crew.sessions.append(RemoteSession(worker, number, compressed))
        self._settle()

    def failed(self, reason: str) -> None:
        """A user could not connect."""
        self._failures.append(reason)
        self._settle()

    def _settle(self) -> None:
        if len(self._sessions) + len(self._failures) == self.expected:
            self._settled.set()

    def gather(self) -> bool:
        """Wait for the users and verify their connections; whether there is a trial.

        Where there is none, the outcome says why.
        """
        return self._write_if_failed(self._verified)

    def measure(self, stand: Stand) -> None:
        """Take the measurements, and write what came of them."""

        def measured() -> None:
            self._write(self._measure(stand))

        try:
            self._write_if_failed(measured)
        finally:
            stand.seat.leave()

    def _write_if_failed(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except (TrialFailed, WrongConnections) as error:
            unfinished = isinstance(error, Unfinished)
            self._write(Outcome(error=str(error), unfinished=unfinished))
        except (ProcessLookupError, psutil.NoSuchProcess) as error:
            self._write(Outcome(error=f"the server died during the trial: {error}"))
        except Exception as error:  # the runner must hear of it, whatever it was
            logging.exception("the load generator broke")
            reason = f"the load generator broke: {type(error).__name__}: {error}"
            self._write(Outcome(error=reason))
        else:
            return True
        return False

    def _write(self, outcome: Outcome) -> None:
        files.replace(Path(self.assignment.outcome), msgspec.json.encode(outcome))

    def _verified(self) -> None:
        self._wait_for_all()
        place = self.assignment.place
        if place.journal is not None:
            verify_connections(Path(place.journal), place.transport, self.expected)
        self._compression = verify_compression(
            [session.compressed for session in self._sessions], place
        )
        self.meter = Meter(self.assignment.server_pid, self._spun_ns, self._helpers())

    def _helpers(self) -> dict[int, list[int]]:
        """Processes that hold the clients, and their cores."""
        if self.crew is None:
            return {}
        every = dict.fromkeys(range(self.crew.workers.many), Quiet())
        return {each.pid: each.cores for each in self.crew.ask(every).values()}

    def _measure(self, stand: Stand) -> Outcome:
        place, seat = self.assignment.place, stand.seat
        bench = Bench(
            sessions=self._sessions,
            alarm=stand.alarm,
            meter=stand.meter,
            seed=self.assignment.seed,
            place=place,
            sleep=gevent.sleep,
            turns=seat,
            crew=self.crew,
        )
        stolen = StolenTime(stand.cores)
        variant = self.assignment.variant
        measurements = bench.distrust(self._take(bench, variant.options))
        facts = GeneratorFacts(
            arrival_clock=arrival_clock(place.client),
            transport=place.transport,
            client=place.client,
            compression=self._compression or bench.compression,
            codings=sorted({coding for session in bench.sessions for coding in session.codings}),
            connections=variant.clients,
            generators=max(1, len(self.meter.helpers)),
            seconds=seat.seconds if seat.seconds else stolen.seconds,
            yardstick_ms=stand.yardstick_ms,
            stolen_percent=(
                seat.stolen_percent(len(stand.cores)) if seat.seconds else stolen.percent
            ),
            versions={
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in PACKAGES[place.client]},
            },
            numbers=bench.numbers | seat.numbers(),
            slices=bench.slices,
        )
        found = measured_with(place.client, measurements)
        return Outcome(measurements=found, generator=facts)

    def _hint(self) -> str:
        """What somebody may have forgotten whose own application this is."""
        place = self.assignment.place
        refused = f"namespace {NAMESPACE} refused"
        if place.journal is not None or not any(refused in each for each in self._failures):
            return ""
        return "; other namespaces and events are told by --namespace and --echo-event"

    def _wait_for_all(self) -> None:
        timeout_s = connect_timeout_s(self._together)
        in_time = self._settled.wait(timeout=timeout_s)
        if self._failures:
            raise TrialFailed(
                f"{len(self._failures)} of {self.expected} clients could not connect: "
                f"{tallied(self._failures)}{self._hint()}"
            )
        if not in_time:
            raise TrialFailed(
                f"{len(self._sessions)} of {self.expected} clients connected within {timeout_s:g} s"
            )


def measured_with(client: Client, measurements: Sequence[Measurement]) -> list[Measurement]:
    """The measurements of a scenario under the row names of a client.

    What the reference cannot know is unavailable, never zero.
    """
    if client is not Client.REFERENCE:
        return [
            msgspec.structs.replace(each, row=row_of(each.row, client)) for each in measurements
        ]
    return [
        msgspec.structs.replace(
            each,
            row=row_of(each.row, client),
            metrics=each.metrics | {_LAG: None},
            invalid={name: why for name, why in each.invalid.items() if name != _LAG},
            unavailable=each.unavailable | {_LAG: _NO_LAG},
        )
        for each in measurements
    ]
