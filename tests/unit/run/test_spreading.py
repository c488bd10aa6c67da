"""Sharing users among load generators, and reaching these."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.run import spreading
from loadtests.run.spreading import Workers, shares, spawned
from loadtests.run.trial import Orders
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.spread.orders import Outstanding


@pytest.mark.parametrize("places", [1, 2, 3, 5])
@pytest.mark.parametrize("expected", [[20], [7, 7], [1, 0, 4], [3, 5, 2]])
def test_every_trial_gets_its_users_evenly_from_all(expected: list[int], places: int) -> None:
    every = [shares(expected, place, places) for place in range(places)]
    for cell, many in enumerate(expected):
        each = [share.count(cell) for share in every]
        assert sum(each) == many
        assert max(each) - min(each) <= 1
    # As many are spawned at each, and no fewer than are wanted there.
    assert max(map(len, every)) * places == spawned(expected, places)


class Runner:
    """Locust's master, of two workers of whom one has gone."""

    def __init__(self, missing: list[str]) -> None:
        ids = [SimpleNamespace(id="b"), SimpleNamespace(id="a")]
        gone = [each for each in ids if each.id in missing]
        self.clients = SimpleNamespace(ready=ids, missing=gone)
        self.sent: list[tuple[str, str]] = []

    def register_message(self, *_args: Any) -> None:
        pass

    def send_message(self, kind: str, _data: Any, worker: str) -> None:
        self.sent.append((kind, worker))


def workers(runner: Runner) -> Workers:
    found = Workers(runner, Orders([]), lambda *_: None)  # type: ignore[arg-type]
    found.begin()
    return found


def test_worker_that_has_gone_is_told_at_once() -> None:
    runner = Runner(missing=["b"])
    with pytest.raises(TrialFailed, match="load generator 2 of 2 has ended or stands still"):
        workers(runner).ask(0, {1: Outstanding()})
    assert [worker for _, worker in runner.sent] == ["a", "b", "b"]


def test_worker_that_does_not_answer_is_waited_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading, "_LOOK_S", 0.01)
    monkeypatch.setattr(Outstanding, "patience_s", 0.03)
    found = workers(Runner(missing=[]))
    with pytest.raises(TrialFailed, match=r"load generator 1 of 2 did not answer within 0\.03 s"):
        found.ask(0, {0: Outstanding(), 1: Outstanding()})
    assert found._waiting == {}
