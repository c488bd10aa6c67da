"""From trials to one finding for each row: median, spread and whether the target is met. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import median

import msgspec

from loadtests.generator.bench_client.measured import ContenderTrial, Setup
from loadtests.generator.bench_client.rows import BenchRow, Reference
from loadtests.record.exits import Exit


class Verdict(StrEnum):
    """What is known of a target."""

    MET = "yes"
    MISSED = "no"
    FAILED = "failed"  #: a trial that it needs gave no number
    UNAVAILABLE = "not available"  #: what it needs cannot be had here
    INFORMS = "–"  #: there is no target


class TargetFinding(msgspec.Struct, frozen=True):
    """A row's result.

    Attributes:
        name, what, target, unit: of the row.
        verdict: see Verdict.
        median, low, high: over the rounds, in the row's unit; None where there is no number.
        values: one for each round, in order.
        note: what a reader should know, or why there is no number.
    """

    name: str
    what: str
    target: str
    unit: str
    verdict: Verdict
    median: float | None = None
    low: float | None = None
    high: float | None = None
    values: list[float] = []
    note: str = ""


def find(row: BenchRow, trials: Sequence[ContenderTrial], reference: Reference) -> TargetFinding:
    """A row's result from the trials of all rounds.

    One trial without a number fails the row: a median of what happened to work would hide it.

    Args:
        row: see ``rows.ROWS``.
        trials: of a whole run, pilot and other rows included.
        reference: see ``rows.Reference``.
    """
    needed = set(row.setups(reference))
    own = [each for each in trials if each.round is not None and each.setup in needed]
    piloted = [each for each in trials if each.round is None]
    verdict, note = _obstacle([each for each in piloted if each.setup.load == row.pilot], own)
    if verdict is not None:
        return TargetFinding(row.name, row.what, row.target, row.unit, verdict, note=note)
    rounds = rounds_of(own)
    values = row.values(rounds)
    shown = [each.shown for each in values]
    shares = [each.share for each in values if each.share is not None]
    verdict = Verdict.INFORMS
    if shares:
        verdict = Verdict.MET if median(shares) <= 1 else Verdict.MISSED
    return TargetFinding(
        row.name,
        row.what,
        row.target,
        row.unit,
        verdict,
        median(shown),
        min(shown),
        max(shown),
        shown,
        row.note(rounds),
    )


def _obstacle(
    piloted: Sequence[ContenderTrial], trials: Sequence[ContenderTrial]
) -> tuple[Verdict | None, str]:
    """Why there is no result, if there is none."""
    for trial in trials:
        if not trial.available:
            return Verdict.UNAVAILABLE, str(trial.problem)
    for trial in (*piloted, *trials):
        if trial.problem is not None:
            when = "pilot" if trial.round is None else f"round {trial.round + 1}"
            return Verdict.FAILED, f"{when}, {trial.setup}: {trial.problem}"
    return (None, "") if trials else (Verdict.FAILED, "it was not measured")


def rounds_of(trials: Sequence[ContenderTrial]) -> list[dict[Setup, ContenderTrial]]:
    """The same trials by round, the pilot left out."""
    numbers = sorted({each.round for each in trials if each.round is not None})
    return [{each.setup: each for each in trials if each.round == number} for number in numbers]


def exit_code(findings: Sequence[TargetFinding]) -> Exit:
    """4 if a contender failed, else 99 if a target is missed, else 0."""
    verdicts = {each.verdict for each in findings}
    if Verdict.FAILED in verdicts:
        return Exit.FAILED
    return Exit.REGRESSION if Verdict.MISSED in verdicts else Exit.FINE
