"""Two stored runs beside each other: what moved, what else differs, what only one has."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy
import pytest
import scipy.stats

from loadtests.record.results import Result
from loadtests.record.words import Better, Verdict
from reports.facts.run import facts_of
from reports.facts.sides import Sides, beside, headline, reading, side_by_side
from reports.facts.stats import unpaired_ratio
from tests.unit.reports.builder import (
    ENVIRONMENT,
    cells,
    echo_trials,
    failed,
    planned,
    result,
    with_trial,
)
from tests.unit.reports.matrix import realistic

FIXED = ([10.2, 11.1, 9.8, 10.6, 12.0], [12.4, 13.9, 12.1])


def held(base: Result, head: Result) -> Sides:
    return beside(facts_of(base), facts_of(head))


def verdict_of(sides: Sides, metric: str = "latency_p50") -> Verdict | None:
    return next(one.verdict for one in sides.changes if one.metric.name == metric)


def words_of(sides: Sides, metric: str = "latency_p50") -> str:
    return next(one.words for one in sides.changes if one.metric.name == metric)


def elsewhere(run: Result, **environment: Any) -> Result:
    return msgspec.structs.replace(run, environment=ENVIRONMENT | environment)


def test_the_interval_is_welchs_as_scipy_has_it() -> None:
    base, head = FIXED
    found = unpaired_ratio(base, head)
    assert found
    test = scipy.stats.ttest_ind(numpy.log(head), numpy.log(base), equal_var=False)
    theirs = test.confidence_interval(0.95)
    assert math.log(found.value) == pytest.approx(numpy.log(head).mean() - numpy.log(base).mean())
    assert math.log(found.low or 0) == pytest.approx(theirs.low, rel=1e-9)
    assert math.log(found.high or 0) == pytest.approx(theirs.high, rel=1e-9)


def test_one_trial_has_no_interval_and_a_zero_no_ratio() -> None:
    alone = unpaired_ratio([1.0], [2.0, 2.1])
    assert alone
    assert (alone.low, alone.high, alone.apart) == (None, None, None)
    assert unpaired_ratio([0.0, 1.0], [1.0, 1.0]) is None
    assert unpaired_ratio([], [1.0]) is None


def test_numbers_without_any_spread_are_themselves() -> None:
    found = unpaired_ratio([2.0, 2.0], [3.0, 3.0])
    assert found
    assert (found.low, found.high) == (found.value, found.value)


def test_a_run_against_itself_did_not_move() -> None:
    run = realistic(blocks=3)
    sides = held(run, run)
    assert sides.moved == ()
    assert {one.verdict for one in sides.changes} <= {
        Verdict.EXCLUDED,
        Verdict.INCONCLUSIVE,
        None,
    }
    assert headline(sides).startswith("Nothing moved of ")
    assert sides.differences == ()


def test_swapped_runs_are_mirrored() -> None:
    base, head = realistic(blocks=4, seed=1), realistic(blocks=4, seed=7)
    mirror = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    forth, back = held(base, head), held(head, base)
    moved = {(one.name, one.cell): one.verdict for one in forth.moved}
    assert moved
    assert {(one.name, one.cell): mirror[one.verdict] for one in back.moved if one.verdict} == moved


def test_slower_is_said_whichever_way_the_metric_improves() -> None:
    base, head = (10.0, 10.1, 9.9), (12.0, 12.1, 11.9)
    sides = held(echo_trials(*base), echo_trials(*head))
    assert verdict_of(sides) is Verdict.SLOWER
    assert words_of(sides).endswith("slower")
    faster = held(echo_trials(*base, metric="throughput"), echo_trials(*head, metric="throughput"))
    assert verdict_of(faster, "throughput") is Verdict.FASTER


def test_what_moved_most_comes_first() -> None:
    base = cells("latency_p50", a=(10.0, 10.1), b=(10.0, 10.1), c=(10.0, 10.1))
    head = cells("latency_p50", a=(12.0, 12.1), b=(10.0, 10.1), c=(15.0, 15.1))
    first = held(base, head).changes[:2]
    assert [(one.cell.mode, one.moved) for one in first] == [("c", True), ("a", True)]


def test_nothing_is_decided_by_single_trials() -> None:
    sides = held(echo_trials(10.0), echo_trials(20.0))
    assert verdict_of(sides) is Verdict.INCONCLUSIVE
    assert words_of(sides) == "inconclusive: a single trial has no interval"
    assert "Of 0 intervals" in reading(sides)


@pytest.mark.parametrize(
    "other", [{"cpu": "another"}, {"kernel": "Linux 6.2"}, {"cores": 64}, {"system": "Darwin"}]
)
def test_on_another_machine_nothing_is_faster_or_slower(other: dict[str, Any]) -> None:
    base = elsewhere(cells("latency_p50", a=(10.0, 10.1), b=(10.0, 10.1)))
    head = elsewhere(cells("latency_p50", a=(20.0, 20.1), b=(10.0, 10.1)), **other)
    sides = held(base, head)
    assert not sides.same_machine
    assert {one.verdict for one in sides.changes} == {None}
    assert sides.moved == ()
    assert "nothing is called faster or slower" in headline(sides)
    assert sides.changes[0].cell.mode == "a"  # still sorted by what moved


def test_another_python_package_or_setting_is_listed_and_does_not_forbid() -> None:
    base = elsewhere(echo_trials(10.0, 10.1))
    head = elsewhere(
        echo_trials(20.0, 20.1),
        python="3.12.1",
        packages=ENVIRONMENT["packages"] | {"gevent": "27.1", "new": "1"},
    )
    base = msgspec.structs.replace(base, experiment={"name": "a", "echo": {"clients": 30}})
    head = msgspec.structs.replace(head, experiment={"name": "b", "echo": {"clients": 40}})
    sides = held(base, head)
    assert [(one.what, one.base, one.head) for one in sides.differences] == [
        ("Python", "3.11.7", "3.12.1"),
        ("gevent", "26.9.0", "27.1"),
        ("new", "–", "1"),
        ("experiment: echo.clients", "30", "40"),
    ]
    assert verdict_of(sides) is Verdict.SLOWER


def test_what_servers_said_they_ran_with_is_held_against_each_other_too() -> None:
    def served(version: str) -> Result:
        run = echo_trials(10.0, 10.1)
        trials = [
            msgspec.structs.replace(trial, server={"versions": {"flask": version}})
            for trial in run.trials
        ]
        return msgspec.structs.replace(run, trials=trials)

    (found,) = held(served("3.1.0"), served("3.1.3")).differences
    assert (found.what, found.base, found.head) == ("served with: flask", "3.1.0", "3.1.3")


def test_a_machine_that_was_slower_that_day_is_told() -> None:
    def at_pace(milliseconds: float) -> Result:
        run = echo_trials(10.0, 10.1)
        trials = [
            msgspec.structs.replace(
                trial,
                generator=msgspec.structs.replace(trial.generator, yardstick_ms=milliseconds),
            )
            for trial in run.trials
        ]
        return msgspec.structs.replace(run, trials=trials)

    (found,) = held(at_pace(2.0), at_pace(2.6)).differences
    assert (found.base, found.head) == ("2 ms", "2.60 ms")
    assert held(at_pace(2.0), at_pace(2.02)).differences == ()


def test_a_cell_that_only_one_run_has_is_listed() -> None:
    base = cells("latency_p50", a=(10.0, 10.1), b=(10.0, 10.1))
    head = cells("latency_p50", a=(10.0, 10.1), c=(10.0, 10.1))
    sides = held(base, head)
    assert sides.only_base == ("echo, b × websocket",)
    assert sides.only_head == ("echo, c × websocket",)


def test_runs_with_nothing_in_common_say_so() -> None:
    sides = held(cells("latency_p50", a=(10.0,)), cells("latency_p50", b=(10.0,)))
    assert "nothing to compare" in headline(sides)


def test_a_cell_that_failed_in_one_run_has_no_verdict_and_says_why() -> None:
    base = cells("latency_p50", a=(10.0, 10.1), b=(10.0, 10.1))
    head = with_trial(with_trial(base, 0, failed(0)), 1, failed(1))
    sides = held(base, head)
    gone = [one for one in sides.changes if one.cell.mode == "a"]
    assert {one.verdict for one in gone} == {None}
    assert {one.words for one in gone} == {"not compared: head is failed"}
    assert {one.head.text for one in gone} == {"failed"}


def test_messages_lost_that_base_never_lost_come_first() -> None:
    sides = held(echo_trials(0, 0, 0, metric="lost"), echo_trials(0, 3, 2, metric="lost"))
    first = sides.changes[0]
    assert (first.metric.name, first.moved) == ("lost", True)
    assert first.words == "none in base, in 2 trials of head"
    assert "1 count that base never had" in headline(sides)
    once = held(echo_trials(0, 0, 0, metric="lost"), echo_trials(0, 3, 0, metric="lost"))
    assert once.moved == ()
    assert words_of(held(echo_trials(0, metric="lost"), echo_trials(0, metric="lost")), "lost") == (
        "none in both"
    )


def test_metrics_without_a_better_side_have_numbers_and_no_verdict() -> None:
    run = realistic(blocks=2, scenarios=("echo",))
    found = [one for one in held(run, run).changes if one.metric.better is Better.NEITHER]
    assert found
    assert {(one.verdict, one.words) for one in found} == {(None, "")}


def test_the_tables_have_every_row_metric_and_cell_with_both_numbers() -> None:
    base, head = realistic(blocks=2), realistic(blocks=2, seed=5)
    sides = held(base, head)
    tables = side_by_side(sides)
    entries = [entry for table in tables for line in table.lines for entry in line[1:]]
    assert len(entries) == len(sides.changes)
    assert all(" → " in entry.text for entry in entries)


def test_an_interrupted_plan_is_compared_as_far_as_it_goes() -> None:
    whole = cells("latency_p50", a=(10.0, 10.1, 10.2))
    early = msgspec.structs.replace(whole, trials=whole.trials[:2], ended="interrupted")
    assert verdict_of(held(whole, early)) is Verdict.EXCLUDED
    assert held(whole, result([planned(0, mode="a")], [], ended="interrupted")).moved == ()
