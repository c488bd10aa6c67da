"""Two intervals of each mean: one to compare cells by, and one that is the machine's."""

from __future__ import annotations

import numpy
import pytest
from matplotlib.figure import Figure

from loadtests.record.results import Result
from reports.charts.whiskers import ends, keys, whiskers
from reports.facts.rows import Row
from reports.summary import summarise
from tests.unit.reports.builder import cells, echo_trials
from tests.unit.reports.charts.test_gallery import drawn, texts
from tests.unit.reports.matrix import realistic

#: A machine that is twice as quick in each block as in the one before, and two cells on it.
DRIFTING = {"gevent": (100.0, 200.0, 404.0), "eventlet": (90.0, 182.0, 360.0)}
WITHIN = "95 % interval within blocks: compare cells by it"
ITSELF = "95 % interval of the figure itself"


def row(run: Result) -> Row:
    return next(one for one in summarise(run).rows if one.metric.name == "throughput")


def lines(one: Row) -> list[tuple[float, float]]:
    """The horizontal lines that are drawn for a row, from left to right, in their order."""
    axes = Figure().add_subplot()
    axes.set_xlim(0, 1000)
    whiskers(axes, one, 0.0)
    drawn = [numpy.asarray(line.get_xdata()).tolist() for line in axes.get_lines()]
    return [(left, right) for left, right in drawn if left != right]


def test_interval_within_blocks_is_narrow_where_that_of_the_figure_is_wide() -> None:
    one = row(cells("throughput", **DRIFTING))
    itself, within = lines(one)
    assert itself[1] - itself[0] > 10 * (within[1] - within[0])
    assert within[0] < (one.value or 0.0) < within[1]
    assert ends([one]) == [pytest.approx(itself[1]), pytest.approx(within[1])]


def test_cell_alone_has_only_the_interval_of_the_figure() -> None:
    assert len(lines(row(echo_trials(1.0, 2.0, metric="throughput")))) == 1


def test_single_trial_has_no_whiskers_and_no_key() -> None:
    one = row(echo_trials(1.0, metric="throughput"))
    assert (lines(one), ends([one]), keys([one])) == ([], [], [])


def test_legends_name_both_intervals() -> None:
    charts = drawn(realistic(blocks=2, scenarios=("echo", "broadcast"), messages=50))
    for name in ("echo-latency", "echo-throughput", "cpu-per-message", "broadcast-delivery"):
        assert {WITHIN, ITSELF} <= set(texts(charts[name]))


def test_throughput_has_a_column_of_ratios_to_the_best() -> None:
    words = texts(drawn(cells("throughput", **DRIFTING))["echo-throughput"])
    assert "times the best's" in words
    assert "best" in words
    assert any(word.startswith("0.90 × [") for word in words)


def test_single_trials_have_no_column_of_ratios() -> None:
    words = texts(drawn(cells("throughput", gevent=(1.0,), eventlet=(2.0,)))["echo-throughput"])
    assert "times the best's" not in words
