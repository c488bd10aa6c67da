"""Curve: latency by load, up to what a server keeps up with and no further."""

from __future__ import annotations

import pytest

from loadtests.record.results import Measurement
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import curve
from loadtests.scenarios.curve import METRICS, ROWS, SCENARIO, Curve
from tests.support.present import present
from tests.support.simulation import MS
from tests.unit.scenarios.queues import Queue

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[curve]\n'
RATES = [20, 100, 180, 400, 800]
#: Long enough for a queue to be itself.
OPTIONS = Curve(rates_hz=RATES, clients=20, seconds=4)


@pytest.fixture(scope="module")
def found() -> dict[str, Measurement]:
    """Of a server that takes 5 ms for everything: 200 in a second."""
    bench = Queue(20, 5 * MS).bench
    return {each.row: each for each in curve.measure(bench, OPTIONS)}  # type: ignore[arg-type]


def test_every_rate_has_its_row_in_order(found: dict[str, Measurement]) -> None:
    assert list(found) == [ROWS.row(rate_hz) for rate_hz in RATES]
    assert all(each.metrics.keys() == METRICS.keys() for each in found.values())


def test_latency_rises_with_the_load(found: dict[str, Measurement]) -> None:
    p99 = [present(found[f"curve:{rate_hz}"].metrics["latency_p99"]) for rate_hz in (20, 100, 180)]
    assert 5 <= p99[0] < 12
    assert p99[0] < p99[1] < 30
    assert p99[2] > 2 * p99[1]


def test_first_rate_that_is_too_much_is_measured_and_not_trusted(
    found: dict[str, Measurement],
) -> None:
    too_much = found["curve:400"]
    assert present(too_much.metrics["latency_p50"]) > 500
    assert too_much.invalid["latency_p50"].startswith(
        "more was offered than was answered, so these are the times of a growing queue (200 of "
    )


def test_rates_beyond_it_say_why_they_were_not_offered(found: dict[str, Measurement]) -> None:
    beyond = found["curve:800"]
    assert set(beyond.metrics.values()) == {None}
    (why,) = set(beyond.unavailable.values())
    assert why.startswith("beyond what the server keeps up with: its queue grew at 400/s (")
    assert why.endswith(" lost; 10 % of its core used)")


def test_what_is_answered_is_what_was_offered_while_it_keeps_up(
    found: dict[str, Measurement],
) -> None:
    assert found["curve:100"].metrics["answered"] == pytest.approx(100, rel=0.15)
    assert found["curve:100"].metrics["lost"] == 0


def test_rate_that_ends_a_connection_spoils_itself_and_those_beyond_and_no_other() -> None:
    queue = Queue(20, MS)
    victim = queue.bench.sessions[0]
    plain = victim.on_send

    def until(name: str, data: str) -> None:
        if int(data.split(":")[1]) > 150:
            victim.ended = "connection closed by the server"
        else:
            plain(name, data)

    victim.on_send = until
    taken = curve.measure(queue.bench, OPTIONS)  # type: ignore[arg-type]
    assert queue.bench.judged == ()
    light, *_, beyond = taken
    assert light.invalid == {}
    ended = next(each for each in taken if "clients lost" in each.invalid.get("latency_p50", ""))
    assert taken.index(ended) > 0
    assert "connections were lost at" in next(iter(beyond.unavailable.values()))


def test_row_is_read_as_it_is_written() -> None:
    assert [ROWS.number_of(ROWS.row(rate_hz)) for rate_hz in RATES] == RATES
    assert ROWS.number_of("curve") is ROWS.number_of("echo:5") is ROWS.number_of("curve:x") is None


def test_strangers_rows_come_last() -> None:
    assert SCENARIO.order is not None
    assert SCENARIO.order("curve:x") > SCENARIO.order("curve:1000000")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("rates_hz = [100, 50]", "each is above the one before"),
        ("rates_hz = [100, 100]", "each is above the one before"),
        ("rates_hz = []", "length >= 1"),
        ("rates_hz = [1, 100]\nseconds = 1", "seconds = 20 would do"),
        ("rates_hz = [0, 100]", ">= 1"),
    ],
)
def test_rates_that_say_nothing_are_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
