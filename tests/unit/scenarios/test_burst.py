"""Burst: many messages at once; what is not answered is lost, and no quick one."""

from __future__ import annotations

import pytest

from loadtests.record.results import Measurement
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import burst
from loadtests.scenarios.burst import METRICS, ROWS, SCENARIO, Burst
from tests.support.simulation import MS, FakeBench
from tests.unit.scenarios.queues import Queue

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[burst]\n'
OPTIONS = Burst(sizes=[1, 16, 18], bursts=4)


def measured(bench: FakeBench, options: Burst = OPTIONS) -> dict[str, Measurement]:
    found = burst.measure(bench, options)  # type: ignore[arg-type]
    return {each.row: each for each in found}


def test_last_answer_comes_when_all_before_it_were_served() -> None:
    found = measured(Queue(3, MS).bench)
    assert list(found) == ["burst:1", "burst:16", "burst:18"]
    for size in OPTIONS.sizes:
        each = found[ROWS.row(size)]
        assert each.metrics.keys() == METRICS.keys()
        assert each.metrics["last_p50"] == each.metrics["last_max"] == size
        assert (each.metrics["answered"], each.metrics["lost"]) == (100, 0)
        assert each.invalid == {}


def test_messages_of_a_burst_that_vanish_are_counted_and_it_has_no_last_answer() -> None:
    queue = Queue(3, MS)
    session = queue.bench.sessions[2]
    plain = session.on_send
    # As python-engineio does it: the first POST is read, the second is thrown away.
    session.on_send = lambda name, data: (
        plain(name, data) if int(data.split(":")[1]) % 18 == 0 else None
    )
    found = measured(queue.bench)
    assert found["burst:18"].metrics["lost"] == 4 * 17
    assert found["burst:18"].metrics["answered"] == pytest.approx(100 / 18)
    assert found["burst:18"].metrics["last_p50"] is None
    assert "never arrived" in found["burst:18"].invalid["last_p50"]
    assert found["burst:16"].metrics["lost"] == 0


def test_answer_to_an_earlier_burst_is_not_counted_for_the_next() -> None:
    queue = Queue(1, 300 * MS)  # of a second and a half for five messages
    found = measured(queue.bench, Burst(sizes=[5], bursts=2, drain_s=1))["burst:5"]
    assert found.metrics["last_p50"] is None
    assert 0 < (found.metrics["answered"] or 0) < 100


def test_burst_that_ends_the_connection_says_so_and_is_not_tried_again() -> None:
    queue = Queue(3, MS)
    session = queue.bench.sessions[2]

    def end(_name: str, _data: str) -> None:
        session.ended = "connection closed by the server: 1009"

    session.on_send = end
    found = measured(queue.bench)
    assert found["burst:18"].metrics["lost"] == 18
    assert found["burst:18"].notes == {
        "answered": "the connection ended: connection closed by the server: 1009"
    }


def test_client_that_was_lost_before_has_no_numbers_and_a_reason() -> None:
    queue = Queue(3, MS)
    queue.bench.sessions[0].ended = "gone"
    found = measured(queue.bench)
    assert set(found["burst:1"].unavailable.values()) == {
        "its client was lost before its first burst: gone"
    }


def test_row_is_read_as_it_is_written() -> None:
    assert ROWS.number_of(ROWS.row(256)) == 256
    assert ROWS.number_of("burst") is ROWS.number_of("echo:3") is None
    assert SCENARIO.order is not None
    assert SCENARIO.order("burst:x") > SCENARIO.order("burst:100000")


@pytest.mark.parametrize(
    ("line", "problem"),
    [("sizes = [2, 1]", "each is above the one before"), ("sizes = []", "length >= 1")],
)
def test_what_says_nothing_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
