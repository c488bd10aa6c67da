"""Cells against each other: which trials pair, who is first, and what each is to the first."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from scipy.stats import t

from loadtests.record.results import Result
from reports.facts.ratios import is_ahead, ranked, ratio_of
from reports.facts.rows import Row
from reports.summary import summarise
from tests.unit.reports.builder import cells, failed, measurement, planned, ran, result, with_trial


def rows(run: Result, metric: str = "latency_p50") -> dict[str, Row]:
    """The rows of one metric by mode; their cells differ in nothing else."""
    return {row.cell.mode: row for row in summarise(run).rows if row.metric.name == metric}


def grouped(*trials: tuple[str, int, int | None, float]) -> Result:
    """Trials of one block or several: mode, block, group and latency."""
    plan = [
        msgspec.structs.replace(planned(number, mode=mode, block=block), group=group)
        for number, (mode, block, group, _) in enumerate(trials)
    ]
    found = [measurement("echo", latency_p50=value) for *_, value in trials]
    return result(plan, [ran(number, one) for number, one in enumerate(found)])


def value(run: Result) -> float | None:
    found = rows(run)
    between = ratio_of(found["gevent"], found["eventlet"])
    return None if between is None else between.value


def test_trials_pair_by_their_block_and_not_by_their_order() -> None:
    run = grouped(
        ("gevent", 0, None, 1.0),
        ("gevent", 2, None, 8.0),
        ("eventlet", 1, None, 100.0),
        ("eventlet", 2, None, 16.0),
    )
    assert value(run) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"), [(0, 0, 3.0), (0, 1, None), (None, 1, 3.0), (None, None, 3.0)]
)
def test_trials_of_a_block_pair_within_their_group(
    ours: int | None, theirs: int | None, expected: float | None
) -> None:
    run = grouped(("gevent", 0, ours, 1.0), ("eventlet", 0, theirs, 3.0))
    assert value(run) == (None if expected is None else pytest.approx(expected))


def test_two_trials_of_a_block_pair_with_that_of_their_own_group() -> None:
    run = grouped(
        ("gevent", 0, 1, 1.0),
        ("gevent", 0, 2, 10.0),
        ("eventlet", 0, 2, 20.0),
        ("eventlet", 0, 1, 2.0),
    )
    assert value(run) == pytest.approx(2.0)


def test_another_clients_trials_pair_by_their_block_whatever_their_group() -> None:
    run = grouped(("gevent", 0, 1, 1.0), ("gevent", 0, 2, 2.0))
    theirs = msgspec.structs.replace(run.plan[1], rows=["echo:reference"])
    found = ran(1, measurement("echo:reference", latency_p50=2.0))
    run = msgspec.structs.replace(run, plan=[run.plan[0], theirs], trials=[run.trials[0], found])
    one, two = [row for row in summarise(run).rows if row.metric.name == "latency_p50"]
    between = ratio_of(one, two)
    assert between is not None
    assert between.value == pytest.approx(2.0)


def test_a_cell_that_lacks_the_slow_block_is_not_first_for_that() -> None:
    # The machine is ten times as slow in the last block, of which eventlet has no number.
    run = cells("latency_p50", gevent=(1.0, 1.0, 10.0), eventlet=(1.2, 1.21, 12.0))
    run = msgspec.structs.replace(run, ended="interrupted", trials=run.trials[:-1])
    found = rows(run)
    assert (found["eventlet"].value or 9.0) < (found["gevent"].value or 0.0)
    assert is_ahead(found["gevent"], found["eventlet"])
    assert [row.cell.mode for row in ranked(found.values())] == ["gevent", "eventlet"]


def test_rows_without_a_common_block_stand_by_their_estimates() -> None:
    run = grouped(("gevent", 0, None, 2.0), ("eventlet", 1, None, 1.0))
    assert [row.cell.mode for row in ranked(rows(run).values())] == ["eventlet", "gevent"]


def test_zeros_stand_by_their_estimates() -> None:
    found = rows(cells("lost", gevent=(0.0, 3.0), eventlet=(0.0, 1.0)), "lost")
    assert [row.cell.mode for row in ranked(found.values())] == ["eventlet", "gevent"]


def test_every_cell_stands_beside_the_best() -> None:
    run = cells("latency_p50", gevent=(1.0, 2.0), eventlet=(1.5, 3.0), threading=(4.0, 8.0))
    found = {mode: row.standing for mode, row in rows(run).items()}
    assert {str(one and one.reference) for one in found.values()} == {"gevent × websocket"}
    ends = {mode: one and (one.ratio.low, one.ratio.value) for mode, one in found.items()}
    assert ends == {
        "gevent": (1.0, 1.0),
        "eventlet": pytest.approx((1.5, 1.5)),
        "threading": pytest.approx((4.0, 4.0)),
    }


def test_a_number_that_is_not_to_be_trusted_is_never_what_others_stand_beside() -> None:
    run = cells("latency_p50", gevent=(1.0, 2.0), eventlet=(1.5, 3.0), threading=(4.0, 8.0))
    run = with_trial(run, 0, failed(0))
    found = rows(run)
    assert {str(one.standing and one.standing.reference) for one in found.values()} == {
        "eventlet × websocket",
        "None",  # gevent's single block leaves no interval
    }


@pytest.mark.parametrize(
    "run",
    [
        cells("latency_p50", gevent=(1.0,), eventlet=(2.0,)),
        cells("latency_p50", gevent=(1.0, 2.0)),
        cells("latency_p50", gevent=(0.0, 0.0), eventlet=(1.0, 2.0)),
        cells("lateness_p99", gevent=(1.0, 1.1), eventlet=(2.0, 2.1)),
    ],
    ids=["single trial", "alone", "zero", "a metric of the run"],
)
def test_nobody_stands_anywhere_where_nothing_can_be_said(run: Result) -> None:
    for metric in ("latency_p50", "lateness_p99"):
        if any(row.value not in (1.0, None) for row in rows(run, metric).values()):
            assert not any(row.standing for row in rows(run, metric).values())


def test_interval_within_blocks_is_of_cells_that_are_to_be_trusted() -> None:
    run = cells("latency_p50", gevent=(1.0, 2.0), eventlet=(1.5, 3.0), threading=(4.0, 8.0))
    found = rows(with_trial(run, 0, failed(0)))
    assert found["gevent"].within is None
    assert found["eventlet"].within == pytest.approx(1.0)


@pytest.mark.parametrize("blocks", [4, 8])
def test_intervals_hold_the_truth_as_often_as_they_say_and_are_no_wider_than_that(
    blocks: int,
) -> None:
    truth, noise = 1.1, 0.04
    once = rows(cells("latency_p50", gevent=(1.0,) * blocks, eventlet=(1.0,) * blocks))
    chance = np.random.default_rng(blocks)
    held, half_widths, runs = 0, [], 600
    for _ in range(runs):
        # Blocks differ by far more than cells do, and each row has its trials in an order of its
        # own.
        machine = np.exp(chance.normal(0, 0.5, blocks))
        found = []
        for row, ratio in ((once["gevent"], 1.0), (once["eventlet"], truth)):
            values = machine * ratio * np.exp(chance.normal(0, noise, blocks))
            order = chance.permutation(blocks)
            found.append(
                replace(
                    row,
                    values=tuple(values[order]),
                    places=tuple(row.places[position] for position in order),
                )
            )
        between = ratio_of(*found)
        assert between is not None
        assert between.low is not None
        assert between.high is not None
        held += between.low <= truth <= between.high
        half_widths.append(np.log(between.high / between.low) / 2)
    assert held / runs == pytest.approx(0.95, abs=0.03)
    expected = t.ppf(0.975, blocks - 1) * noise * np.sqrt(2 / blocks)
    assert np.mean(half_widths) == pytest.approx(expected, rel=0.1)
