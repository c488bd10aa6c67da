"""Runs an experiment: trial after trial, each with a fresh server and a fresh load generator.

``result.json`` is written anew after every trial, so an interrupted or killed run keeps what it
has measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from loadtests import __version__
from loadtests.machine import cores, facts
from loadtests.record import calibration, results
from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Status
from loadtests.run.executor import Executor
from loadtests.run.experiment import Experiment, plan
from loadtests.run.progress import Reporter, TimeLeft
from loadtests.scenarios.bench import Outcome, TrialFailed


class Run:
    """One run of an experiment into a folder.

    Args:
        experiment: narrowed already.
        folder: exists; the result goes there.
        executor: carries out the trials.
    """

    def __init__(self, experiment: Experiment, folder: Path, executor: Executor) -> None:
        self._experiment = experiment
        self._folder = folder
        self._executor = executor
        self._plan = plan(experiment)
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
            with cores.staying_off(self._executor.pins.server), reporter(len(self._plan)) as told:
                self._run_all(told)
            ended = "complete"
        except KeyboardInterrupt:
            pass
        finally:
            result = self._write(ended)
        return result

    def _run_all(self, told: Reporter) -> None:
        expected_s = [
            self._experiment.variant(each.scenario, each.variant).expected_s for each in self._plan
        ]
        estimate = TimeLeft(expected_s)
        for planned in self._plan:
            told.began(planned, estimate.left_s(len(self._trials)))
            trial = self._run_one(planned)
            self._trials.append(trial)
            self._write("running")
            told.ended(planned, trial)

    def _run_one(self, planned: PlannedTrial) -> Trial:
        begun = time.monotonic()
        status, reason = Status.OK, self._executor.lack(planned)
        server: dict[str, Any] = {}
        outcome = Outcome()
        if reason is not None:
            status = Status.UNAVAILABLE
        else:
            try:
                server, outcome = self._executor.measure(planned)
            except TrialFailed as error:
                status, reason = Status.FAILED, str(error)
        log = self._executor.server_log(planned)
        return Trial(
            number=planned.number,
            status=status,
            reason=reason,
            server_log=f"{log.parent.name}/{log.name}" if log.exists() else None,
            started_s=begun - self._begun,
            seconds=time.monotonic() - begun,
            server=server,
            generator=outcome.generator,
            measurements=outcome.measurements,
        )

    def _write(self, ended: str) -> Result:
        result = Result(
            format=results.FORMAT,
            version=__version__,
            started=self._started,
            ended=ended,
            seconds=time.monotonic() - self._begun,
            experiment=msgspec.to_builtins(self._experiment),
            environment=self._environment,
            plan=self._plan,
            trials=self._trials,
            calibration=self._calibration,
        )
        results.write(result, self._folder)
        return result
