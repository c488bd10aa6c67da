"""Who is best at what, and what the tables say."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from loadtests.record.results import Result
from loadtests.record.words import Better, Status
from loadtests.scenarios.registry import metrics_of
from reports.facts.best import Answer, Certainty
from reports.facts.tables import Entry, Table, best_table, headline_tables, metric_tables
from reports.pages.terminal import show
from reports.sections.registry import SECTIONS
from reports.summary import summarise
from tests.unit.reports.builder import cells, failed, measurement, planned, ran, result, with_trial
from tests.unit.reports.matrix import realistic, troubled


def answer(run: Result, metric: str = "latency_p50") -> Answer:
    (found,) = [one for one in summarise(run).answers if one.question.metric == metric]
    return found


def line(run: Result, metric: str = "latency_p50") -> list[str]:
    return [str(entry) for entry in best_table([answer(run, metric)]).lines[0]]


def doubting(run: Result, *modes: str, metric: str | None = None) -> Result:
    """The same run in which the numbers of these modes are not to be trusted."""
    for entry in run.plan:
        if entry.mode in modes:
            found = run.trials[entry.number].measurements[0]
            names = [metric] if metric else list(found.metrics)
            spoiled = msgspec.structs.replace(found, invalid=dict.fromkeys(names, "why"))
            run = with_trial(run, entry.number, ran(entry.number, spoiled))
    return run


def sampled(run: Result, count: int) -> Result:
    """The same run with so many samples behind the latencies of every trial."""
    for trial in run.trials:
        found = msgspec.structs.replace(trial.measurements[0], samples={"latency": count})
        run = with_trial(run, trial.number, ran(trial.number, found))
    return run


def test_every_question_asks_for_a_metric_that_has_a_better_side() -> None:
    for question in (each for section in SECTIONS.values() for each in section.questions):
        assert metrics_of(question.row)[question.metric].better is not Better.NEITHER


def test_lower_latency_wins_where_the_intervals_are_apart() -> None:
    run = cells("latency_p50", gevent=(1.0, 1.01, 0.99), eventlet=(2.0, 2.01, 1.99))
    assert answer(run).certainty is Certainty.CLEAR
    assert line(run)[1:] == [
        "gevent × websocket",
        "1 ms",
        "eventlet × websocket: 2.00 × [1.98, 2.03]",
    ]


def test_higher_throughput_wins() -> None:
    run = cells("throughput", gevent=(100.0, 101.0, 99.0), eventlet=(50.0, 51.0, 49.0))
    assert line(run, "throughput")[1:] == [
        "gevent × websocket",
        "100 messages/s",
        "eventlet × websocket: 0.50 × [0.49, 0.51]",
    ]


def test_cells_that_lead_by_turns_are_a_tie() -> None:
    run = cells(
        "latency_p50",
        gevent=(1.0, 1.2, 0.8),
        eventlet=(1.1, 0.9, 1.3),
        threading=(9.0, 9.01, 8.99),
    )
    assert answer(run).certainty is Certainty.TIE
    assert line(run)[1] == "tie: gevent × websocket, eventlet × websocket"
    assert line(run)[3] == ("not distinguishable (eventlet × websocket: 1.10 × [0.42, 2.88])")


def test_a_rival_further_down_is_a_tie_even_if_the_runner_up_is_none() -> None:
    run = cells(
        "latency_p50",
        gevent=(1.0, 1.01, 0.99),
        eventlet=(1.5, 1.51, 1.49),
        threading=(0.6, 2.2, 3.4),
    )
    # Who is ahead of a rival shares the place with it; the one that makes it a tie is named.
    assert [cell.mode for cell in answer(run).cells] == ["gevent", "eventlet", "threading"]
    assert "not distinguishable (threading × websocket: " in line(run)[3]


def test_single_trials_claim_no_winner_in_silence() -> None:
    run = cells("latency_p50", gevent=(1.0,), eventlet=(1.3,))
    assert answer(run).certainty is Certainty.SINGLE_TRIAL
    assert line(run)[1] == "one trial cannot tell; it read best for gevent × websocket"
    assert line(run)[3] == "eventlet × websocket: 1.30 × (single trial, no interval)"


def test_only_a_clear_winner_is_set_in_bold() -> None:
    clear = cells("latency_p50", gevent=(1.0, 1.01, 0.99), eventlet=(2.0, 2.01, 1.99))
    single = cells("latency_p50", gevent=(1.0,), eventlet=(2.0,))
    assert best_table([answer(clear)]).lines[0][1].strong
    assert not best_table([answer(single)]).lines[0][1].strong


def test_an_invalid_number_cannot_win() -> None:
    run = doubting(cells("latency_p50", gevent=(2.0,), eventlet=(1.0,)), "gevent")
    found = answer(run)
    assert [str(cell) for cell in found.cells] == ["eventlet × websocket"]
    assert (found.certainty, found.left_out) == (Certainty.ALONE, 1)
    assert line(run)[3] == "no other cell to compare with (1 cell left out)"


THREE = {
    "gevent": (2.0, 2.01, 1.99),
    "eventlet": (3.0, 3.01, 2.99),
    "threading": (1.0, 1.01, 0.99),
}


def test_a_better_number_that_is_not_to_be_trusted_leaves_the_question_undecided() -> None:
    run = doubting(cells("latency_p50", **THREE), "threading")
    assert answer(run).certainty is Certainty.UNDECIDED
    assert line(run)[1:] == [
        "undecided; of those to be trusted: gevent × websocket",
        "2 ms",
        "undecided: threading × websocket reads 1 ms, but that number is not to be trusted "
        "(1 cell left out)",
    ]
    assert not best_table([answer(run)]).lines[0][1].strong
    assert not any(entry.strong for entry in table(run).lines[0])


def test_all_better_numbers_that_are_not_to_be_trusted_are_told_best_first() -> None:
    run = doubting(cells("latency_p50", **THREE), "gevent", "threading")
    assert answer(run).lead == (
        "undecided: threading × websocket reads 1 ms, gevent × websocket reads 2 ms, but these "
        "numbers are not to be trusted"
    )


def test_a_worse_number_that_is_not_to_be_trusted_decides_nothing() -> None:
    run = doubting(cells("latency_p50", **THREE), "eventlet")
    assert (answer(run).certainty, answer(run).doubted) == (Certainty.CLEAR, ())
    assert [entry.strong for entry in table(run).lines[0][1:]] == [False, False, True]


def test_better_is_higher_for_throughput_that_is_not_to_be_trusted() -> None:
    run = cells("throughput", **THREE)
    assert answer(doubting(run, "eventlet"), "throughput").certainty is Certainty.UNDECIDED
    assert answer(doubting(run, "threading"), "throughput").certainty is Certainty.CLEAR


@pytest.mark.parametrize(
    ("metric", "first"), [("latency_p50", "eventlet"), ("throughput", "gevent")]
)
def test_ratios_say_who_is_first_where_the_means_say_otherwise(metric: str, first: str) -> None:
    # Gevent has more in nine blocks of ten, and less on average for the one in which all are slow.
    run = cells(metric, gevent=(10.0,) * 9 + (100.0,), eventlet=(9.0,) * 9 + (110.0,))
    found = answer(run, metric)
    assert [cell.mode for cell in found.cells] == [first]
    assert found.certainty is Certainty.CLEAR


def test_few_samples_are_said_and_never_bold() -> None:
    base = cells("latency_p99", gevent=(1.0, 1.01, 0.99), eventlet=(2.0, 2.01, 1.99))
    run = sampled(base, 999)
    assert answer(run, "latency_p99").certainty is Certainty.CLEAR
    assert line(run, "latency_p99")[3] == (
        "eventlet × websocket: 2.00 × [1.98, 2.03] (few samples)"
    )
    assert not best_table([answer(run, "latency_p99")]).lines[0][1].strong
    p99 = next(one for one in table(run).lines if one[0].text == "latency p99, ms")
    assert str(p99[1]).endswith("(few samples)")
    assert not any(entry.strong for entry in p99)


def test_enough_samples_are_not_worth_a_word() -> None:
    base = cells("latency_p99", gevent=(1.0, 1.01, 0.99), eventlet=(2.0, 2.01, 1.99))
    run = sampled(base, 1000)
    assert "few samples" not in line(run, "latency_p99")[3]
    assert best_table([answer(run, "latency_p99")]).lines[0][1].strong


def test_few_samples_of_a_number_that_is_invalid_are_both_said() -> None:
    run = doubting(sampled(cells("latency_p99", gevent=(1.5,)), 10), "gevent", metric="latency_p99")
    p99 = next(one for one in table(run).lines if one[0].text == "latency p99, ms")
    assert str(p99[1]) == "1.50 (invalid, few samples)"


def test_seconds_below_one_are_read_as_milliseconds() -> None:
    run = cells(
        "detection_p50",
        "disconnect",
        gevent=(0.000962, 0.000952, 0.000972),
        eventlet=(2.1, 2.2, 2.0),
    )
    assert line(run, "detection_p50")[2] == "0.962 ms"
    found = next(
        one for one in table(run, "disconnect:kill").lines if one[0].text == "detection p50, s"
    )
    assert dict(zip(table(run, "disconnect:kill").head[1:], map(str, found[1:]), strict=True)) == {
        "gevent × websocket": "0.962 ms best",
        "eventlet × websocket": "2.10 2,181 × [1,888, 2,520]",
    }


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, "0 s"), (0.25, "250 ms"), (1.0, "1 s"), (2.5, "2.50 s")]
)
def test_a_time_is_spelled_in_the_unit_that_reads_best(seconds: float, expected: str) -> None:
    assert line(cells("detection_p50", "disconnect", gevent=(seconds,)), "detection_p50")[2] == (
        expected
    )


def test_no_number_to_trust_is_said() -> None:
    run = result([planned(0)], [failed(0)])
    assert line(run)[1:] == ["–", "–", "no number that is to be trusted (1 cell left out)"]


def test_a_winner_of_zero_divides_nothing() -> None:
    run = cells("latency_p50", gevent=(0.0,), eventlet=(2.0,))
    assert "more than none" in answer(run).lead


def test_questions_of_absent_scenarios_are_not_asked() -> None:
    run = realistic(blocks=1, scenarios=("broadcast",), messages=50)
    assert [one.question.row for one in summarise(run).answers] == ["broadcast"]


def table(run: Result, scenario: str = "echo") -> Table:
    return metric_tables(summarise(run).rows)[scenario]


def test_a_scenarios_table_has_every_metric_and_every_cell() -> None:
    found = table(troubled())
    assert len(found.head) == 1 + 6
    assert [one[0].text for one in found.lines] == [
        f"{metric.title}, {metric.unit}" for metric in metrics_of("echo").values()
    ]


def test_a_number_stands_beside_the_bests() -> None:
    run = cells("throughput", gevent=(3208.0, 1604.0), eventlet=(3047.6, 1540.0))
    found = next(one for one in table(run).lines if one[0].text.startswith("throughput"))
    assert [str(entry) for entry in found[1:]] == ["2,294 0.96 × [0.89, 1.02]", "2,406 best"]


def test_a_number_with_nothing_to_stand_beside_is_alone() -> None:
    run = cells("latency_p50", gevent=(1.0, 2.0))
    (p50, *_), lateness = table(run).lines, table(run).lines[-2]
    assert (str(p50[1]), str(lateness[1])) == ("1.50", "1")


def test_what_is_wrong_with_a_number_stands_beside_it() -> None:
    found = table(troubled())
    first = dict(zip(found.head, found.lines[0], strict=True))
    assert str(first["threading × polling"]) == "failed"
    assert first["threading × polling"].status is Status.FAILED
    assert str(first["threading × websocket"]).endswith("(invalid)")


def test_what_cannot_be_known_is_never_a_zero() -> None:
    own = msgspec.structs.replace(
        measurement("echo", server_cpu=None), unavailable={"server_cpu": "not ours"}
    )
    found = table(result([planned(0, mode="mine")], [ran(0, own)]))
    (entry,) = [one[1] for one in found.lines if one[0].text.startswith("server CPU")]
    assert (str(entry), entry.status) == ("not available", Status.UNAVAILABLE)


def test_bold_are_the_best_and_what_its_interval_does_not_tell_from_it() -> None:
    run = cells(
        "latency_p50",
        gevent=(1.0, 1.2, 0.8),
        eventlet=(1.1, 0.9, 1.3),
        threading=(9.0, 9.01, 8.99),
    )
    first = table(run).lines[0]
    assert [entry.strong for entry in first[1:]] == [True, True, False]


def test_nothing_is_bold_where_nothing_sets_anybody_apart() -> None:
    run = cells("latency_p50", gevent=(1.0,), eventlet=(2.0,))
    assert not any(entry.strong for one in table(run).lines for entry in one)


def test_narrow_tables_have_a_line_per_cell() -> None:
    rows = [row for row in summarise(troubled()).rows if row.row == "echo"]
    (found,) = headline_tables(rows, SECTIONS["echo"].headlines)
    assert len(found.lines) == 6
    assert found.head[1] == "latency p50, ms"


def test_a_narrow_table_of_nothing_in_particular_has_the_first_metrics_with_a_better_side() -> None:
    rows = [row for row in summarise(troubled()).rows if row.row == "echo"]
    (found,) = headline_tables(rows)
    judged = [each for each in metrics_of("echo").values() if each.better is not Better.NEITHER]
    assert found.head == ("cell", *(f"{each.title}, {each.unit}" for each in judged[:5]))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_terminal_shows_text_as_it_is(width: int) -> None:
    run = cells("latency_p50", **{"[red]x\x1b[31m": (1.0,), "gevent": (2.0,)})
    out = io.StringIO()
    show(summarise(run), Console(file=out, width=width, highlight=False))
    assert "\x1b" not in out.getvalue()
    assert "[red]" in out.getvalue()
    assert all(len(one) <= width for one in out.getvalue().splitlines())


def test_what_a_table_says_of_a_number_stands_behind_it() -> None:
    entry = Entry("1,971", "0.65 × [0.52, 0.82]", sign="worse")
    assert str(entry) == "1,971 worse 0.65 × [0.52, 0.82]"
