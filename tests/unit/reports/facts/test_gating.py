"""What a gate came to: one line for every way it can end, and its tables."""

from __future__ import annotations

import pytest

from loadtests.record.gate import ArmFacts, Contrast, Gate
from loadtests.record.words import Kept, Verdict
from reports.facts.errors import ReportError
from reports.facts.gating import (
    about,
    arms_table,
    changes_of,
    checked,
    contrasts_table,
    counts_table,
    headline,
    limits_table,
)
from tests.unit.reports.gate_builder import (
    BASE,
    HEAD,
    compared,
    counted,
    evidence,
    gate,
    limited,
    regression,
)

SLOWER, FASTER, OPEN = Verdict.SLOWER, Verdict.FASTER, Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("found", "tone", "line"),
    [
        (
            gate(compared(), compared(FASTER, 0.9)),
            "good",
            "No regression: no slowdown of 10 % or more in 2 of 2 comparisons; 1 faster.",
        ),
        (
            gate(compared(), compared(OPEN)),
            "warn",
            "Inconclusive: 1 comparison undecided; no slowdown of 10 % or more in 1 of "
            "2 comparisons.",
        ),
        (
            gate(
                compared(OPEN, note="suspected to be slower, and there was no time to confirm it")
            ),
            "warn",
            "Inconclusive: 1 comparison undecided; no slowdown of 10 % or more in 0 of "
            "1 comparison: echo.server_cpu, gevent × websocket, suspected to be slower, and there "
            "was no time to confirm it",
        ),
        (
            gate(compared(), code=3, limits=[limited(Kept.UNDECIDED)]),
            "warn",
            "Inconclusive: 1 limit undecided; no slowdown of 10 % or more in 1 of 1 comparison.",
        ),
        (
            gate(compared(), code=3, unfit=["base differs from base"]),
            "warn",
            "Inconclusive: this run decides nothing: base differs from base",
        ),
        (
            gate(compared(SLOWER, 1.12), compared(), code=99),
            "bad",
            "Regression: 1 of 2 comparisons slower: echo.server_cpu, gevent × websocket, "
            "1.12 × [1.09, 1.15], slower",
        ),
        (
            gate(code=99, counts=[counted(3, regression=True)]),
            "bad",
            "Regression: 1 count that base never had: echo.lost, gevent × websocket",
        ),
        (
            gate(compared(), code=99, limits=[limited(Kept.BROKEN)]),
            "bad",
            "Regression: 1 limit broken: echo.latency_p99 <= 50 ms, gevent × websocket",
        ),
        (gate(code=99), "bad", "Regression: something is slower."),
        (
            gate(code=4, failures=["gevent failed", "another"]),
            "bad",
            "Failed: 2 measurements failed or missing: gevent failed",
        ),
        (
            gate(code=4, ended="interrupted"),
            "bad",
            "Failed: the comparison was not finished: interrupted",
        ),
        (gate(code=2), "bad", "Wrong call: the call or a file is wrong."),
        (gate(code=17), "bad", "Unknown: the gate ended with 17."),
        (gate(), "warn", "Nothing compared: no comparison can make this gate fail."),
        (
            gate(compared(gated=False)),
            "warn",
            "Nothing compared: no comparison can make this gate fail.",
        ),
    ],
)
def test_one_line_says_how_it_ended(found: Gate, tone: str, line: str) -> None:
    assert (headline(found).tone, str(headline(found))) == (tone, line)


def test_gravest_suspicion_that_there_was_no_time_for_is_in_the_headline() -> None:
    late = "suspected to be slower, and there was no time to confirm it"
    found = gate(
        compared(OPEN, 1.04, note="suspected to be slower, and not confirmed", fresh=evidence(1.0)),
        compared(OPEN, 1.08, metric="latency_p50", note=late),
        compared(OPEN, 0.7, metric="throughput", note=late),
    )
    assert headline(found).quoted.startswith("echo.throughput, ")


def test_a_slowdown_that_is_only_shown_is_not_counted_as_a_regression() -> None:
    found = gate(compared(), compared(SLOWER, 1.3, metric="latency_p90", gated=False))
    assert headline(found).word == "No regression"


def test_an_odd_size_is_said_as_it_is() -> None:
    assert "no slowdown of 7.5 % or more" in str(headline(gate(compared(), detect=0.075)))


def test_slower_comes_first_and_what_decides_before_what_is_shown() -> None:
    order = [(one.verdict, one.decides) for one in changes_of(regression()) if one.moved]
    assert order == [(SLOWER, True), (SLOWER, True), (SLOWER, False), (FASTER, True)]


def test_each_comparison_says_on_how_many_pairs_it_rests() -> None:
    found = changes_of(regression())
    assert {one.basis for one in found} == {
        "12 fresh pairs",
        "12 pairs",
        "12 pairs, 2 dropped",
        "no pairs",
    }


def test_a_note_stands_behind_the_words() -> None:
    (found,) = changes_of(gate(compared(note="ran alone")))
    assert found.words == "no slowdown of 8 % or more; ran alone"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (gate(compared(row="nothing")), "nothing.server_cpu"),
        (gate(compared(metric="nothing")), "echo.nothing"),
        (gate(contrasts=[Contrast("echo", "x", 1, 1.0, None, None, 1.0, False)]), "echo.x"),
        (gate(compared(), detect=0.0), "detect is 0"),
        (gate(compared(), detect=-1.0), "detect is -1"),
    ],
)
def test_what_this_version_does_not_know_is_refused_in_one_line(found: Gate, words: str) -> None:
    with pytest.raises(ReportError, match=words):
        checked(found)


def test_a_ratio_that_is_none_leaves_the_comparison_in_the_table() -> None:
    (found,) = changes_of(gate(compared(ratio=1.0, screen=None, excluded=0.05)))
    assert (found.ratio, found.basis) == (None, "no pairs")


def test_both_arms_are_side_by_side_with_the_packages_that_differ() -> None:
    lines = {line[0].text: [entry.text for entry in line[1:]] for line in arms_table(gate()).lines}
    assert lines["commit"] == [BASE.commit, HEAD.commit]
    assert lines["dirty"] == ["no", "yes: changes that no commit holds"]
    assert lines["python-engineio"] == ["4.12.1", "4.15.1"]
    assert "gevent" not in lines
    assert "mode" not in lines


def test_an_arm_is_named_by_what_it_is() -> None:
    assert about(gate()) == "ci: main → 0123abcd01 (dirty), python-engineio==4.15.1"
    assert about(gate(arms=[])) == "ci: working tree → working tree"
    assert about(gate(arms=[ArmFacts("head", mode="gevent")])).endswith("working tree, gevent")


def test_what_was_never_lost_is_none_and_not_zero_in_no_trial() -> None:
    (line,) = counts_table([counted(7, regression=True)]).lines
    assert [line[place].text for place in (2, 3)] == ["none", "7 in 2 trials"]


def test_tables_of_counts_limits_and_contrasts_have_a_line_for_each() -> None:
    found = regression()
    assert [line[-1].text for line in counts_table(found.counts).lines] == [
        "regression",
        "as before",
    ]
    assert [line[-1].text for line in limits_table(found.limits).lines] == [
        "broken",
        "kept",
        "undecided: fewer than 1,000 samples",
    ]
    assert [line[-1].text for line in contrasts_table(found).lines] == ["no difference"]
