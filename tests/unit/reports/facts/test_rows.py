"""Every planned cell has a row for every metric, and each row says what it is worth."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.results import Result
from loadtests.record.words import Better, Metric, Status, Transport, Unit
from loadtests.scenarios.registry import metrics_of
from reports.facts.errors import ReportError
from reports.facts.rows import Cell, Row, cells_of, outcomes_of, row_names, rows_of
from tests.unit.reports.builder import (
    CAUSES,
    MODES,
    echo_trials,
    failed,
    measurement,
    planned,
    ran,
    result,
    with_trial,
)
from tests.unit.reports.matrix import realistic, troubled


def rows(run: Result) -> list[Row]:
    return rows_of(outcomes_of(run), interrupted=run.ended != "complete")


def row(run: Result, metric: str = "latency_p50", scenario: str = "echo") -> Row:
    (found,) = [one for one in rows(run) if (one.row, one.metric.name) == (scenario, metric)]
    return found


def test_every_planned_cell_has_a_row_for_every_metric_even_if_nothing_ran() -> None:
    run = realistic(blocks=2)
    names = ["echo", "broadcast", *(f"disconnect:{cause}" for cause in CAUSES)]
    expected = {
        (name, mode, transport, metric)
        for name in names
        for mode in MODES
        for transport in Transport
        for metric in metrics_of(name)
    }
    for outcome in (run, troubled(blocks=2), msgspec.structs.replace(run, trials=[])):
        found = [
            (one.row, one.cell.mode, one.cell.transport, one.metric.name) for one in rows(outcome)
        ]
        assert len(found) == len(expected)
        assert set(found) == expected


def test_good_trials_make_an_ok_row() -> None:
    found = row(echo_trials(1.0, 2.0, 3.0))
    assert (found.value, found.trials, found.status, found.reasons) == (2.0, 3, Status.OK, ())
    assert found.values == (1.0, 2.0, 3.0)


def test_values_stand_in_the_order_of_blocks_not_of_trials() -> None:
    plan = [planned(0, block=1), planned(1, block=0)]
    trials = [ran(n, measurement("echo", latency_p50=float(n))) for n in (0, 1)]
    assert row(result(plan, trials)).values == (1.0, 0.0)


def test_all_trials_failed_is_failed_and_empty() -> None:
    found = row(result([planned(0), planned(1)], [failed(0, "no server"), failed(1, "no server")]))
    assert (found.status, found.estimate, found.trials) == (Status.FAILED, None, 0)
    assert found.reasons == ("2 of 2 trials failed: no server",)
    assert found.values == (None, None)


def test_a_single_failed_trial_gives_its_reason_alone() -> None:
    assert row(result([planned(0)], [failed(0, "no server")])).reasons == ("no server",)


def test_some_failed_trials_leave_an_invalid_estimate_of_the_rest() -> None:
    found = row(with_trial(echo_trials(1.0, 2.0, 3.0), 2, failed(2, "no server")))
    assert (found.value, found.trials, found.status) == (1.5, 2, Status.INVALID)
    assert found.reasons == ("1 of 3 trials failed: no server",)


def test_a_trial_that_never_ran_is_failed_not_missing() -> None:
    run = result([planned(0)], [], ended="interrupted")
    assert row(run).status is Status.FAILED
    assert row(run).reasons == ("never ran: the run was interrupted before",)


def test_an_interrupted_run_keeps_the_numbers_that_it_has() -> None:
    base = echo_trials(1.0, 2.0)
    run = msgspec.structs.replace(base, trials=base.trials[:1], ended="interrupted")
    found = row(run)
    assert (found.value, found.status, found.reasons) == (1.0, Status.OK, ())
    assert (found.trials, found.values) == (1, (1.0, None))


def test_an_interrupted_run_counts_failures_among_the_trials_that_ran() -> None:
    base = with_trial(echo_trials(1.0, 2.0, 3.0), 1, failed(1, "no server"))
    run = msgspec.structs.replace(base, trials=base.trials[:2], ended="interrupted")
    found = row(run)
    assert (found.value, found.status) == (1.0, Status.INVALID)
    assert found.reasons == ("1 of 2 trials failed: no server",)


def test_a_trial_that_a_complete_run_lacks_is_a_failure() -> None:
    base = echo_trials(1.0, 2.0)
    found = row(msgspec.structs.replace(base, trials=base.trials[:1]))
    assert (found.value, found.status) == (1.0, Status.INVALID)
    assert found.reasons == ("1 of 2 trials failed: never ran: the run has no such trial",)


@pytest.mark.parametrize(
    ("scenario", "metric", "family"),
    [
        ("echo", "latency_p99", "latency"),
        ("echo", "service_p99", "service"),
        ("broadcast", "delivery_p99", "delivery"),
        ("broadcast", "last_recipient_p99", "last_recipient"),
    ],
)
def test_a_p99_with_few_samples_in_one_trial_is_undersampled(
    scenario: str, metric: str, family: str
) -> None:
    def run(*counts: int) -> Result:
        plan = [planned(number, scenario) for number in range(len(counts))]
        found = [
            msgspec.structs.replace(measurement(scenario), samples={family: count})
            for count in counts
        ]
        return result(plan, [ran(number, one) for number, one in enumerate(found)])

    assert row(run(5000, 999), metric, scenario).undersampled
    assert not row(run(5000, 1000), metric, scenario).undersampled
    assert {one.metric.name for one in rows(run(999)) if one.undersampled} == {metric}


def test_samples_that_are_not_told_are_not_few() -> None:
    assert not row(echo_trials(1.0), "latency_p99").undersampled


def test_a_p99_without_a_number_has_no_samples_to_be_few() -> None:
    lost = msgspec.structs.replace(
        measurement("echo", latency_p99=None),
        samples={"latency": 10},
        unavailable={"latency_p99": "lost"},
    )
    assert not row(result([planned(0)], [ran(0, lost)]), "latency_p99").undersampled


def test_an_invalid_metric_keeps_its_number_and_gives_each_reason_once() -> None:
    spoiled = msgspec.structs.replace(
        measurement("echo", latency_p50=5.0), invalid={"latency_p50": "generator too busy"}
    )
    run = result([planned(0), planned(1)], [ran(0, spoiled), ran(1, spoiled)])
    found = row(run)
    assert (found.value, found.status) == (5.0, Status.INVALID)
    assert found.reasons == ("2 of 2 trials invalid: generator too busy",)


def test_one_invalid_metric_does_not_spoil_its_neighbours() -> None:
    spoiled = msgspec.structs.replace(measurement("echo"), invalid={"latency_p50": "why"})
    run = result([planned(0)], [ran(0, spoiled)])
    assert row(run, "latency_p90").status is Status.OK


def test_a_metric_that_cannot_be_known_is_unavailable_and_empty() -> None:
    own = msgspec.structs.replace(
        measurement("echo", server_cpu=None), unavailable={"server_cpu": "a server of one's own"}
    )
    found = row(result([planned(0), planned(1)], [ran(0, own), ran(1, own)]), "server_cpu")
    assert (found.status, found.estimate) == (Status.UNAVAILABLE, None)
    assert found.reasons == ("a server of one's own",)


def test_an_unavailable_trial_makes_unavailable_rows() -> None:
    trial = msgspec.structs.replace(
        ran(0), status=Status.UNAVAILABLE, reason="needs the server's log"
    )
    found = row(result([planned(0)], [trial]))
    assert (found.status, found.reasons) == (Status.UNAVAILABLE, ("needs the server's log",))


def test_a_number_that_only_some_trials_have_is_invalid() -> None:
    own = msgspec.structs.replace(
        measurement("echo", server_cpu=None), unavailable={"server_cpu": "process gone"}
    )
    found = row(
        result([planned(0), planned(1)], [ran(0, own), ran(1, measurement("echo"))]), "server_cpu"
    )
    assert (found.value, found.status) == (1.0, Status.INVALID)
    assert found.reasons == ("1 of 2 trials without a number: process gone",)


def test_failed_and_unavailable_together_are_failed() -> None:
    own = msgspec.structs.replace(
        measurement("echo", server_cpu=None), unavailable={"server_cpu": "process gone"}
    )
    run = result([planned(0), planned(1)], [ran(0, own), failed(1)])
    assert row(run, "server_cpu").status is Status.FAILED


def test_no_number_and_no_reason_is_failed() -> None:
    found = row(result([planned(0)], [ran(0, measurement("echo", latency_p50=None))]))
    assert found.status is Status.FAILED
    assert found.reasons == ("the trial brought no number for this metric and no reason",)


def test_a_good_trial_without_the_measurement_is_failed() -> None:
    found = row(result([planned(0)], [ran(0)]))
    assert found.status is Status.FAILED
    assert found.reasons == ("the trial ran but brought no measurement of this row",)


def test_zero_is_a_number() -> None:
    found = row(echo_trials(0.0, metric="lost"), "lost")
    assert (found.value, found.status) == (0.0, Status.OK)


def test_rows_come_in_one_order_whatever_the_order_of_trials() -> None:
    run = realistic(blocks=1)
    shuffled = msgspec.structs.replace(run, plan=run.plan[::-1])
    assert row_names(rows(run)) == [
        "echo",
        "broadcast",
        "disconnect:close",
        "disconnect:kill",
        "disconnect:freeze",
    ]
    assert cells_of(rows(shuffled)) == [
        Cell(mode, transport) for transport in Transport for mode in MODES
    ]


def test_an_empty_plan_is_an_error_with_advice() -> None:
    with pytest.raises(ReportError, match="run the experiment again"):
        outcomes_of(result([], []))


def test_an_unknown_scenario_is_an_error_that_names_it() -> None:
    unknown = msgspec.structs.replace(planned(0), rows=["teleport:fast"])
    with pytest.raises(ReportError, match="teleport"):
        outcomes_of(result([unknown], []))


@pytest.mark.parametrize(
    ("quantile", "wanted"),
    [(0.5, None), (0.9, None), (0.99, 1000), (0.999, 10_000), (1.0, None), (None, None)],
)
def test_a_tail_wants_ten_samples_beyond_it(quantile: float | None, wanted: int | None) -> None:
    metric = Metric("x", Unit.MILLISECONDS, Better.LOWER, "x", "x", "latency", quantile)
    assert metric.samples_wanted == wanted
