"""What a scenario has at its disposal during a trial."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent

from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.meter import Meter

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
        facts: what the generator says of the trial beside its measurements.
    """

    sessions: list[Session]
    alarm: Alarm
    meter: Meter
    seed: int
    journal: Path | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def sleep_until(self, moment_ns: int) -> None:
        """Let the loop run until then, to a millisecond.

        Raises:
            TrialFailed: a session ended that should not have.
        """
        while (left_ns := moment_ns - time.monotonic_ns()) > 0:
            gevent.sleep(min(left_ns / 1e9, 0.25))
            self.check_sessions()

    def check_sessions(self) -> None:
        """Fail the trial when a client was lost that nobody sent away."""
        ended = [session.ended for session in self.sessions if session.ended is not None]
        if ended:
            raise TrialFailed(
                f"{len(ended)} of {len(self.sessions)} clients lost their connection: {ended[0]}"
            )
