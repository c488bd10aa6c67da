"""Runs an experiment: block after block of trials, each with a fresh server.

Trials of a group are carried out together: their servers take turns. ``result.json`` is written
anew after every group, so an interrupted or killed run keeps what it
has measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from loadtests import __version__
from loadtests.machine import cores, facts
from loadtests.machine.logs import raised
from loadtests.record import calibration, results
from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Status
from loadtests.run.carried import Executor
from loadtests.run.experiment import Experiment
from loadtests.run.plan import plan
from loadtests.run.progress import Reporter
from loadtests.run.schedule import Fixed, Schedule
from loadtests.run.trial import Came
from loadtests.scenarios.bench import Outcome
from loadtests.scenarios.errors import TrialFailed


class Run:
    """One run of an experiment into a folder.

    Args:
        experiment: narrowed already.
        folder: exists; the result goes there.
        executor: carries out the trials.
        schedule: of the trials; None for the experiment's own plan.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: Path,
        executor: Executor,
        schedule: Schedule | None = None,
    ) -> None:
        self._experiment = experiment
        self._folder = folder
        self._executor = executor
        self._schedule = schedule or Fixed(experiment, plan(experiment, executor.room))
        self._environment = facts.describe(executor.pins)
        self._calibration, note = calibration.for_run(self._environment, __version__)
        if note is not None:
            self._environment["calibration"] = note
        self._trials: list[Trial] = []
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._begun = time.monotonic()

    def run(self, reporter: Callable[[int], Any]) -> Result:
        """Run every trial that is planned, or as many as there is time for until Ctrl-C.

        Args:
            reporter: given the number of trials, a context manager that gives a Reporter.
        """
        result = self._write("running")
        ended = "interrupted"
        try:
            self._environment |= self._executor.prepare()
            trials = len(self._schedule.planned)
            with cores.staying_off(self._executor.pins.server), reporter(trials) as told:
                self._run_all(told)
            ended = "complete"
        except KeyboardInterrupt:
            pass
        finally:
            result = self._write(ended)
        return result

    def _run_all(self, told: Reporter) -> None:
        for together in self._schedule.groups():
            told.began(together, self._schedule.left_s())
            self._run_together(together, told)

    def _run_together(self, together: Sequence[PlannedTrial], told: Reporter) -> None:
        """Trials that are carried out at the same time; each is kept as soon as it is there."""
        begun = time.monotonic()
        lacks = {planned.number: self._executor.lack(planned) for planned in together}
        able = [planned for planned in together if lacks[planned.number] is None]
        found: list[tuple[PlannedTrial, Trial]] = []
        try:
            for planned, server, came in self._executor.measure(able) if able else ():
                found.append((planned, self._trial(planned, begun, server, came)))
        finally:
            for planned in together:
                if (lack := lacks[planned.number]) is not None:
                    found.append((planned, self._trial(planned, begun, {}, lack)))
            # Each took its share of the time.
            seconds = (time.monotonic() - begun) / len(together)
            for planned, trial in sorted(found, key=lambda pair: pair[0].number):
                trial = msgspec.structs.replace(trial, seconds=seconds)
                self._trials.append(trial)
                self._schedule.came(planned, trial)
                told.ended(planned, trial)
            self._write("running")

    def _trial(
        self, planned: PlannedTrial, begun: float, server: dict[str, Any], came: Came | str
    ) -> Trial:
        status, reason, outcome = Status.OK, None, Outcome()
        if isinstance(came, str):
            status, reason = Status.UNAVAILABLE, came
        elif isinstance(came, TrialFailed):
            status, reason = Status.FAILED, str(came)
        else:
            outcome = came
        log = self._executor.server_log(planned)
        return Trial(
            number=planned.number,
            status=status,
            reason=reason,
            server_log=f"{log.parent.name}/{log.name}" if log.exists() else None,
            started_s=begun - self._begun,
            server=server,
            generator=outcome.generator,
            measurements=outcome.measurements,
            raised=self._raised(planned, log),
        )

    def _raised(self, planned: PlannedTrial, log: Path) -> str:
        own = {each.label for each in self._experiment.subject if each.app is not None}
        if planned.mode not in own or not log.exists():
            return ""
        return raised(log.read_text(encoding="utf-8", errors="replace"))

    def _write(self, ended: str) -> Result:
        result = Result(
            format=results.FORMAT,
            version=__version__,
            started=self._started,
            ended=ended,
            seconds=time.monotonic() - self._begun,
            experiment=_told(self._experiment),
            environment=self._environment,
            plan=self._schedule.planned,
            trials=self._trials,
            calibration=self._calibration,
        )
        results.write(result, self._folder)
        return result


def _told(experiment: Experiment) -> dict[str, Any]:
    """An experiment as everybody may read it: what is said to connections and arms, not what."""
    shown = msgspec.structs.replace(
        experiment,
        target=experiment.target.unsaid(),
        base=experiment.base and experiment.base.unsaid(),
        head=experiment.head and experiment.head.unsaid(),
        messages=experiment.messages and experiment.messages.unsaid(),
        subject=[each.unsaid() for each in experiment.subject],
    )
    told: dict[str, Any] = msgspec.to_builtins(shown)
    return told
