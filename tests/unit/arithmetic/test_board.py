"""Distributions and tallies that add up over processes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.board import Board, BoardLine, Measure, lines
from loadtests.arithmetic.distribution import HOUR_NS, Distribution

TIMES = st.lists(st.integers(min_value=1, max_value=HOUR_NS), min_size=1, max_size=200)


def nanoseconds(values):
    return np.asarray(values, dtype=np.int64)


def distribution(values):
    result = Distribution()
    result.record(nanoseconds(values))
    return result


def board(*values, name="echo", lost=0, failed=0, untimed=0, in_flight=0):
    result = Board()
    result.time("websocket", name, Measure.LATENCY, nanoseconds(values))
    tally = result.of("websocket", name)
    tally.lost, tally.failed, tally.untimed, tally.in_flight = lost, failed, untimed, in_flight
    return result


@given(TIMES, st.floats(min_value=0, max_value=1))
def test_quantile_is_the_nearest_rank_to_three_significant_figures(values, q):
    exact = sorted(values)[max(math.ceil(q * len(values)), 1) - 1]
    assert exact == pytest.approx(distribution(values).quantile_ns(q), rel=1e-3)


@given(TIMES)
def test_longest_is_exact_and_no_quantile_is_beyond_it(values):
    found = distribution(values)
    assert max(values) == found.longest_ns
    assert max(values) >= found.quantile_ns(1)


@given(TIMES, TIMES)
def test_sum_of_two_is_the_distribution_of_all(first, second):
    together = distribution(first)
    together.add(distribution(second))
    assert distribution(first + second).encode() == together.encode()
    assert len(first + second) == together.count


@given(TIMES)
def test_values_in_one_call_are_those_of_a_library_call_each(values):
    reference = HdrHistogram(1, HOUR_NS, 3)
    for value in values:
        reference.record_value(value)
    assert reference.encode().decode() == distribution(values).encode()


def test_no_value_is_dropped_for_being_out_of_range():
    found = distribution([-5, 0, 2 * HOUR_NS])
    assert found.count == 3
    assert found.longest_ns == HOUR_NS


def test_nothing_has_no_quantile():
    assert Distribution().quantile_ns(0.5) is None
    assert distribution([]).count == 0


def test_lost_messages_are_slower_than_every_answer():
    found = distribution([1_000_000] * 98)
    assert found.quantile_ns(0.5, missing=2) == pytest.approx(1_000_000, rel=1e-3)
    assert found.quantile_ns(0.99, missing=2) is None


@given(TIMES)
def test_encoded_is_read_back_as_it_was(values):
    found = distribution(values)
    again = Distribution.decode(found.encode(), found.longest_ns)
    assert found.encode() == again.encode()
    assert found.count == again.count
    assert found.quantile_ns(0.9) == again.quantile_ns(0.9)


def test_reports_of_two_processes_add_up_to_one_that_saw_everything():
    whole = board(*range(1, 3_000_001, 1000), lost=3, failed=5, untimed=7, in_flight=9)
    master = Board()
    master.add(board(*range(1, 1_000_001, 1000), lost=1, failed=5, in_flight=9).report())
    master.add(board(*range(1_000_001, 3_000_001, 1000), lost=2, untimed=7).report())
    assert whole.rows() == master.rows()


def test_report_is_plain_json():
    found = board(5, 6, lost=1)
    again = Board()
    again.add(json.loads(json.dumps(found.report())))
    assert found.rows() == again.rows()


def test_what_was_taken_is_not_reported_again():
    worker = board(1_000_000)
    master = Board()
    master.add(worker.take())
    worker.time("websocket", "echo", Measure.LATENCY, nanoseconds([3_000_000]))
    master.add(worker.take())
    master.add(worker.take())
    assert [row.count for row in master.rows()] == [2]
    assert not worker


def test_report_of_another_version_is_refused():
    with pytest.raises(ValueError, match="format 99, expected 1"):
        Board().add({"format": 99, "names": []})


def test_row_has_milliseconds_to_the_microsecond_and_the_counts_of_its_name():
    found = board(*[1_234_567] * 999, 9_876_543, lost=0, failed=2, untimed=4)
    (row,) = found.rows()
    assert (row.type, row.name, row.measure, row.count) == ("websocket", "echo", "latency", 1000)
    assert row.p50_ms == pytest.approx(1.235, abs=0.002)
    assert row.p999_ms == pytest.approx(1.235, abs=0.002)
    assert row.max_ms == 9.877
    assert (row.untimed, row.lost, row.failed) == (4, 0, 2)


def test_counts_stand_beside_the_latency_only():
    found = board(5_000_000)
    found.time("websocket", "echo", Measure.LATENESS, nanoseconds([1000, 2000]))
    latency, lateness = found.rows()
    assert latency.failed == 0
    assert (lateness.measure, lateness.count, lateness.failed) == ("lateness", 2, None)


def test_name_that_only_failed_has_its_row():
    (row,) = board(failed=3).rows()
    assert (row.count, row.p50_ms, row.max_ms, row.failed) == (0, None, None, 3)


def test_rows_are_ordered_by_name():
    found = board(1, name="echo")
    found.of("websocket", "connect").failed = 1
    first, second = found.rows()
    assert (first.name, second.name) == ("connect", "echo")


def test_text_says_what_is_no_number():
    row = BoardLine("polling", "echo", "latency", 98, 1.5, 1.5, None, None, 1.5, 0, 3, 2, 0)
    head, line = (" ".join(each.split()) for each in lines([row]))
    assert head == "type name measure count p50 p90 p99 p99.9 max untimed in flight lost failed"
    assert line == "polling echo latency 98 1.500 1.500 - - 1.500 0 3 2 0"
