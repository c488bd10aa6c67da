"""Findings: each kind appears when it should, and only then."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Result
from reports.facts.findings import Finding, Kind, Severity
from reports.summary import summarise
from tests.unit.reports.builder import (
    cells,
    echo_trials,
    failed,
    measurement,
    planned,
    ran,
    result,
    with_trial,
)
from tests.unit.reports.matrix import realistic, troubled


def found(run: Result, kind: Kind) -> list[Finding]:
    return [one for one in summarise(run).findings if one.kind is kind]


def spoiled(**changes: Any) -> Result:
    """Three trials of one cell whose measurements differ by these fields."""
    trials = [
        ran(number, msgspec.structs.replace(measurement("echo", server_busy=99.0), **changes))
        for number in range(3)
    ]
    return result([planned(number) for number in range(3)], trials)


def machine(fact: str, *values: float) -> Result:
    """Trials whose generators tell a fact about the machine."""
    base = echo_trials(*(1.0 for _ in values))
    trials = [
        msgspec.structs.replace(
            trial, generator=msgspec.structs.replace(trial.generator, **{fact: value})
        )
        for trial, value in zip(base.trials, values, strict=True)
    ]
    return msgspec.structs.replace(base, trials=trials)


@pytest.mark.parametrize(("percent", "expected"), [(0.5, 0), (0.6, 1)])
def test_stolen_cpu_time_is_a_warning(percent: float, expected: int) -> None:
    findings = found(machine("stolen_percent", 0.0, percent), Kind.NOISY_MACHINE)
    assert len(findings) == expected
    assert all("in 1 of 2 trials" in finding.text for finding in findings)


@pytest.mark.parametrize(
    ("slowest", "expected"),
    [(2.4, 0), (2.5, 1)],  # at most a fifth longer than the quickest, which took 2 ms
)
def test_a_machine_that_changes_its_speed_is_a_warning(slowest: float, expected: int) -> None:
    findings = found(machine("yardstick_ms", slowest, 2.0, 2.1), Kind.UNSTEADY_MACHINE)
    assert len(findings) == expected
    assert all("2 to 2.50 ms from trial to trial" in finding.text for finding in findings)


def test_a_sound_run_has_no_findings() -> None:
    assert summarise(spoiled(samples={"latency": 1000})).findings == ()


def test_every_finding_ends_in_advice() -> None:
    for finding in summarise(msgspec.structs.replace(troubled(), ended="interrupted")).findings:
        assert finding.text.endswith(".")
        assert finding.advice.endswith(".")


def test_warnings_come_before_notes() -> None:
    severities = [one.severity for one in summarise(troubled()).findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert set(severities) == set(Severity)


def test_single_trials_are_a_warning_that_names_the_remedy() -> None:
    (finding,) = found(echo_trials(1.0), Kind.SINGLE_TRIAL)
    assert "the profile “default”" in finding.advice
    assert not found(echo_trials(1.0, 2.0), Kind.SINGLE_TRIAL)


def test_single_trials_of_some_cells_name_them() -> None:
    run = cells("latency_p50", gevent=(1.0, 2.0), eventlet=(1.0,))
    (finding,) = found(run, Kind.SINGLE_TRIAL)
    assert finding.cells == ("eventlet × websocket",)


@pytest.mark.parametrize(("samples", "expected"), [(999, 1), (1000, 0)])
def test_a_p99_of_fewer_than_a_thousand_samples_is_undersampled(
    samples: int, expected: int
) -> None:
    findings = found(spoiled(samples={"latency": samples}), Kind.UNDERSAMPLED)
    assert len(findings) == expected
    for finding in findings:
        assert "longer trials or a higher rate mend it" in finding.advice
        assert "PROFILE" not in finding.advice
        assert finding.cells == ("gevent × websocket",)


def test_undersampling_counts_the_smallest_trial() -> None:
    trials = [
        ran(n, msgspec.structs.replace(measurement("echo"), samples={"latency": count}))
        for n, count in enumerate((5000, 800, 900))
    ]
    (finding,) = found(result([planned(n) for n in range(3)], trials), Kind.UNDERSAMPLED)
    assert "800 samples" in finding.text


@pytest.mark.parametrize(
    ("pinning", "expected"),
    [
        ({"server": [1], "generator": [0], "note": None}, 0),
        ({"server": [1], "generator": [0], "note": "only one core"}, 1),
        ({"server": [0, 1], "generator": [0]}, 1),
        ({"server": [], "generator": [0]}, 1),
        ({}, 1),
        (None, 1),
    ],
)
def test_shared_cores_are_a_warning(pinning: Any, expected: int) -> None:
    run = msgspec.structs.replace(echo_trials(1.0, 2.0), environment={"pinning": pinning})
    assert len(found(run, Kind.NOT_PINNED)) == expected


@pytest.mark.parametrize(
    ("generators", "words"),
    [
        ({"processes": 2, "cores": 1}, ["2 load generators shared 1 core: "]),
        ({"processes": 4, "cores": 3}, ["4 load generators shared 3 cores: "]),
        ({"processes": 2, "cores": 2}, []),
        ({"processes": 2, "cores": None}, []),
        (None, []),
    ],
)
def test_generators_without_a_core_each_are_a_warning(generators: Any, words: list[str]) -> None:
    run = msgspec.structs.replace(echo_trials(1.0, 2.0), environment={"generators": generators})
    texts = [each.text for each in found(run, Kind.CROWDED_GENERATORS)]
    assert [text[: len(start)] for text, start in zip(texts, words, strict=True)] == words


def test_an_arrival_clock_of_user_space_is_a_warning() -> None:
    base = echo_trials(1.0, 2.0)
    user = msgspec.structs.replace(base.trials[1], generator=GeneratorFacts(arrival_clock="user"))
    (finding,) = found(with_trial(base, 1, user), Kind.USER_SPACE_CLOCK)
    assert finding.cells == ("gevent × websocket",)
    assert not found(base, Kind.USER_SPACE_CLOCK)


def test_a_failed_trial_says_nothing_about_the_clock() -> None:
    base = echo_trials(1.0, 2.0)
    assert not found(with_trial(base, 1, failed(1)), Kind.USER_SPACE_CLOCK)


@pytest.mark.parametrize("ended", ["interrupted", "running"])
def test_a_run_that_did_not_end_is_a_warning(ended: str) -> None:
    run = msgspec.structs.replace(echo_trials(1.0, 2.0), ended=ended)
    (finding,) = found(run, Kind.INTERRUPTED)
    assert "2 of 2 trials" in finding.text


def test_failed_rows_are_a_warning_with_their_reason() -> None:
    run = result([planned(0)], [failed(0, "port in use")])
    (finding,) = found(run, Kind.FAILED)
    assert "port in use" in finding.text
    assert finding.cells == ("gevent × websocket",)


def test_invalid_rows_are_a_warning_with_their_reason() -> None:
    (finding,) = found(spoiled(invalid={"latency_p50": "generator too busy"}), Kind.INVALID)
    assert finding.text.startswith("1 number measured but not to be trusted: ")
    assert "generator too busy" in finding.text


def test_missing_keys_are_no_reason_to_fall_over() -> None:
    bare = msgspec.structs.replace(realistic(blocks=1, messages=50), environment={}, experiment={})
    assert found(bare, Kind.NOT_PINNED)
