"""What trials' numbers are worth, one by one and together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from loadtests.arithmetic.validity import LATE
from loadtests.record.results import Measurement, Trial
from loadtests.record.words import Metric, Status


class Worth(NamedTuple):
    """What the number of one trial is worth.

    Attributes:
        disturbed: whether the machine or the load generator touched it, and what spoiled it, if
            anything did, was that and not the server.
    """

    status: Status
    reason: str = ""
    disturbed: bool = False


def can_spare(worths: Sequence[Worth]) -> bool:
    """Whether a row can do without the trials that something other than the server disturbed.

    It need where a number of them is not to be trusted, and can where the sound ones, two at least,
    are the greater half. What was disturbed is then missing at random: the cause knows nothing of
    the number, so the others' mean is not moved (R. Little, D. Rubin, "Statistical Analysis with
    Missing Data", third edition, section 1.3). For that all of it goes, also what was disturbed by
    less than spoils its number: whether it does depends on the number. A trial with any other fault
    is no such case, and its row stays invalid.
    """
    spoiled = [worth for worth in worths if worth.status is not Status.OK]
    sound = sum(1 for worth in worths if worth.status is Status.OK and not worth.disturbed)
    explained = all(worth.disturbed for worth in spoiled)
    return bool(spoiled) and explained and sound >= 2 and len(worths) < 2 * sound


def left_out(worths: Sequence[Worth]) -> list[str]:
    """Why trials are left out, each reason once."""
    reasons = Counter(worth.reason for worth in worths if worth.disturbed)
    return _sentences("left out", reasons, len(worths))


def together(worths: Sequence[Worth]) -> tuple[Status, tuple[str, ...]]:
    """What the numbers of one metric are worth together, and why it is not ``ok``."""
    by_status: dict[Status, Counter[str]] = {status: Counter() for status in Status}
    for worth in worths:
        by_status[worth.status][worth.reason] += 1
    total = len(worths)
    bad = [status for status in Status if status is not Status.OK and by_status[status]]
    if not bad:
        return Status.OK, ()
    if bad == [Status.UNAVAILABLE] and by_status[Status.UNAVAILABLE].total() == total:
        return Status.UNAVAILABLE, tuple(by_status[Status.UNAVAILABLE])
    measured = by_status[Status.OK].total() + by_status[Status.INVALID].total()
    reasons = tuple(
        sentence
        for status in bad
        for sentence in _sentences(_VERBS[status], by_status[status], total)
    )
    return (Status.INVALID if measured else Status.FAILED), reasons


def trial_worth(
    metric: Metric, trial: Trial | None, measurement: Measurement | None, interrupted: bool
) -> Worth:
    """What the number of one trial is worth.

    Args:
        metric: whose number.
        trial: what came of a planned trial; None where it never ran.
        measurement: the trial's for the row; None where it has none.
        interrupted: whether the run ended early, which explains trials that never ran.
    """
    name = metric.name
    if trial is None:
        why = "the run was interrupted before" if interrupted else "the run has no such trial"
        return Worth(Status.FAILED, f"never ran: {why}")
    if trial.status in (Status.FAILED, Status.UNAVAILABLE):
        return Worth(trial.status, trial.reason or "no reason was given")
    if measurement is None:
        return Worth(Status.FAILED, "the trial ran but brought no measurement of this row")
    if name in measurement.invalid:
        return Worth(Status.INVALID, measurement.invalid[name], name in measurement.disturbed)
    if measurement.metrics.get(name) is not None:
        touched = name in measurement.disturbed
        return Worth(Status.OK, LATE if touched else "", touched)
    if name in measurement.unavailable:
        return Worth(Status.UNAVAILABLE, measurement.unavailable[name])
    if metric.later and name not in measurement.metrics:
        why = "the version that measured this did not count it"
        return Worth(Status.UNAVAILABLE, why)
    return Worth(Status.FAILED, "the trial brought no number for this metric and no reason")


_VERBS = {
    Status.FAILED: "failed",
    Status.INVALID: "invalid",
    Status.UNAVAILABLE: "without a number",
}


def _sentences(verb: str, reasons: Counter[str], total: int) -> list[str]:
    """Each reason once, with how many of the trials it concerns.

    Reasons that differ in the figures in brackets at their end are one, shown with the first's.
    """
    if total == 1:
        return list(reasons)
    causes: dict[str, tuple[str, int]] = {}
    for reason, count in reasons.items():
        cause = cause_of(reason)
        first, so_far = causes.get(cause, (reason, 0))
        causes[cause] = (first, so_far + count)
    return [f"{count} of {total} trials {verb}: {first}" for first, count in causes.values()]


def cause_of(reason: str) -> str:
    """A reason without the figures in brackets at its end, which differ from trial to trial."""
    return reason.rpartition(" (")[0] if reason.endswith(")") else reason
