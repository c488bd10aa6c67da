"""Our client beside python-socketio's: what is said of two clients that measured the same cells."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import msgspec
import pytest

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Measurement, PlannedTrial, Result, Trial
from loadtests.record.words import Client, Status, Transport
from loadtests.run.conductor import measured_with
from reports.facts.rows import Cell
from reports.pages.exports import to_csv, to_json, to_markdown
from reports.pages.html import to_html
from reports.pages.terminal import console, show
from reports.sections.drawn import draw_all
from reports.sections.reference import Judgement, chapters, pairs_of
from reports.summary import Summary, summarise
from tests.unit.reports.builder import cells, failed, measurement, planned, ran, result
from tests.unit.reports.matrix import realistic

CELL = Cell("gevent", Transport.WEBSOCKET)


def twin(number: int, one: PlannedTrial) -> PlannedTrial:
    """The reference's trial in the same block."""
    rows = [f"{row}:reference" for row in one.rows]
    return msgspec.structs.replace(one, number=number, rows=rows, client=Client.REFERENCE)


def both(
    ours: list[float],
    reference: list[float | None],
    metric: str = "latency_p50",
    scenario: str = "echo",
    *,
    ours_told: dict[str, float] | None = None,
    reference_told: dict[str, float] | None = None,
    own_busy: float = 1.0,
    open_busy: float = 10.0,
    **settings: dict[str, float],
) -> Summary:
    """One cell measured with both clients, a block per number; None is a trial that failed."""
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for block, (one, other) in enumerate(zip(ours, reference, strict=True)):
        first = planned(2 * block, scenario, block=block)
        first = msgspec.structs.replace(first, rows=[scenario])
        plan += [first, twin(2 * block + 1, first)]
        told = measurement(scenario, **{metric: one}, **(ours_told or {}))
        facts = GeneratorFacts(arrival_clock="kernel", open_loop_generator_busy=own_busy)
        trials.append(ran(2 * block, told, generator=facts))
        if other is None:
            trials.append(failed(2 * block + 1))
            continue
        found = measurement(scenario, **{metric: other}, **(reference_told or {}))
        trials.append(
            ran(
                2 * block + 1,
                *measured_with(Client.REFERENCE, [found]),
                generator=GeneratorFacts(
                    client="reference", arrival_clock="user", open_loop_generator_busy=open_busy
                ),
            )
        )
    return summarise(result(plan, trials, experiment={"name": "test", **settings}))


def verdict(summary: Summary, metric: str = "latency_p50", scenario: str = "echo") -> Judgement:
    return pairs_of(summary, scenario)[CELL, metric].verdict


def slower(measurements: list[Measurement], times: float) -> list[Measurement]:
    return [
        msgspec.structs.replace(
            one,
            metrics={
                name: value * times if name.endswith("_p50") and value else value
                for name, value in one.metrics.items()
            },
        )
        for one in measurements
    ]


def doubled(base: Result, times: float = 3.0) -> Result:
    """A run in which the reference reads so many times our medians."""
    trials = {trial.number: trial for trial in base.trials}
    plan: list[PlannedTrial] = []
    found: list[Trial] = []
    for one in base.plan:
        number = len(plan)
        trial = trials[one.number]
        plan += [msgspec.structs.replace(one, number=number), twin(number + 1, one)]
        found += [
            msgspec.structs.replace(trial, number=number),
            msgspec.structs.replace(
                trial,
                number=number + 1,
                generator=msgspec.structs.replace(
                    trial.generator, arrival_clock="user", client="reference"
                ),
                measurements=measured_with(Client.REFERENCE, slower(trial.measurements, times)),
            ),
        ]
    return msgspec.structs.replace(base, plan=plan, trials=found)


@pytest.fixture(scope="module")
def whole() -> Summary:
    return summarise(doubled(realistic()))


# --- agreement


def test_ratio_within_a_tenth_agrees() -> None:
    assert verdict(both([100.0, 101.0, 99.0], [104.0, 105.0, 103.0])) is Judgement.AGREE


def test_half_a_millisecond_agrees_however_many_times_as_much_it_is() -> None:
    assert verdict(both([0.4, 0.41, 0.39], [0.8, 0.81, 0.79])) is Judgement.AGREE
    assert verdict(both([0.4, 0.41, 0.39], [1.2, 1.21, 1.19])) is Judgement.DIFFER


def test_half_a_millisecond_of_detection_agrees_too() -> None:
    run = both([0.001, 0.0011], [0.0013, 0.0014], "detection_p50", "disconnect:kill")
    assert verdict(run, "detection_p50", "disconnect:kill") is Judgement.AGREE


def test_throughput_has_no_half_a_millisecond() -> None:
    run = both([0.4, 0.41, 0.39], [0.8, 0.81, 0.79], "throughput")
    assert verdict(run, "throughput") is Judgement.DIFFER


def test_interval_in_and_out_of_the_margin_decides_nothing() -> None:
    assert verdict(both([100.0, 101.0, 99.0], [100.0, 118.0, 103.0])) is Judgement.UNDECIDED


def test_single_trial_is_judged_by_its_ratio() -> None:
    assert verdict(both([100.0], [109.0])) is Judgement.AGREE
    assert verdict(both([100.0], [120.0])) is Judgement.DIFFER


def test_number_that_is_missing_is_not_an_agreement() -> None:
    run = both([100.0, 100.0], [None, None])
    assert verdict(run) is Judgement.MISSING
    (chapter,) = chapters(run)
    assert chapter.conclusion == "3 numbers: 3 without a number from one of the clients."
    assert chapter.table.lines[0][1].status is Status.FAILED
    assert str(chapter.table.lines[0][1]) == "100 / – missing, theirs failed"


def test_clients_are_paired_within_blocks() -> None:
    # The machine got five times slower from block to block; the ratio did not move.
    run = both([1.0, 5.0, 25.0], [2.0, 10.0, 50.0])
    found = pairs_of(run, "echo")[CELL, "latency_p50"].ratio
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


# --- what explains a difference


def test_full_core_of_the_reference_explains_its_latency() -> None:
    (chapter,) = chapters(both([2.0, 2.0], [90.0, 91.0], open_busy=97.0))
    assert chapter.conclusion == "3 numbers: 2 within the margin, 1 apart."
    assert [each.sentence for each in chapter.differences] == [
        "gevent × websocket, latency p50: python-socketio's client reads 90.5 ms, ours 2 ms "
        "(45.2 × [42.2, 48.5]); its load generator used 97 % of its core, which explains it.",
    ]


def test_full_core_in_the_closed_loop_explains_throughput_and_not_latency() -> None:
    busy = {"generator_busy": 99.0, "generator_cpu": 10.0}
    run = both([900.0], [300.0], "throughput", reference_told=busy | {"latency_p50": 50.0})
    latency, throughput = (each.sentence for each in chapters(run)[0].differences)
    assert throughput.endswith("its load generator used 99 % of its core, which explains it.")
    assert latency.endswith("the load generators' CPU does not explain it.")


def test_cpu_per_message_explains_what_it_makes_up() -> None:
    run = both(
        [1.0, 1.0],
        [2.3, 2.3],
        ours_told={"generator_cpu": 60.0},
        reference_told={"generator_cpu": 1300.0},
    )
    assert (
        "its load generator spends 1,300 µs of CPU on an echo, ours 60, which explains it"
        in chapters(run)[0].differences[0].sentence
    )


def test_cpu_of_an_echo_is_that_of_the_open_loop_where_it_is_known() -> None:
    # 1 % and 8 % of a core at 50 messages a second; a full closed loop is cheaper for each.
    run = both(
        [1.3, 1.3],
        [2.8, 2.8],
        ours_told={"generator_cpu": 30.0},
        reference_told={"generator_cpu": 400.0},
        open_busy=8.0,
        echo={"rate_hz": 50},
    )
    assert "spends 1,600 µs of CPU on an echo, ours 200" in chapters(run)[0].differences[0].sentence


def test_copy_of_a_broadcast_waits_for_those_before_it() -> None:
    run = both(
        [2.0, 2.0],
        [5.0, 5.0],
        "delivery_p50",
        "broadcast",
        ours_told={"generator_cpu": 70.0},
        reference_told={"generator_cpu": 370.0},
        broadcast={"recipients": 10},
    )
    (difference,) = chapters(run)[0].differences
    assert "spends 3,700 µs of CPU on a broadcast, ours 700" in difference.sentence


def test_rate_is_explained_by_the_time_that_a_message_takes_its_turn() -> None:
    # 0.5 ms a message became 1 ms, and 0.4 of it is the client's.
    told: dict[str, Any] = {
        "ours_told": {"generator_cpu": 30.0},
        "reference_told": {"generator_cpu": 430.0},
    }
    slower_by_cpu = both([2000.0, 2000.0], [1000.0, 1000.0], "throughput", **told)
    slower_by_more = both([2000.0, 2000.0], [500.0, 500.0], "throughput", **told)
    assert chapters(slower_by_cpu)[0].differences[0].explained
    assert not chapters(slower_by_more)[0].differences[0].explained


def test_reference_that_is_quicker_is_not_explained_by_the_cpu_that_it_spends() -> None:
    run = both(
        [44.0, 44.0],
        [3.0, 3.0],
        ours_told={"generator_cpu": 60.0},
        reference_told={"generator_cpu": 1300.0},
        open_busy=97.0,
    )
    assert chapters(run)[0].differences[0].sentence.endswith("CPU does not explain it.")


def test_chapter_in_short_tells_the_explained_from_the_others() -> None:
    busy = {"generator_busy": 99.0, "generator_cpu": 10.0}
    run = both([900.0], [300.0], "throughput", reference_told=busy | {"latency_p50": 50.0})
    assert chapters(run)[0].short == (
        "3 numbers: 1 within the margin, 2 apart. "
        "Apart, and a load generator's CPU explains it: gevent × websocket, throughput 0.33 ×. "
        "Apart, and no load generator's CPU explains it: gevent × websocket, latency p50 50.0 ×."
    )


# --- where it stands


def test_run_without_a_reference_says_nothing_of_one() -> None:
    summary = summarise(cells("latency_p50", gevent=(1.0, 2.0)))
    assert chapters(summary) == []
    assert "python-socketio's" not in to_html(summary, []) + to_markdown(summary)


def test_reference_wins_nothing_and_is_found_fault_with_nowhere(whole: Summary) -> None:
    alone = summarise(realistic())
    assert whole.answers == alone.answers
    assert [each.kind for each in whole.findings] == [each.kind for each in alone.findings]
    assert all("reference" not in str(each) for each in whole.findings)


def test_tables_of_the_terminal_have_our_rows_only(whole: Summary) -> None:
    out = console()
    with out.capture() as captured:
        show(whole, out)
    assert "reference" not in captured.get()


def test_csv_and_json_have_the_rows_of_the_reference_as_any(whole: Summary) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(whole))))
    names = {row["scenario"] for row in rows}
    assert {"echo:reference", "broadcast:reference", "disconnect:kill:reference"} <= names
    lag = {row["status"] for row in rows if row["metric"] == "receive_lag_p99"}
    assert lag == {"ok", "unavailable"}
    assert "echo:reference" in {row["scenario"] for row in json.loads(to_json(whole))["rows"]}


def test_page_has_a_chapter_per_row_name_and_the_chart() -> None:
    small = summarise(doubled(realistic(blocks=1, modes=("gevent",))))
    page = to_html(small, draw_all(small))
    section = page.partition('<section id="reference"')[2].partition("</section>")[0]
    for name in ("echo", "broadcast", "disconnect:close", "disconnect:kill", "disconnect:freeze"):
        assert f"<h3>{name}</h3>" in section
    assert '<figure id="reference-medians">' in section
    assert "echo:reference" not in page.partition('<section id="numbers"')[0].replace(section, "")
    assert '<a href="#reference">' in page


def test_markdown_is_short(whole: Summary) -> None:
    text = to_markdown(whole).partition("## Our client beside python-socketio's")[2]
    lines = text.partition("\n## ")[0].strip().splitlines()
    assert lines[2].startswith("- **echo**: ")
    assert len([line for line in lines if line.startswith("- ")]) == 5
    assert not any(line.startswith("|") for line in lines)


def test_trial_of_the_reference_that_failed_is_among_the_troubles() -> None:
    run = both([1.0, 1.0], [1.0, None])
    assert run.failed
    assert "echo:reference, gevent × websocket" in to_html(run, [])


@pytest.mark.parametrize("scenario", ["echo", "broadcast", "disconnect"])
def test_reference_of_any_single_scenario_is_drawn(scenario: str) -> None:
    run = summarise(doubled(realistic(blocks=1, scenarios=(scenario,), modes=("gevent",))))
    names = {drawn.chart.kind.name for drawn in draw_all(run)}
    assert ("reference-medians" in names) is (scenario != "disconnect")
