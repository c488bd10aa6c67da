"""A gate for other programs: JUnit, github-action-benchmark's arrays, GitHub's one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from loadtests.record.gate import Gate
from loadtests.record.words import Better, Verdict
from reports.pages.benchmark_action import benchmarks
from reports.pages.github import annotation
from reports.pages.junit import junit
from tests.unit.reports.gate_builder import compared, gate, regression
from tests.unit.reports.pages.test_gate import strangers

ON_GITHUB = {"GITHUB_ACTIONS": "true"}


def cases(found: Gate) -> dict[str, type | None]:
    """The test cases of its JUnit file, each with what became of it."""
    document = JUnitXml.fromstring(junit(found))
    return {
        case.name: type(case.result[0]) if case.result else None
        for suite in document
        for case in suite
    }


# JUnit


def test_every_comparison_count_and_limit_is_a_test_case() -> None:
    found = regression()
    assert cases(found) == {
        "echo.throughput gevent × websocket": Failure,
        "echo.server_cpu gevent × websocket": Failure,
        "echo.latency_p90 gevent × websocket": None,
        "echo.server_cpu threading × websocket": None,
        "echo.latency_p50 eventlet × websocket": Skipped,
        "echo.server_cpu threading × polling": Skipped,
        "echo.server_cpu eventlet × websocket": None,
        "echo.lost gevent × websocket": Failure,
        "echo.lost eventlet × websocket": None,
        "echo.latency_p99 <= 50 ms gevent × websocket": Failure,
        "echo.latency_p99 <= 50 ms eventlet × websocket": None,
        "echo.latency_p99 <= 50 ms threading × websocket": Skipped,
    }
    document = JUnitXml.fromstring(junit(found))
    assert (document.tests, document.failures, document.skipped, document.errors) == (12, 4, 3, 0)


def test_what_failed_is_an_error_and_an_unfit_run_is_skipped() -> None:
    found = gate(compared(), code=4, failures=["gevent is gone"], unfit=["base differs from base"])
    assert cases(found)["gevent is gone"] is Error
    assert cases(found)["base differs from base"] is Skipped


def test_a_run_that_is_unfit_calls_nothing_slower_in_junit() -> None:
    slower = compared(Verdict.SLOWER, 1.3)
    fit, unfit = gate(slower, code=99), gate(slower, code=3, unfit=["two bases differ"])
    name = "echo.server_cpu gevent × websocket"
    assert [cases(found)[name] for found in (fit, unfit)] == [Failure, Skipped]


def test_a_gate_that_compared_nothing_is_not_green() -> None:
    assert cases(gate()) == {"comparisons": Error}


def test_hostile_labels_are_read_back_from_junit() -> None:
    names = cases(strangers("<a>&\"']]>"))
    assert "echo.server_cpu <a>&\"']]> × websocket" in names


# github-action-benchmark


def read(found: Gate, better: Better) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(benchmarks(found, better))
    return entries


def test_the_arrays_have_heads_numbers_each_on_its_side() -> None:
    found = regression()
    (bigger,) = read(found, Better.HIGHER)
    assert bigger == {
        "name": "echo.throughput, gevent × websocket",
        "unit": "messages/s",
        "value": 5720.0,
        "range": "[5553.4, 5891.6]",
        "extra": "head / base: 0.88 × [0.85, 0.91], slower",
    }
    smaller = read(found, Better.LOWER)
    assert [one["name"] for one in smaller][-2:] == [
        "echo.lost, gevent × websocket",
        "echo.lost, eventlet × websocket",
    ]
    for one in smaller:
        assert isinstance(one["value"], float | int)
        assert all(isinstance(one[key], str) for key in ("name", "unit", "extra"))


def test_without_heads_number_an_entry_is_the_ratio_under_another_name() -> None:
    (entry,) = read(gate(compared()), Better.LOWER)
    assert entry == {
        "name": "echo.server_cpu, gevent × websocket, head / base",
        "unit": "×",
        "value": 1.01,
        "range": "[0.980583, 1.0403]",
        "extra": "1.01 × [0.98, 1.04], no slowdown of 8 % or more",
    }


# GitHub's line


@pytest.mark.parametrize(
    ("found", "start"),
    [
        (regression(), "::error title=transport-bench%3A regression::Regression: 2 of 6"),
        (gate(code=4, failures=["x"]), "::error title=transport-bench%3A failed::Failed: 1"),
        (gate(compared(Verdict.INCONCLUSIVE)), "::warning title=transport-bench%3A inconclusive::"),
        (gate(compared(), code=3), "::warning title=transport-bench%3A inconclusive::"),
    ],
)
def test_github_is_told_in_one_line(found: Gate, start: str) -> None:
    line = annotation(found, ON_GITHUB)
    assert line
    assert line.startswith(start)
    assert "\n" not in line


def test_nothing_is_said_where_nothing_moved_or_nobody_listens() -> None:
    assert annotation(gate(compared()), ON_GITHUB) is None
    assert annotation(regression(), {}) is None


def test_the_line_is_escaped() -> None:
    found = gate(code=4, failures=["50% of\r\n::error::x"])
    line = annotation(found, ON_GITHUB)
    assert line
    assert line.endswith(": 50%25 of  ::error::x")
