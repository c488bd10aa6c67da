"""The benchmark of our own client: which trials, which ratios, which verdicts, which tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtests.generator.bench_client import plan, trials, verdicts
from loadtests.generator.bench_client.command import MODES
from loadtests.generator.bench_client.contenders import CONTENDERS, missing
from loadtests.generator.bench_client.measured import (
    OURS,
    ContenderTrial,
    Setup,
    Spending,
    Workload,
)
from loadtests.generator.bench_client.rows import ROWS, AgainstPeer, BenchRow, Reference
from loadtests.generator.bench_client.trials import Conditions
from loadtests.generator.bench_client.verdicts import Verdict
from loadtests.generator.footprint import Footprint
from loadtests.machine.cores import Pinning
from tests.unit.generator.bench_client_builder import (
    AGAINST_LOCUST,
    AGAINST_NODE,
    AGAINST_SERVER,
    ECHO,
    IDLE,
    MEMORY,
    P99,
    POLLING,
    POLLING_ECHO,
    REFERENCE,
    SECOND,
    WS,
    WS_ECHO,
    bare,
    costs,
    echoes,
    failed,
    find,
    ours,
    piloted,
)


def test_cost_is_per_message() -> None:
    found = Spending(2000, 30_000_000, SECOND, 400_000_000, SECOND)
    assert (found.contender_us, found.server_us, found.rate_hz) == (15, 200, 2000)


def test_looks_of_different_length_give_the_same_cost() -> None:
    once = Spending(2000, 30_000_000, SECOND, 400_000_000, SECOND)
    longer = Spending(2000, 30_000_000, SECOND, 800_000_000, 2 * SECOND)
    assert once.server_us == longer.server_us


def test_ratios_are_formed_within_a_round_before_the_median_is_taken() -> None:
    # The machine becomes ten times slower: the medians' ratio would be 20/100, each round's is 0.1.
    found = find(
        AGAINST_SERVER,
        *(ours(0, mode, 10, 100) for mode in MODES[:2]),
        *(ours(1, mode, 20, 200) for mode in MODES[:2]),
        *(ours(2, mode, 200, 1000) for mode in MODES[:2]),
    )
    assert found.values == pytest.approx([0.1, 0.1, 0.2])
    assert (found.median, found.low, found.high) == pytest.approx((0.1, 0.1, 0.2))
    assert found.verdict is Verdict.MET


def test_the_cheapest_mode_of_all_rounds_is_the_one_that_counts() -> None:
    found = find(
        AGAINST_SERVER,
        ours(0, "gevent", 10, 100),  # cheaper in the first round only
        ours(1, "gevent", 10, 200),
        ours(2, "gevent", 10, 200),
        ours(0, "eventlet", 30, 120),
        ours(1, "eventlet", 30, 120),
        ours(2, "eventlet", 30, 120),
    )
    assert found.values == pytest.approx([0.25] * 3)
    assert found.verdict is Verdict.MISSED
    assert "cheapest server: eventlet" in found.note
    assert "gevent 200 µs" in found.note


def test_another_client_is_compared_within_each_round() -> None:
    found = find(
        AGAINST_NODE,
        bare(0, "gevent", 10, 100),
        costs(0, "gevent", "node", 40, 100),
        bare(1, "gevent", 30, 100),
        costs(1, "gevent", "node", 100, 100),
        bare(1, "eventlet", 1000, 1),  # of another row
    )
    assert found.values == pytest.approx([0.25, 0.3])
    assert found.median == pytest.approx(0.275)
    assert found.verdict is Verdict.MET


def test_a_row_without_a_target_only_informs() -> None:
    found = find(AGAINST_LOCUST, bare(0, "gevent", 10, 1), costs(0, "gevent", "locust", 40, 1))
    assert (found.verdict, found.median, found.target) == (Verdict.INFORMS, 0.25, "")


def test_a_target_that_is_just_reached_is_met() -> None:
    found = find(AGAINST_NODE, bare(0, "gevent", 20, 1), costs(0, "gevent", "node", 40, 1))
    assert (found.median, found.verdict) == (0.5, Verdict.MET)


def test_memory_is_what_the_connections_between_the_looks_added() -> None:
    footprint = Footprint(
        connections=150,
        counted=100,
        wanted=150,
        rss_before=5 * 2**20,
        rss_after=5 * 2**20 + 100 * 2048,
        uss_before=None,
        uss_after=None,
    )
    found = find(MEMORY, ContenderTrial(0, Setup(IDLE, WS, OURS, None), footprint=footprint))
    assert (found.median, found.verdict) == (2.0, Verdict.MET)
    assert "150 connections" in found.note
    assert footprint.shortfall is None


def test_memory_of_fewer_connections_than_wanted_is_told_and_not_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    few = Footprint(
        connections=924,
        counted=874,
        wanted=10_000,
        rss_before=0,
        rss_after=874 * 2048,
        uss_before=None,
        uss_after=None,
    )

    @contextmanager
    def started(*_: object, **__: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(url="", ready=SimpleNamespace(pid=1, footprints=[few]))

    monkeypatch.setattr(trials, "started", started)
    conditions = Conditions(pins=Pinning(None, None, None), folder=tmp_path)
    trial = trials.run(conditions, Setup(IDLE, WS, OURS, None), "test", 0)
    found = find(MEMORY, trial)
    assert (found.verdict, found.median) == (Verdict.UNAVAILABLE, None)
    assert found.note.startswith("924 connections instead of 10,000, which took 2 KiB each")
    assert trial.footprint == few


@pytest.mark.parametrize(
    ("captured", "service", "verdict"),
    [
        (1.0, 1.09, Verdict.MET),  # below a tenth of a millisecond
        (1.0, 1.11, Verdict.MISSED),
        (1.0, 0.89, Verdict.MISSED),  # too little is as wrong as too much
        (10.0, 10.29, Verdict.MET),  # below 3 %
        (10.0, 10.31, Verdict.MISSED),
    ],
)
def test_agreement_is_to_the_larger_of_its_two_limits(
    captured: float, service: float, verdict: Verdict
) -> None:
    found = find(P99, echoes(0, captured, service))
    assert found.verdict is verdict
    assert found.median == pytest.approx(service - captured)


def test_one_failed_trial_fails_its_rows_and_says_why() -> None:
    found = find(
        AGAINST_NODE,
        bare(0, "gevent", 10, 100),
        costs(0, "gevent", "node", 40, 100),
        bare(1, "gevent", 10, 100),
        failed(1, "node"),
    )
    assert (found.verdict, found.median) == (Verdict.FAILED, None)
    assert "round 2" in found.note
    assert "it broke" in found.note


def test_a_failed_trial_of_another_row_does_no_harm() -> None:
    found = find(
        AGAINST_LOCUST,
        bare(0, "gevent", 10, 1),
        costs(0, "gevent", "locust", 40, 1),
        failed(0, "node"),
    )
    assert found.verdict is Verdict.INFORMS


def test_a_mode_that_failed_in_the_pilot_fails_what_the_pilot_decides() -> None:
    found = find(
        AGAINST_NODE,
        failed(None, OURS),
        bare(0, "gevent", 10, 100),
        costs(0, "gevent", "node", 40, 100),
    )
    assert found.verdict is Verdict.FAILED
    assert found.note.startswith("pilot, ")


def test_what_cannot_be_had_here_is_not_available_and_no_failure() -> None:
    found = find(AGAINST_NODE, bare(0, "gevent", 10, 1), failed(0, "node", available=False))
    assert (found.verdict, found.note) == (Verdict.UNAVAILABLE, "it broke")


def test_a_row_that_nothing_was_measured_for_has_failed() -> None:
    assert find(MEMORY).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([], 0),
        ([Verdict.MET, Verdict.INFORMS, Verdict.UNAVAILABLE], 0),
        ([Verdict.MET, Verdict.MISSED], 99),
        ([Verdict.MISSED, Verdict.FAILED], 4),
    ],
)
def test_exit_code_says_the_worst(found: list[Verdict], code: int) -> None:
    findings = [verdicts.TargetFinding("", "", "", "", verdict) for verdict in found]
    assert code == verdicts.exit_code(findings)


def test_pilot_covers_every_mode_under_the_loads_that_rows_need() -> None:
    expected = [Setup(ECHO, POLLING, OURS, mode) for mode in MODES]
    assert plan.pilot([AgainstPeer(POLLING_ECHO, "node", 1), MEMORY], MODES) == expected
    assert plan.pilot([MEMORY], MODES) == []


def test_the_pilot_keeps_the_modes_that_may_be_the_cheapest() -> None:
    found = plan.reference(piloted(eventlet=140, gevent=100, threading=151))
    assert found.cheapest == {WS_ECHO: ("gevent", "eventlet")}


@pytest.mark.parametrize(
    ("rate_hz", "watched"),
    [
        (4000, {Workload.LATENCY, Workload.BUSY_LATENCY}),
        (3999, {Workload.LATENCY}),
        (2000, {Workload.LATENCY}),
        (1999, set()),
    ],
)
def test_a_server_that_is_too_slow_is_no_peer_for_the_open_loop(
    rate_hz: int, watched: set[Workload]
) -> None:
    cost = Spending(rate_hz, SECOND, SECOND, SECOND, SECOND)
    found = plan.reference([ContenderTrial(None, Setup(ECHO, WS, OURS, "gevent"), cost=cost)])
    assert found.open_loop == dict.fromkeys(watched, "gevent")
    assert found.cheapest == {WS_ECHO: ("gevent",)}
    assert P99.setups(found)[0].mode == ("gevent" if watched else None)


def test_a_pilot_without_numbers_refers_to_nothing() -> None:
    assert Reference({}, {}) == plan.reference([failed(None, OURS)])


def test_every_round_has_every_setup_once() -> None:
    ordered = plan.order(ROWS, REFERENCE, 5, 1)
    setups = {setup for _, setup in ordered}
    assert Counter(ordered) == Counter((number, setup) for number in range(5) for setup in setups)
    assert [number for number, _ in ordered] == sorted(number for number, _ in ordered)


def test_rounds_have_their_own_order_and_the_seed_tells_it() -> None:
    ordered = plan.order(ROWS, REFERENCE, 2, 1)
    half = len(ordered) // 2
    assert [setup for _, setup in ordered[:half]] != [setup for _, setup in ordered[half:]]
    assert ordered == plan.order(ROWS, REFERENCE, 2, 1)
    assert ordered != plan.order(ROWS, REFERENCE, 2, 2)


def test_rows_have_names_of_their_own() -> None:
    assert len(ROWS) == len({row.name for row in ROWS})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_asks_only_for_what_contenders_can_do(row: BenchRow) -> None:
    for setup in row.setups(REFERENCE):
        if setup.workload in (ECHO, Workload.BROADCAST):
            assert setup.workload in CONTENDERS[setup.contender].workloads


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_that_needs_a_pilot_asks_for_nothing_without_one(row: BenchRow) -> None:
    assert (row.pilot is None) == bool(row.setups(Reference({}, {})))


def test_only_the_official_client_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert [missing(name) for name in (OURS, "python-socketio", "locust")] == [None, None, None]
    assert "make node" in str(missing("node"))
