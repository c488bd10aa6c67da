"""Runs one assigned trial inside a Locust process: waits for its users, measures, writes, quits."""

from __future__ import annotations

import gc
import logging
import platform
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent.event import Event

from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.client.sessions import PACKAGES, arrival_clock
from loadtests.machine import yardstick
from loadtests.machine.cores import StolenTime, own_cores
from loadtests.machine.journal import WrongConnections, verify_connections
from loadtests.machine.meter import Meter
from loadtests.record import files
from loadtests.record.results import GeneratorFacts, Measurement
from loadtests.record.words import Client, row_of
from loadtests.run.trial import Assignment
from loadtests.scenarios.bench import Bench, Outcome, TrialFailed, connect_timeout_s

#: What takes a trial's measurements: a scenario's ``measure``.
Measure = Callable[[Bench, Any], list[Measurement]]

_LAG = "receive_lag_p99"
_NO_LAG = "python-socketio's client does not tell when the kernel had a message"
_SETTLE_S = 0.1  # what the connecting itself set off


class Conductor:
    """Told by each user of its session, measures once all are there.

    Args:
        assignment: what to do.
        measure: takes the measurements.
        quit_locust: called at the end, however it ended.
    """

    def __init__(
        self, assignment: Assignment, measure: Measure, quit_locust: Callable[[], None]
    ) -> None:
        self.assignment = assignment
        self._take = measure
        self._quit_locust = quit_locust
        self._expected = assignment.variant.in_generator
        self._sessions: list[Session] = []
        self._failures: list[str] = []
        self._settled = Event()

    def joined(self, session: Session) -> None:
        """A user has connected."""
        self._sessions.append(session)
        self._settle()

    def failed(self, reason: str) -> None:
        """A user could not connect."""
        self._failures.append(reason)
        self._settle()

    def _settle(self) -> None:
        if len(self._sessions) + len(self._failures) == self._expected:
            self._settled.set()

    def run(self) -> None:
        """The whole trial, as a greenlet of its own."""
        try:
            outcome = self._measure()
        except (TrialFailed, WrongConnections) as error:
            outcome = Outcome(error=str(error))
        except ProcessLookupError as error:
            outcome = Outcome(error=f"the server died during the trial: {error}")
        except Exception as error:  # the runner must hear of it, whatever it was
            logging.exception("the load generator broke")
            outcome = Outcome(error=f"the load generator broke: {type(error).__name__}: {error}")
        try:
            files.replace(Path(self.assignment.outcome), msgspec.json.encode(outcome))
        finally:  # a full disk is told by the log, not by waiting
            self._quit_locust()

    def _measure(self) -> Outcome:
        self._wait_for_all()
        place, core = self.assignment.place, self.assignment.server_core
        if place.journal is not None:
            verify_connections(Path(place.journal), place.transport, self._expected)
        yardstick_ms = yardstick.measure_ms(core)
        gevent.sleep(_SETTLE_S)
        bench = Bench(
            sessions=self._sessions,
            alarm=Alarm(),
            meter=Meter(self.assignment.server_pid),
            seed=self.assignment.seed,
            place=place,
            sleep=gevent.sleep,
        )
        stolen = StolenTime(own_cores() | ({core} if core is not None else set()))
        # A collection's pause would be charged to the server. Raw times make no cycles.
        gc.collect()
        gc.freeze()
        gc.disable()
        variant = self.assignment.variant
        try:
            measurements = bench.distrust(self._take(bench, variant.options))
        finally:
            bench.alarm.close()
        facts = GeneratorFacts(
            arrival_clock=arrival_clock(place.client),
            transport=place.transport,
            client=place.client,
            connections=variant.clients,
            seconds=stolen.seconds,
            yardstick_ms=yardstick_ms,
            stolen_percent=stolen.percent,
            versions={
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in PACKAGES[place.client]},
            },
            numbers=bench.numbers,
        )
        found = measured_with(place.client, measurements)
        return Outcome(measurements=found, generator=facts)

    def _wait_for_all(self) -> None:
        timeout_s = connect_timeout_s(self._expected)
        in_time = self._settled.wait(timeout=timeout_s)
        if self._failures:
            raise TrialFailed(
                f"{len(self._failures)} of {self._expected} clients could not connect: "
                f"{self._failures[0]}"
            )
        if not in_time:
            raise TrialFailed(
                f"{len(self._sessions)} of {self._expected} clients connected "
                f"within {timeout_s:g} s"
            )


def measured_with(client: Client, measurements: Sequence[Measurement]) -> list[Measurement]:
    """The measurements of a scenario under the row names of a client.

    What the reference cannot know is unavailable, never zero.
    """
    if client is Client.TRANSPORT_BENCH:
        return list(measurements)
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
