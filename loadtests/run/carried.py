"""What a run has its trials carried out by, and what it gets of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from loadtests.machine.cores import Pinning
from loadtests.record.results import PlannedTrial
from loadtests.run.trial import Came
from loadtests.scenarios.scenario import Variant


class CarriedOut(NamedTuple):
    """What came of a trial.

    Attributes:
        planned: it.
        server: the READY line of its server, empty where that is not ours.
        came: its outcome, or the reason that its rows get.
    """

    planned: PlannedTrial
    server: dict[str, Any]
    came: Came


class Executor(Protocol):
    """What a run has its trials carried out by."""

    @property
    def pins(self) -> Pinning:
        """Where servers and generators run."""

    def prepare(self) -> dict[str, Any]:
        """Get ready; what it found out about the machine, for the result's environment."""

    def room(self, variant: Variant) -> int:
        """How many trials of a kind can be carried out together; one at least."""

    def lack(self, planned: PlannedTrial) -> str | None:
        """Why a trial cannot run here, or not in its mode; None where it can."""

    def measure(self, together: Sequence[PlannedTrial]) -> Iterator[CarriedOut]:
        """Carry out trials of one group, or one alone.

        Raises:
            KeyboardInterrupt: after what could still be given.
        """

    def server_log(self, planned: PlannedTrial) -> Path:
        """Where its server's log is, if it has one."""
