"""A run in sentences: each rule with numbers that make its sentence, and numbers that do not."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.results import Result
from reports.sections.short.sentences import (
    RULES,
    Rule,
    Told,
    first_places,
    over_polling,
    over_websocket,
    sentences,
    trust,
    waits,
)
from reports.summary import summarise
from tests.unit.reports.builder import (
    cells,
    echo_trials,
    failed,
    measurement,
    planned,
    ran,
    result,
)
from tests.unit.reports.matrix import SHAPES, realistic, troubled


def told(run: Result) -> Told:
    summary = summarise(run)
    return Told(summary, summary.answers, summary.findings)


def said(rule: Rule, run: Result) -> list[str]:
    return [str(sentence) for sentence in rule(told(run))]


def one(rule: Rule, run: Result) -> str:
    (sentence,) = said(rule, run)
    return sentence


def echoes(**modes: tuple[float, ...]) -> Result:
    """Echo latency of modes over WebSocket, block by block."""
    return cells("latency_p50", **modes)


def doubted(run: Result, mode: str) -> Result:
    """The same with numbers of one mode that are not to be trusted."""
    numbers = {each.number for each in run.plan if each.mode == mode}
    spoil = msgspec.structs.replace
    trials = [
        spoil(
            trial,
            measurements=[spoil(m, invalid={"latency_p50": "late"}) for m in trial.measurements],
        )
        if trial.number in numbers
        else trial
        for trial in run.trials
    ]
    return spoil(run, trials=trials)


# --- who answers soonest


def test_modes_whose_echoes_are_surely_within_a_quarter_answer_alike() -> None:
    text = one(over_websocket, echoes(a=(1.0, 1.01, 0.99), b=(1.1, 1.11, 1.09)))
    assert text.startswith("Over WebSocket the modes answer alike, in 1 to 1.10 ms")


def test_modes_that_may_be_further_apart_do_not_answer_alike() -> None:
    text = one(over_websocket, echoes(a=(1.0, 1.5, 0.7), b=(1.1, 0.9, 1.3)))
    assert "alike" not in text
    assert "the trials tell no mode's echo from another's: " in text
    assert "a tie" in text


def test_who_is_surely_ahead_answers_soonest_and_the_others_take_so_many_times_as_long() -> None:
    run = echoes(a=(1.0, 1.01, 0.99), b=(2.0, 2.02, 1.98), c=(3.0, 3.1, 2.9))
    text = one(over_websocket, run)
    assert text.startswith("Over WebSocket a answers soonest, in 1 ms; b takes 2.00 × [")
    assert ", c takes 3.00 × [" in text


def test_those_that_share_the_first_place_are_named_together_as_a_tie() -> None:
    run = echoes(a=(1.0, 1.01, 0.99), b=(1.0, 1.02, 1.0), c=(3.0, 3.1, 2.9))
    text = one(over_websocket, run)
    assert "a and b answer soonest, in 1 to 1.01 ms, a tie; c takes 3.00 × [" in text


def test_of_many_that_are_behind_the_last_alone_is_named() -> None:
    run = echoes(**{name: (n, n * 1.01, n * 0.99) for n, name in enumerate("abcdef", start=1)})
    text = one(over_websocket, run)
    assert "f takes 6.00 × " in text
    assert "4 others less" in text
    assert "c takes" not in text


def test_a_single_trial_names_no_winner() -> None:
    text = one(over_websocket, echoes(a=(1.0,), b=(9.0,)))
    assert text == "Over WebSocket echoes took 1 to 9 ms: one trial of each mode names no winner."


def test_one_mode_alone_is_compared_with_nothing() -> None:
    text = one(over_websocket, echo_trials(1.0, 1.1))
    assert text.startswith("Over WebSocket gevent answers in 1.05 ms, with nothing beside it")


def test_where_a_better_number_is_not_to_be_trusted_nobody_is_the_quickest() -> None:
    run = doubted(echoes(a=(1.0, 1.01, 0.99), b=(2.0, 2.02, 1.98)), "a")
    text = one(over_websocket, run)
    assert "nobody is named the quickest: a × websocket reads 1 ms, but that number is" in text


def test_no_number_to_be_trusted_is_said_as_that() -> None:
    text = one(over_websocket, doubted(echo_trials(1.0, 1.1), "gevent"))
    assert text == "Over WebSocket no echo has a number to be trusted."


def test_a_transport_that_was_not_measured_is_not_spoken_of() -> None:
    assert said(over_polling, echoes(a=(1.0, 2.0))) == []


# --- what an echo costs


def test_the_least_cpu_is_told_beside_the_most() -> None:
    run = cells("server_cpu", a=(65.0, 66.0, 64.0), b=(100.0, 101.0, 99.0))
    assert " a takes 35 % less [" in one(over_websocket, run)
    assert one(over_websocket, run).endswith("] CPU per echo than b.")


def test_cpu_that_the_trials_do_not_tell_apart_is_said_to_be_that() -> None:
    run = cells("server_cpu", a=(100.0, 150.0, 70.0), b=(110.0, 90.0, 130.0))
    assert "The trials do not tell the modes' CPU per echo apart." in one(over_websocket, run)


def test_a_single_trial_says_nothing_of_cpu() -> None:
    assert "CPU" not in one(over_websocket, cells("server_cpu", a=(65.0,), b=(100.0,)))


# --- a server that waits


def test_gevents_answers_over_long_polling_wait_for_an_acknowledgement() -> None:
    text = one(waits, realistic(scenarios=("echo",)))
    assert text.startswith("gevent over long-polling waits 42.7 ms for each echo")
    assert "gunicorn's gevent worker" in text


def test_a_mode_that_does_not_wait_is_not_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, ("gevent", "polling"), (2.0, 2000.0, 400.0, 97.0))
    assert said(waits, realistic(scenarios=("echo",))) == []


# --- without echoes


def test_a_run_without_echoes_is_told_by_its_first_places() -> None:
    run = cells("last_recipient_p50", "broadcast", a=(1.0, 1.01, 0.99), b=(2.0, 2.02, 1.98))
    text = one(first_places, run)
    assert text.startswith("Quickest broadcast to the last recipient (p50): a × websocket, 1 ms;")


def test_a_tie_and_a_single_trial_are_said_aloud() -> None:
    tie = cells("last_recipient_p50", "broadcast", a=(1.0, 1.5, 0.7), b=(1.1, 0.9, 1.3))
    assert ": a tie of all 2; " in one(first_places, tie)
    once = cells("last_recipient_p50", "broadcast", a=(1.0,), b=(2.0,))
    assert "one trial cannot tell" in one(first_places, once)


def test_a_run_with_echoes_is_told_by_them() -> None:
    assert said(first_places, realistic(scenarios=("echo", "broadcast"), blocks=2)) == []


# --- what to trust


def test_medians_are_trusted_and_tails_of_too_few_samples_are_not_quoted() -> None:
    text = one(trust, realistic(scenarios=("echo",), messages=1400))
    assert text.startswith("Trust the medians; ")
    few = one(trust, realistic(scenarios=("echo",), messages=300))
    assert "do not quote p99: " in few


def test_medians_with_a_fault_are_counted() -> None:
    assert one(trust, troubled()).startswith("Do not quote ")


def test_what_was_tried_once_makes_nobody_the_better_one() -> None:
    assert one(trust, echoes(a=(1.0,), b=(2.0,))).startswith("Everything was tried once: ")
    both = echoes(a=(1.0, 1.1), b=(2.0, 2.1))
    plan = [*both.plan, planned(99, "broadcast", block=0)]
    mixed = msgspec.structs.replace(
        both, plan=plan, trials=[*both.trials, ran(99, measurement("broadcast"))]
    )
    assert one(trust, mixed).endswith("What was tried once makes nobody the better one: broadcast.")


def test_what_failed_is_counted() -> None:
    run = result([planned(0), planned(1), planned(2, mode="a")], [ran(0, measurement("echo"))])
    run.trials.extend([ran(1, measurement("echo")), failed(2)])
    assert one(trust, run).endswith(" 1 measurement failed and is in no sentence here.")


# --- all together


def test_a_run_in_which_everything_failed_says_why_and_no_more() -> None:
    (sentence,) = sentences(told(result([planned(0)], [failed(0)])))
    assert str(sentence).startswith("Nothing was measured: ")
    assert "server not ready after 10 s" in str(sentence)


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_whole_run_has_three_to_five_sentences(blocks: int) -> None:
    found = sentences(told(realistic(blocks=blocks)))
    assert 3 <= len(found) <= 5
    assert all(str(one).endswith(".") and one.gist for one in found)


def test_every_rule_is_one_of_the_closed_set() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "over_websocket",
        "over_polling",
        "waits",
        "first_places",
        "gone",
        "trust",
    ]


def test_a_label_without_end_is_cut_in_sentences() -> None:
    text = one(over_websocket, echoes(**{"x" * 300: (1.0, 1.1), "b": (9.0, 9.1)}))
    assert "x" * 41 not in text
