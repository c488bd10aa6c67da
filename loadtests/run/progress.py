"""What a person, or a CI log, sees while a run goes on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from loadtests.record.results import PlannedTrial, Trial
from loadtests.record.words import Client, Status


class Reporter(Protocol):
    """Told of the trials as they begin and end."""

    def began(self, together: Sequence[PlannedTrial], left_s: float) -> None:
        """Trials begin; about ``left_s`` seconds are left of the run, these included."""

    def ended(self, planned: PlannedTrial, trial: Trial) -> None:
        """A trial has ended, however."""


class TimeLeft:
    """How long a run will still take: its plan, corrected by how long the trials really took.

    Args:
        expected_s: of each trial, in order.
    """

    def __init__(self, expected_s: Sequence[float]) -> None:
        self._expected_s = expected_s
        self._begun = time.monotonic()

    def left_s(self, done: int) -> float:
        """Seconds left when ``done`` trials are."""
        left = sum(self._expected_s[done:])
        if not done:
            return left
        return left * (time.monotonic() - self._begun) / sum(self._expected_s[:done])


@contextmanager
def reporter(trials: int) -> Iterator[Reporter]:
    """A bar on a terminal; a line per trial elsewhere, and where CI is set."""
    if sys.stdout.isatty() and not os.environ.get("CI"):
        # Few refreshes: the bar shares a core with the load generator.
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("about {task.fields[left]} left"),
            refresh_per_second=2,
        )
        with progress:
            yield _Bar(progress, trials)
    else:
        yield _Lines(trials)


class _Bar:
    def __init__(self, progress: Progress, trials: int) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=trials, left="?")

    def began(self, together: Sequence[PlannedTrial], left_s: float) -> None:
        self._progress.update(self._task, description=_names(together), left=_duration(left_s))

    def ended(self, planned: PlannedTrial, trial: Trial) -> None:
        if trial.status is Status.FAILED:
            self._progress.console.print(
                f"[red]failed[/red] {_name(planned)}:", escape(trial.reason or ""), highlight=False
            )
        self._progress.advance(self._task)


class _Lines:
    def __init__(self, trials: int) -> None:
        self._trials = trials
        self._left_s = 0.0
        self._begun = False
        self._console = Console(highlight=False, soft_wrap=True, markup=False)

    def began(self, together: Sequence[PlannedTrial], left_s: float) -> None:  # noqa: ARG002  # the bar's
        self._left_s = left_s
        if not self._begun:
            self._begun = True
            self._console.print(
                f"{self._trials} trial{'s' if self._trials != 1 else ''}, about {_duration(left_s)}"
            )

    def ended(self, planned: PlannedTrial, trial: Trial) -> None:
        self._left_s = max(0.0, self._left_s - trial.seconds)
        left = _duration(self._left_s)
        place = f"{planned.number + 1:{len(str(self._trials))}}/{self._trials}"
        reason = f": {trial.reason}" if trial.reason else ""
        self._console.print(
            f"{place} {_name(planned)} {trial.status} in {trial.seconds:.1f} s, "
            f"about {left} left{reason}"
        )


def _names(together: Sequence[PlannedTrial]) -> str:
    if len(together) == 1:
        return _name(together[0])
    return f"{_kind(together[0])}, {len(together)} cells in turns"


def _kind(planned: PlannedTrial) -> str:
    return f"{planned.scenario}:{planned.variant}" if planned.variant else planned.scenario


def _name(planned: PlannedTrial) -> str:
    name = f"{_kind(planned)} {planned.mode} × {planned.transport}"
    return name if planned.client is Client.TRANSPORT_BENCH else f"{name}, {planned.client}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
