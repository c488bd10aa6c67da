"""Sharing users among load generators, and reaching these."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import gevent
import msgspec
import pytest

from loadtests.run import spreading
from loadtests.run import workers as workers_module
from loadtests.run.spreading import shares, spawned
from loadtests.run.trial import Orders
from loadtests.run.workers import LocustWorkers
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.spread.orders import Outstanding, WorkerAnswer


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("expected", [[20], [7, 7], [1, 0, 4], [3, 5, 2]])
def test_every_trial_gets_its_users_evenly_from_all(expected: list[int], workers: int) -> None:
    every = [shares(expected, worker, workers) for worker in range(workers)]
    for cell, many in enumerate(expected):
        each = [share.count(cell) for share in every]
        assert sum(each) == many
        assert max(each) - min(each) <= 1
    # As many are spawned at each, and no fewer than are wanted there.
    assert max(map(len, every)) * workers == spawned(expected, workers)


class Clients(dict[str, SimpleNamespace]):
    """Locust's workers by their ids."""

    missing: ClassVar[list[SimpleNamespace]] = []


class Runner:
    """Locust's master, of two workers."""

    def __init__(self) -> None:
        self.clients = Clients({name: SimpleNamespace(id=name) for name in ("b", "a")})
        self.sent: list[tuple[str, str]] = []
        self.hear: dict[str, Any] = {}

    def register_message(self, kind: str, heard: Any) -> None:
        self.hear[kind] = heard

    def send_message(self, kind: str, _data: Any, worker: str) -> None:
        self.sent.append((kind.removeprefix("transport-bench "), worker))

    def says(self, worker: str, message: msgspec.Struct) -> None:
        data = {"bytes": msgspec.msgpack.encode(message)}
        kind = f"transport-bench {type(message).__name__}"
        self.hear[kind](msg=SimpleNamespace(data=data, node_id=worker), environment=None)


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def workers(runner: Runner) -> LocustWorkers:
    """Of whom the one that Locust calls a is the second."""
    told = Orders([], generators=2)
    found = LocustWorkers(runner, told, lambda *_: None, lambda *_: None)  # type: ignore[arg-type]
    runner.says("a", spreading.Here(1))
    runner.says("b", spreading.Here(0))
    found.begin()
    return found


def test_orders_are_sent_when_all_have_said_that_they_hear(runner: Runner) -> None:
    told = Orders([], generators=2)
    found = LocustWorkers(runner, told, lambda *_: None, lambda *_: None)  # type: ignore[arg-type]
    beginning = gevent.spawn(found.begin)
    runner.says("a", spreading.Here(1))
    gevent.sleep(0)
    assert runner.sent == []
    runner.says("b", spreading.Here(0))
    beginning.join(5)
    assert sorted(runner.sent) == [("Ordered", "a"), ("Ordered", "b")]


@pytest.mark.parametrize("orderly", [True, False])
def test_worker_that_has_gone_is_told_at_once(
    runner: Runner, workers: LocustWorkers, monkeypatch: pytest.MonkeyPatch, orderly: bool
) -> None:
    gone = runner.clients.pop("a") if orderly else runner.clients["a"]
    monkeypatch.setattr(runner.clients, "missing", [] if orderly else [gone], raising=False)
    with pytest.raises(TrialFailed, match="load generator 2 of 2 has ended or stands still"):
        workers.ask(0, {1: Outstanding()})
    assert runner.sent[-1] == ("Asked", "a")


def test_worker_that_does_not_answer_is_waited_for_so_long(
    workers: LocustWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "LOOK_S", 0.01)
    monkeypatch.setattr(Outstanding, "patience_s", 0.03)
    with pytest.raises(TrialFailed, match=r"load generator 1 of 2 did not answer within 0\.03 s"):
        workers.ask(0, {0: Outstanding(), 1: Outstanding()})
    assert workers._waiting == {}


def test_answers_are_known_by_their_numbers_in_whatever_order_they_come(
    runner: Runner, workers: LocustWorkers
) -> None:
    asking = gevent.spawn(workers.ask, 0, {0: Outstanding(), 1: Outstanding()})
    gevent.sleep(0)
    for number, worker, absent_ns in ((1, "a", 7), (0, "b", 3), (99, "b", 50)):
        given = msgspec.Raw(msgspec.msgpack.encode(bool(number)))
        answer = WorkerAnswer(given, absent_ns=absent_ns)
        runner.says(worker, spreading.Answered(number, answer))
    found = asking.get(timeout=5)
    assert [msgspec.msgpack.decode(found[each].given) for each in (0, 1)] == [False, True]
    assert workers.absent_ns() == 7
    assert workers.absent_ns() == 0
