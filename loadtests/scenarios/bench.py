"""What a scenario has at its disposal during a trial."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import msgspec

from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.machine.meter import Meter
from loadtests.record.results import Measurement
from loadtests.run.trial import Assignment

#: From the decision to begin to the first due time.
LEAD_NS = 20_000_000


class TrialFailed(Exception):
    """There is nothing to measure, or no longer; the message is the trial's reason."""


@dataclass(slots=True)
class Bench:
    """One trial's equipment.

    Attributes:
        sessions: connected, in the order in which they connected.
        alarm: for everything that is due at a moment.
        meter: of server and generator.
        seed: for what is random in the trial.
        journal: the server's, where it is ours.
        assignment: of the trial, for scenarios that start clients of their own.
        facts: what the generator says of the trial beside its measurements.
        judged: the sessions whose loss spoils every number; None for all.
    """

    sessions: list[Session]
    alarm: Alarm
    meter: Meter
    seed: int
    journal: Path | None = None
    assignment: Assignment | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    judged: Sequence[Session] | None = None

    def sleep_until(self, moment_ns: int) -> None:
        """Let the loop run until then, to a millisecond.

        Raises:
            TrialFailed: no session is left.
        """
        while (left_ns := moment_ns - time.monotonic_ns()) > 0:
            gevent.sleep(min(left_ns / 1e9, 0.25))
            self.check_sessions()

    def check_sessions(self) -> None:
        """Fail the trial when every client was lost; as long as one is left, it goes on."""
        if all(session.ended is not None for session in self.sessions):
            raise TrialFailed(
                f"all {len(self.sessions)} clients lost their connection: {self.sessions[0].ended}"
            )

    def distrust(self, measurements: Sequence[Measurement]) -> list[Measurement]:
        """The same; every number is invalid when clients were lost that nobody sent away."""
        judged = self.sessions if self.judged is None else self.judged
        ended = [session.ended for session in judged if session.ended is not None]
        if not ended:
            return list(measurements)
        reason = f"clients lost their connection: {ended[0]} ({len(ended)} of {len(judged)})"
        return [
            msgspec.structs.replace(
                each,
                invalid={name: reason for name, value in each.metrics.items() if value is not None}
                | each.invalid,
            )
            for each in measurements
        ]
