"""Runs one assigned trial inside a Locust process: waits for its users, measures, writes, quits."""

from __future__ import annotations

import gc
import logging
import platform
import time
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
from loadtests.machine.cores import own_cores, stolen_s
from loadtests.machine.journal import WrongConnections, verify_connections
from loadtests.machine.meter import Meter
from loadtests.record.results import Measurement
from loadtests.record.words import Client, row_of
from loadtests.run.trial import Assignment, Outcome, connect_timeout_s
from loadtests.scenarios import broadcast, echo
from loadtests.scenarios.bench import Bench, TrialFailed
from loadtests.scenarios.disconnect import measure

#: Scenario -> what measures it. A new scenario is a file, its options in options.py, and a line.
MEASURE: dict[str, Callable[[Bench, Any], list[Measurement]]] = {
    "echo": echo.measure,
    "broadcast": broadcast.measure,
    "disconnect": measure.measure,
}


class Conductor:
    """Told by each user of its session, measures once all are there.

    Args:
        assignment: what to do.
        quit_locust: called at the end, however it ended.
    """

    def __init__(self, assignment: Assignment, quit_locust: Callable[[], None]) -> None:
        self.assignment = assignment
        self._quit_locust = quit_locust
        self._expected = assignment.experiment.in_generator(assignment.scenario, assignment.variant)
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
        path = Path(self.assignment.outcome)
        scratch = path.with_suffix(".partial")
        scratch.write_bytes(msgspec.json.encode(outcome))
        scratch.replace(path)
        self._quit_locust()

    def _measure(self) -> Outcome:
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
        if self.assignment.journal is not None:
            journal = Path(self.assignment.journal)
            verify_connections(journal, self.assignment.transport, self._expected)
        yardstick_ms = yardstick.measure_ms(self.assignment.server_core)
        gevent.sleep(0.1)  # what the connecting itself set off has settled
        bench = Bench(
            sessions=self._sessions,
            alarm=Alarm(),
            meter=Meter(self.assignment.server_pid),
            seed=self.assignment.seed,
            journal=Path(self.assignment.journal) if self.assignment.journal else None,
            assignment=self.assignment,
        )
        scenario = self.assignment.scenario
        options = self.assignment.experiment.options(scenario, self.assignment.variant)
        cores = own_cores()
        if self.assignment.server_core is not None:
            cores.add(self.assignment.server_core)
        begun_ns, stolen_before_s = time.monotonic_ns(), stolen_s(cores)
        # A collection's pause would be charged to the server. Raw times make no cycles.
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            measurements = bench.distrust(MEASURE[scenario](bench, options))
        finally:
            bench.alarm.close()
        seconds = (time.monotonic_ns() - begun_ns) / 1e9
        facts = {
            "arrival_clock": arrival_clock(self.assignment.client),
            "transport": self.assignment.transport,
            "connections": self.assignment.experiment.connections(
                scenario, self.assignment.variant
            ),
            "client": self.assignment.client,
            "seconds": seconds,
            "yardstick_ms": yardstick_ms,
            "stolen_percent": 100
            * (stolen_s(cores) - stolen_before_s)
            / seconds
            / max(1, len(cores)),
            "versions": {
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in PACKAGES[self.assignment.client]},
            },
            **bench.facts,
        }
        found = measured_with(self.assignment.client, measurements)
        return Outcome(measurements=found, generator=facts)


_LAG = "receive_lag_p99"


_NO_LAG = "python-socketio's client does not tell when the kernel had a message"


def measured_with(client: Client, measurements: Sequence[Measurement]) -> list[Measurement]:
    """The measurements of a scenario under the row names of a client.

    What the reference cannot know is unavailable, never zero.
    """
    if client is Client.TRANSPORT_BENCH:
        return list(measurements)
    return [
        msgspec.structs.replace(
            each,
            scenario=row_of(each.scenario, client),
            metrics=each.metrics | {_LAG: None},
            invalid={name: why for name, why in each.invalid.items() if name != _LAG},
            unavailable=each.unavailable | {_LAG: _NO_LAG},
        )
        for each in measurements
    ]
