"""Pages: every page that was due counts, whether it came or not."""

from __future__ import annotations

from array import array

import pytest

from loadtests.arithmetic.samples import NEVER
from loadtests.arithmetic.usage import Usage
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios.pages import METRICS, ROWS, SCENARIO, Pages, Visits, summarise
from tests.support.simulation import MS, SECOND

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[pages]\n'


def visits(took: list[int | None], refused: str = "", failures: tuple[str, ...] = ()) -> Visits:
    """Pages that were due every 10 ms, each with how long it took."""
    due = [number * 10 * MS for number in range(len(took))]
    there = [NEVER if each is None else begin + each for begin, each in zip(due, took, strict=True)]
    return Visits(
        connected=3,
        refused=refused,
        due_ns=array("q", due),
        asked_ns=array("q", [each + MS for each in due]),
        there_ns=array("q", there),
        failures=list(failures),
        pages=50,
        usage=Usage(SECOND, SECOND // 10, SECOND // 2),
        open_usage=Usage(SECOND, SECOND // 10, SECOND // 2),
    )


def test_page_counts_from_when_it_was_due() -> None:
    found = summarise("pages:3", visits([2 * MS, 4 * MS, 6 * MS]), 50.0)
    assert found.metrics.keys() == METRICS.keys()
    assert (found.metrics["page_p50"], found.metrics["page_p99"]) == (4, 6)
    assert (found.metrics["throughput"], found.metrics["lost"]) == (50, 0)
    assert found.metrics["lateness_p99"] == 1
    assert found.metrics["server_cpu"] == 10_000
    assert found.invalid == {}


def test_page_that_never_came_is_no_quick_one() -> None:
    found = summarise("pages:3", visits([2 * MS, None, 6 * MS], failures=("timed out",)), 50.0)
    assert found.metrics["lost"] == 1
    assert found.metrics["page_p50"] == 6
    assert found.metrics["page_p99"] is None
    assert "never arrived (1 of 3)" in found.invalid["page_p99"]
    assert found.notes["lost"] == "timed out"


def test_sockets_that_could_not_connect_are_told() -> None:
    found = summarise("pages:200", visits([MS], refused="no answer (197 of 200)"), 50.0)
    assert found.metrics["connected"] == 3
    assert found.notes["connected"] == "not all sockets could connect: no answer (197 of 200)"


def test_page_that_fails_when_asked_for_at_once_makes_the_rate_invalid() -> None:
    seen = visits([MS])
    seen.missed = 3
    assert "replies were lost" in summarise("pages:3", seen, 50.0).invalid["throughput"]


def test_row_is_read_as_it_is_written() -> None:
    assert ROWS.number_of(ROWS.row(200)) == 200
    assert ROWS.number_of(ROWS.row(0)) == 0
    assert ROWS.number_of("pages") is ROWS.number_of("echo:3") is None
    assert SCENARIO.order is not None
    assert SCENARIO.order("pages:x") > SCENARIO.order("pages:1000")


def test_most_sockets_and_the_visitors_must_have_room() -> None:
    assert SCENARIO.clients(Pages(sockets=[0, 77], visitors=3)) == 80


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("sockets = [50, 0]", "each is above the one before"),
        ("rate_hz = 1", "latency_s = 20 would do"),
        ('path = "page"', "Expected `str` matching regex"),
    ],
)
def test_what_says_nothing_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
