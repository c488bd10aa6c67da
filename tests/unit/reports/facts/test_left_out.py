"""One bad trial does not empty a row, where what was bad about it was not the server.

That leaving out does not flatter is shown with faults that are made up: numbers from a seeded
generator, and a fault that knows nothing of them, against one that does.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable

import msgspec
import numpy
import pytest

from loadtests.arithmetic.validity import LATE
from loadtests.record.results import Result
from loadtests.record.words import Status
from reports.charts.distributions import Mark, strips
from reports.facts.findings import Kind, Severity
from reports.facts.ratios import ratio_of
from reports.facts.rows import Row, outcomes_of, rows_of
from reports.pages.exports import to_csv, to_json
from reports.summary import summarise
from tests.unit.reports.builder import cells, echo_trials, encoded, failed, ran, with_trial

METRIC = "latency_p50"
WHY = "the hypervisor took the core (12 %)"


def spoiled(base: Result, *numbers: int, disturbed: bool = True, why: str = WHY) -> Result:
    """The same run; in these trials the number is invalid, by the machine's fault or not."""
    for number in numbers:
        (found,) = base.trials[number].measurements
        found = msgspec.structs.replace(
            found, invalid={METRIC: why}, disturbed=[METRIC] if disturbed else []
        )
        base = with_trial(base, number, ran(number, found))
    return base


def row(run: Result) -> Row:
    return next(one for one in summarise(run).rows if one.metric.name == METRIC)


def test_a_disturbed_trial_is_left_out_where_the_others_carry_the_number() -> None:
    found = row(spoiled(echo_trials(1.0, 2.0, 60.0), 2))
    assert (found.status, found.value, found.trials, found.left_out) == (Status.OK, 1.5, 2, 1)
    assert found.values == (1.0, 2.0, None)
    assert found.reasons == (f"1 of 3 trials left out: {WHY}",)


def test_the_trials_other_numbers_stay() -> None:
    run = spoiled(echo_trials(1.0, 2.0, 60.0), 2)
    throughput = next(one for one in summarise(run).rows if one.metric.name == "throughput")
    assert (throughput.trials, throughput.left_out) == (3, 0)


@pytest.mark.parametrize(
    ("trials", "bad", "expected"),
    [
        (5, 1, Status.OK),
        (5, 2, Status.OK),
        (5, 3, Status.INVALID),
        (4, 2, Status.INVALID),  # half is not more than half
        (3, 1, Status.OK),
        (2, 1, Status.INVALID),  # one trial is no carrier
        (1, 1, Status.INVALID),
    ],
)
def test_more_than_half_of_the_trials_and_two_at_least_carry_a_number(
    trials: int, bad: int, expected: Status
) -> None:
    found = row(spoiled(echo_trials(*map(float, range(1, trials + 1))), *range(bad)))
    assert (found.status, found.left_out) == (expected, bad if expected is Status.OK else 0)
    assert found.trials == trials - found.left_out


def test_a_fault_of_the_servers_is_never_left_out() -> None:
    base = echo_trials(1.0, 2.0, 3.0, 60.0, 60.0)
    alone = row(spoiled(base, 4, disturbed=False))
    beside = row(spoiled(spoiled(base, 3), 4, disturbed=False, why="it saturated"))
    for found in (alone, beside):
        assert (found.status, found.left_out, found.trials) == (Status.INVALID, 0, 5)


def test_a_failed_trial_is_never_left_out() -> None:
    found = row(spoiled(with_trial(echo_trials(1.0, 2.0, 3.0, 4.0, 5.0), 4, failed(4)), 3))
    assert (found.status, found.left_out) == (Status.INVALID, 0)


def test_an_interrupted_run_carries_its_numbers_by_the_trials_that_ran() -> None:
    base = spoiled(echo_trials(1.0, 2.0, 3.0, 4.0, 5.0), 2)
    run = msgspec.structs.replace(base, trials=base.trials[:3], ended="interrupted")
    assert (row(run).status, row(run).left_out, row(run).value) == (Status.OK, 1, 1.5)


def touched(base: Result, *numbers: int) -> Result:
    """The same run; in these trials the number stands, though sends were late."""
    for number in numbers:
        (found,) = base.trials[number].measurements
        found = msgspec.structs.replace(found, disturbed=[METRIC])
        base = with_trial(base, number, ran(number, found))
    return base


def test_what_was_disturbed_and_stands_goes_with_what_is_spoiled_by_the_same() -> None:
    late = f"{LATE} (0.7 ms, 31% of this number)"
    base = echo_trials(1.0, 2.0, 3.0, 60.0, 70.0)
    found = row(spoiled(touched(base, 4), 3, why=late))
    assert (found.status, found.values) == (Status.OK, (1.0, 2.0, 3.0, None, None))
    assert found.reasons == (f"2 of 5 trials left out: {late}",)


def test_what_was_disturbed_and_stands_is_kept_where_nothing_is_spoiled() -> None:
    found = row(touched(echo_trials(1.0, 2.0, 3.0), 2))
    assert (found.status, found.trials, found.left_out, found.reasons) == (Status.OK, 3, 0, ())


def test_row_with_too_few_undisturbed_trials_keeps_all_and_is_invalid() -> None:
    found = row(spoiled(touched(echo_trials(1.0, 2.0, 3.0, 4.0), 2), 3))
    assert (found.status, found.trials, found.left_out) == (Status.INVALID, 4, 0)
    assert found.reasons == (f"1 of 4 trials invalid: {WHY}",)


def test_cells_pair_without_the_trial_that_is_left_out() -> None:
    run = cells(METRIC, gevent=(1.0, 2.0, 4.0, 8.0), eventlet=(2.0, 4.0, 8.0, 800.0))
    found = {
        one.cell.mode: one for one in summarise(spoiled(run, 7)).rows if one.metric.name == METRIC
    }
    standing = found["eventlet"].standing
    assert standing is not None
    assert standing.ratio.value == pytest.approx(2.0)


def test_a_number_that_does_without_a_trial_says_so() -> None:
    run = spoiled(cells(METRIC, gevent=(1.0, 2.0, 4.0), eventlet=(2.0, 4.0, 8.0)), 5)
    summary = summarise(run)
    (finding,) = [one for one in summary.findings if one.kind is Kind.TRIALS_LEFT_OUT]
    assert finding.severity is Severity.NOTE
    assert f"1 of 3 trials of echo in eventlet × websocket (latency p50): {WHY}." in finding.text
    assert finding.cells == ("eventlet × websocket",)
    (told,) = [one for one in json.loads(to_json(summary))["rows"] if one["left_out"]]
    assert (told["mode"], told["status"]) == ("eventlet", "ok")
    assert told["reasons"] == [f"1 of 3 trials left out: {WHY}"]
    assert told["values"] == [2.0, 4.0, None]
    assert ",latency_p50,ms,3," in to_csv(summary)
    assert not any(one.kind is Kind.TRIALS_LEFT_OUT for one in summarise(echo_trials(1.0)).findings)


def test_distribution_is_drawn_without_the_trial_that_its_median_does_without() -> None:
    def trials(*milliseconds: float) -> Result:
        base = echo_trials(*milliseconds)
        for number, value in enumerate(milliseconds):
            (found,) = base.trials[number].measurements
            stored = {"latency": encoded(numpy.array([value]))}
            base = with_trial(
                base, number, ran(number, msgspec.structs.replace(found, distributions=stored))
            )
        return base

    def ends(run: Result) -> float:
        figure = strips(summarise(run), "echo", "latency", [Mark(METRIC, "p50", "p50")] * 3, "ms")
        return figure.axes[0].get_xlim()[1]

    base = trials(1.0, 2.0, 600.0)
    assert ends(base) > 600
    assert ends(spoiled(base, 2)) < 100


#: In units of the standard error over all simulated runs: what is unbiased stays below the one,
#: and what is biased by as much as matters is far above the other.
CHANCE, BIASED = 3.5, 8.0
TRUE_MS, TRUE_RATIO, SPREAD = 10.0, 1.25, 0.1

Fault = Callable[[numpy.random.Generator, float], bool]


def by_chance(random: numpy.random.Generator, _: float) -> bool:
    """A neighbour's job, a clock step: it comes when it comes."""
    return bool(random.random() < 0.25)


def by_value(_: numpy.random.Generator, error: float) -> bool:
    """What must not be: whatever reads slow is called disturbed."""
    return error > 0.67


def biases(fault: Fault, runs: int = 300) -> tuple[float, float]:
    """How far off the estimate and the logarithm of the ratio are, in standard errors.

    Five blocks; the machine's speed differs from block to block; eventlet takes 1.25 times as long,
    and only its trials are disturbed, which trebles what they read.
    """
    random = numpy.random.default_rng(7)
    means, ratios = [], []
    for _ in range(runs):
        errors = random.normal(0, 1, 5)
        speeds = random.lognormal(-0.02, 0.2, 5)  # of mean 1
        hit = [number for number, error in enumerate(errors) if fault(random, error)]
        true = TRUE_MS * speeds * numpy.exp(SPREAD * errors - SPREAD**2 / 2)
        read = true * numpy.where(numpy.isin(numpy.arange(5), hit), 3.0, 1.0)
        own = TRUE_MS / TRUE_RATIO * speeds * random.lognormal(-(SPREAD**2) / 2, SPREAD, 5)
        run = cells(METRIC, gevent=tuple(own.tolist()), eventlet=tuple(read.tolist()))
        run = spoiled(run, *(5 + number for number in hit))
        rows = [
            one for one in rows_of(outcomes_of(run), interrupted=False) if one.metric.name == METRIC
        ]
        other, first = sorted(rows, key=lambda one: one.cell.mode)
        between = ratio_of(first, other)
        if other.status is Status.OK and other.value is not None and between is not None:
            means.append(other.value - TRUE_MS)
            ratios.append(math.log(between.value / TRUE_RATIO))
    assert len(means) > runs / 2
    return _errors(means), _errors(ratios)


def _errors(deviations: list[float]) -> float:
    error = statistics.stdev(deviations) / math.sqrt(len(deviations))
    return statistics.fmean(deviations) / error


def test_leaving_out_what_was_disturbed_by_chance_flatters_nobody() -> None:
    of_the_mean, of_the_ratio = biases(by_chance)
    assert abs(of_the_mean) < CHANCE
    assert abs(of_the_ratio) < CHANCE


def late_bias(*, all_that_are_late: bool) -> float:
    """How far off the mean of cells is that do without a trial, in standard errors.

    Eight blocks; a fifth of the trials send late by 0.5 to 2 ms, which is in their latency as well,
    and spoils what is less than four times as long; a server's latency knows nothing of that.
    """
    random = numpy.random.default_rng(11)
    found = []
    for _ in range(600):
        true_ms = random.lognormal(1.4, 0.6, 8)
        late_ms = numpy.where(random.random(8) < 0.2, random.uniform(0.5, 2, 8), 0.0)
        read_ms = true_ms + late_ms
        bad = set(numpy.flatnonzero(late_ms > 0.25 * read_ms).tolist())
        run = echo_trials(*read_ms.tolist())
        if all_that_are_late:
            run = touched(run, *set(numpy.flatnonzero(late_ms).tolist()) - bad)
        one = row(spoiled(run, *bad))
        if one.left_out and one.value is not None:
            found.append(one.value - math.exp(1.4 + 0.6**2 / 2))
    assert len(found) > 100
    return _errors(found)


def test_leaving_out_all_that_are_late_flatters_nobody_and_the_quicker_alone_would() -> None:
    assert abs(late_bias(all_that_are_late=True)) < CHANCE
    assert late_bias(all_that_are_late=False) > CHANCE


def test_leaving_out_by_the_number_itself_would_flatter_and_would_be_seen() -> None:
    of_the_mean, of_the_ratio = biases(by_value)
    assert of_the_mean < -BIASED / 2
    assert of_the_ratio < -BIASED
