"""How small a difference a run could have told from chance, and where that is said."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from reports.facts.precision import Precision, smallest_difference
from reports.facts.stats import Ratio
from reports.pages.exports import to_markdown
from reports.pages.html import to_html
from reports.pages.terminal import show
from reports.sections.precision import CAPTION, table
from reports.summary import summarise
from tests.unit.reports.builder import cells

METRIC = next(row.metric for row in summarise(cells("throughput", gevent=(1.0,))).rows)
PAIRED = {
    "gevent": (100.0, 200.0, 50.0),
    "eventlet": (90.0, 189.0, 45.0),
    "threading": (50.0, 100.0, 26.0),
}


def wide(margin: float) -> Ratio:
    return Ratio(2.0, 2.0 * math.exp(-margin), 2.0 * math.exp(margin))


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([], None),
        ([Ratio(2.0, None, None)], None),
        ([Ratio(2.0, 0.5, math.inf), Ratio(2.0, 0.0, 3.0)], None),
        ([wide(math.log(1.04))], 0.04),
        ([wide(math.log(1.02)), wide(math.log(1.04)), wide(math.log(9))], 0.04),
        ([Ratio(1.0, 1.0, 1.0)], 0.0),
    ],
)
def test_smallest_difference_is_half_an_interval_in_the_middle_of_all(ratios, expected) -> None:
    found = smallest_difference(ratios)
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_difference_of_that_size_is_just_told_apart() -> None:
    found = smallest_difference([wide(0.1)])
    assert found is not None
    assert Ratio(1 + found * 1.01, (1 + found * 1.01) / math.exp(0.1), 2.0).apart
    assert not Ratio(1 + found * 0.99, (1 + found * 0.99) / math.exp(0.1), 2.0).apart


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0.0, "0.1 %"), (0.0042, "0.4 %"), (0.038, "4 %"), (0.5, "50 %"), (1.4, "a factor of 2.4")],
)
def test_difference_is_told_in_per_cent_or_as_a_factor(difference: float, expected: str) -> None:
    assert str(Precision(METRIC, difference)) == f"{METRIC.title} {expected}"


def test_main_numbers_are_told_for_every_row_name_that_was_compared() -> None:
    found = table(summarise(cells("throughput", **PAIRED)))
    ((name, words),) = found.lines
    assert name.text == "echo"
    assert "throughput 7 %" in words.text
    assert "lateness" not in words.text


def test_page_markdown_and_terminal_say_it() -> None:
    summary = summarise(cells("throughput", **PAIRED))
    out = io.StringIO()
    show(summary, Console(file=out, width=120))
    for text in (to_html(summary, []), to_markdown(summary), out.getvalue()):
        assert CAPTION in text


def test_single_trials_could_have_told_nothing_apart() -> None:
    summary = summarise(cells("throughput", gevent=(1.0,), eventlet=(2.0,)))
    assert table(summary).lines == ()
    assert CAPTION not in to_html(summary, [])
    assert CAPTION not in to_markdown(summary)
