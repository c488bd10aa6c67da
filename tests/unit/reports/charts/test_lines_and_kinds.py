"""Charts over a number and by kinds: what is drawn, what is crossed out, and which axis 0 wants."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from loadtests.record.results import Measurement, Result
from loadtests.record.words import Transport
from loadtests.scenarios.pages import ROWS
from reports.charts.kinds import marks
from reports.charts.lines import Series, lines_of, over
from reports.facts.run import Facts, facts_of
from tests.unit.reports.builder import measurement, planned, ran, result

WS = Transport.WEBSOCKET


def run(numbers: dict[int, float | None], invalid: tuple[int, ...] = ()) -> Result:
    plan = [
        planned(place, ROWS.row(number), transport=WS, block=0)
        for place, number in enumerate(numbers)
    ]
    trials = []
    for place, (number, value) in enumerate(numbers.items()):
        taken = measurement(ROWS.row(number), page_p50=value)
        why = {"page_p50": "too busy"} if number in invalid else {}
        trials.append(ran(place, Measurement(row=taken.row, metrics=taken.metrics, invalid=why)))
    return result(plan, trials)


def drawn(facts: Facts) -> Figure:
    return over(facts, ROWS.number_of, (Series("page_p50", "p50"),), "sockets", "ms")


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(("first", "scale"), [(1, "log"), (0, "linear")])
def test_number_that_may_be_zero_wants_a_plain_axis(first: int, scale: str) -> None:
    (axes,) = drawn(facts_of(run({first: 1.0, 50: 2.0}))).axes
    assert axes.get_xscale() == scale
    assert ("log scale" in axes.get_xlabel()) is (scale == "log")


def test_lines_are_in_the_order_of_numbers_and_miss_what_has_none() -> None:
    facts = facts_of(run({200: 3.0, 50: 2.0, 100: None}))
    ((rows,),) = [list(lines_of(facts, "page_p50", ROWS.number_of).values())]
    assert list(rows) == [50, 100, 200]
    (axes,) = drawn(facts).axes
    assert np.asarray(axes.lines[0].get_xdata()).tolist() == [50, 200]


def test_what_is_not_to_be_trusted_is_crossed_out_and_the_legend_says_so() -> None:
    assert "invalid" not in legend(drawn(facts_of(run({50: 1.0, 100: 2.0}))))
    assert "invalid" in legend(drawn(facts_of(run({50: 1.0, 100: 2.0}, invalid=(100,)))))


def test_kinds_that_nobody_has_are_left_out() -> None:
    facts = facts_of(run({50: 1.0, 100: 2.0}))
    rows = next(iter(lines_of(facts, "page_p50", ROWS.number_of).values()))
    cell = next(iter(rows.values())).cell
    figure = marks({cell: rows}, {50: "few", 75: "some", 100: "many"}, "ms")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["few", "many"]
