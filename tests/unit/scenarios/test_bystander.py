"""Bystander: what everybody else waits while the handler of one client works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.record.application import WORK_EVENT
from loadtests.record.results import Measurement
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import bystander
from loadtests.scenarios.bystander import METRICS, SCENARIO, Bystander, Work
from tests.support.present import present
from tests.support.simulation import MS, FakeSession
from tests.unit.scenarios.queues import Queue

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[bystander]\n'
OPTIONS = Bystander(clients=10, works=[Work.SLEEP, Work.BLOCK])


class Ordering(FakeSession):
    """The client that orders work, of a server that can be held up."""

    def __init__(self, queue: Queue, number: int, done: Callable[[str, float], int]) -> None:
        super().__init__(number)
        self._queue, self._done = queue, done
        self.orders: list[tuple[str, float]] = []

    def emit(self, event: str, order: dict[str, Any], on_ack: Callable[..., None]) -> None:
        assert event == WORK_EVENT
        self.orders.append((order["work"], order["amount"]))
        world = self._queue.bench.world
        done_ns = self._done(order["work"], order["amount"])
        if done_ns:
            world.at(done_ns, lambda: on_ack([], world.now_ns, world.now_ns))


def served(*, answers: bool = True) -> tuple[Queue, Ordering]:
    """Of a server that takes 1 ms for a message, and stands still for work that blocks."""
    queue = Queue(OPTIONS.clients, MS)

    def done(work: str, amount: float) -> int:
        if not answers:
            return 0
        took_ns = round(amount * 1e9)
        if work == Work.BLOCK:
            return queue.hold(took_ns)
        return queue.bench.world.now_ns + took_ns

    worker = Ordering(queue, OPTIONS.clients, done)
    queue.bench.sessions.append(worker)
    return queue, worker


def measured(queue: Queue, options: Bystander = OPTIONS) -> dict[str, Measurement]:
    found = bystander.measure(queue.bench, options)  # type: ignore[arg-type]
    return {each.row: each for each in found}


def test_work_that_blocks_holds_up_the_slow_hundredth_by_as_long_as_it_takes() -> None:
    queue, worker = served()
    found = measured(queue)
    assert list(found) == ["bystander:none", "bystander:sleep", "bystander:block"]
    assert all(each.metrics.keys() == METRICS.keys() for each in found.values())
    # 100 ms of each half second: a fifth waits, and the slow hundredth nearly all of it.
    assert present(found["bystander:block"].metrics["rise_p99"]) == pytest.approx(100, rel=0.10)
    assert found["bystander:block"].invalid == {}
    assert ("block", 0.1) in worker.orders


def test_work_that_the_mode_knows_holds_nobody_up() -> None:
    queue, _ = served()
    found = measured(queue)
    assert present(found["bystander:sleep"].metrics["rise_p99"]) == pytest.approx(0, abs=0.5)


def test_what_an_echo_costs_beside_work_is_not_told() -> None:
    queue, _ = served()
    found = measured(queue)
    assert present(found["bystander:none"].metrics["server_cpu"]) > 0
    assert found["bystander:block"].metrics["server_cpu"] is None
    assert found["bystander:block"].unavailable["server_cpu"] == "the work itself is in it"


def test_without_work_there_is_nothing_to_hold_it_against() -> None:
    queue, _ = served()
    calm = measured(queue)["bystander:none"]
    assert calm.metrics["rise_p99"] is None
    assert calm.unavailable["rise_p99"] == "this is what the others are held against"
    assert calm.metrics["orders"] == 0


def test_orders_are_counted_and_come_one_after_the_other() -> None:
    queue, worker = served()
    found = measured(queue)
    assert found["bystander:block"].metrics["orders"] == 6
    assert len(worker.orders) == 12


def test_work_that_is_never_done_is_not_measured_as_if_it_were() -> None:
    queue, _ = served(answers=False)
    found = measured(queue)
    assert found["bystander:none"].invalid == {}
    assert found["bystander:block"].invalid["latency_p99"] == (
        "the work was never done: the client that ordered it had no answer"
    )


def test_rise_above_what_is_not_to_be_trusted_is_not_to_be_trusted() -> None:
    queue, _ = served()
    deaf = queue.bench.sessions[0]
    plain = deaf.on_send
    # In the first turn, which is that without work, nobody answers one of the ten clients.
    deaf.on_send = lambda name, data: None if int(data.split(":")[1]) < 50 else plain(name, data)
    found = measured(queue)
    assert found["bystander:none"].metrics["latency_p99"] is None
    assert "rise_p99" in found["bystander:block"].invalid


def test_rows_come_as_the_kinds_are_declared() -> None:
    assert SCENARIO.order is not None
    rows = [kind.row for kind in Work]
    assert sorted(sorted(rows), key=SCENARIO.order) == rows
    assert SCENARIO.order("bystander:x") > SCENARIO.order(rows[-1])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("work_s = 0.5", "the handler would never be idle"),
        ("measure_s = 1", "measure_s = 2 would do"),
        ('works = ["block", "block"]', "named twice"),
        ("drain_s = 0.1", "drain_s is not above work_s"),
        ('works = ["dance"]', "Invalid enum value 'dance'"),
    ],
)
def test_what_says_nothing_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
