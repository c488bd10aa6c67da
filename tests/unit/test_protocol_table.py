"""What mocha says of a test suite, as tables."""

from __future__ import annotations

import json

import pytest

from tests.protocol.table import NOT_RUN, Run, joined, markdown, parse


def report(passes: tuple[str, ...] = (), failures: tuple[tuple[str, str], ...] = ()) -> str:
    """The parts of mocha's JSON that matter."""
    return json.dumps(
        {
            "stats": {"tests": 99},
            "passes": [{"fullTitle": title, "err": {}} for title in passes],
            "failures": [{"fullTitle": it, "err": {"message": why}} for it, why in failures],
        }
    )


def run(*passed: str, **failed: str) -> Run:
    return Run(frozenset(passed), failed)


def row(text: str, name: str) -> list[str]:
    """The cells behind the name that a row begins with."""
    (line,) = [each for each in text.splitlines() if each.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_report_says_what_passed_and_why_the_rest_did_not() -> None:
    assert parse(report(("a",), (("b", "expected 1 to equal 2"),))) == run(
        "a", b="expected 1 to equal 2"
    )


def test_test_that_fails_twice_is_one_test_and_its_first_reason_counts() -> None:
    found = parse(report((), (("a", "broken frame"), ("a", "done() called multiple times"))))
    assert found == run(a="broken frame")


def test_test_that_fails_after_it_passed_has_failed() -> None:
    assert parse(report(("a",), (("a", "late"),))) == run(a="late")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("first\nsecond", "first"),
        ("a `code` | b", "a 'code' ¦ b"),
        ("x" * 500, "x" * 120),
        ("", "no reason given"),
    ],
)
def test_reason_is_one_line_that_breaks_no_table(message: str, reason: str) -> None:
    assert parse(report((), (("a", message),))).failed["a"] == reason


def test_failure_without_a_message_is_still_a_failure() -> None:
    text = json.dumps({"passes": [], "failures": [{"fullTitle": "a", "err": {}}]})
    assert parse(text).failed == {"a": "no reason given"}


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"passes": [], "failures": [{}]}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no report of mocha's"):
        parse(text)


def test_runs_of_single_tests_join_into_one() -> None:
    assert joined([run("a"), run(b="why"), run("c")]) == run("a", "c", b="why")


def test_table_counts_tests_and_not_runs() -> None:
    text = markdown("suite", {"one": [run("a", "b", c="x"), run("a", b="y", c="x")]})
    assert row(text, "one") == ["1", "1", "1", "3", "2"]


def test_table_tells_always_from_sometimes_and_from_never() -> None:
    text = markdown(
        "suite",
        {"one": [run("c", a="x", b="y"), run("b", "c", a="x")], "other": [run("a", "b", "c")] * 2},
    )
    assert row(text, "a") == ["fails", ""]
    assert row(text, "b") == ["1 of 2", ""]
    assert "| c |" not in text


def test_reason_names_who_gave_it_and_how_often() -> None:
    text = markdown("suite", {"one": [run(a="x"), run(a="y")], "other": [run(a="x"), run("a")]})
    assert "- a\n  - `x`: one 1×, other 1×\n  - `y`: one 1×\n" in text


def test_test_that_was_not_run_is_not_one_that_passed() -> None:
    text = markdown("suite", {"one": [run("a")], "other": [run("a", "b")]})
    assert row(text, "one") == ["1", "1", "0", "2", "1"]
    assert f"`{NOT_RUN}`: one 1×" in text


def test_suite_without_a_failure_has_no_table_of_failures() -> None:
    text = markdown("suite", {"one": [run("a", "b")]})
    assert row(text, "one") == ["2", "0", "0", "2", "1"]
    assert "failing" not in text
