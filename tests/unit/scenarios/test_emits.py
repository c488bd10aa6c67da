"""Emits: late emitting and slow delivery are told apart, and every copy is accounted for."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from loadtests.arithmetic.samples import NEVER
from loadtests.arithmetic.usage import Usage
from loadtests.record.application import EMITTED_EVENT
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import emits
from loadtests.scenarios.emits import METRICS, SCENARIO, By, Emits, by_of, gathered, summarise
from loadtests.scenarios.errors import TrialFailed
from tests.support.simulation import MS, SECOND, FakeBench, FakeSession, World

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[emits]\n'
USAGE = Usage(SECOND, SECOND // 10, SECOND // 10)

Copy = tuple[int, int, int, int, int]


def copy(number: int, late_ms: int = 0, took_ms: int = 2) -> Copy:
    """Of a message that was due at its number's millisecond times ten."""
    due = number * 10 * MS
    return number, due, due + late_ms * MS, due + took_ms * MS, due + took_ms * MS


def test_delivery_runs_from_when_a_message_was_due() -> None:
    found = summarise(gathered("emits:task", [[copy(0), copy(1, took_ms=8)]], 2, USAGE), 50.0)
    assert found.metrics.keys() == METRICS.keys()
    assert (found.metrics["delivery_p50"], found.metrics["delivery_p99"]) == (2, 8)
    assert found.invalid == {}


def test_late_emitting_is_told_apart_from_slow_delivery() -> None:
    found = summarise(
        gathered("emits:task", [[copy(0, late_ms=5, took_ms=7), copy(1)]], 2, USAGE), 50.0
    )
    assert found.metrics["emit_late_p99"] == 5
    assert found.metrics["emit_late_p50"] == 0


def test_copy_that_never_came_is_missing_and_no_quick_one() -> None:
    found = gathered("emits:native", [[copy(0)], []], 2, USAGE)
    assert found.missing == 3
    assert found.delivery_ns.tolist().count(NEVER) == 3
    taken = summarise(found, 50.0)
    assert taken.metrics["delivery_p50"] is None
    assert "never arrived (3 of 4)" in taken.invalid["delivery_p50"]


def test_second_copy_is_a_duplicate_and_strangers_do_not_count() -> None:
    found = gathered("emits:task", [[copy(0), copy(0), copy(7)]], 1, USAGE)
    assert (found.missing, found.duplicate, found.messages) == (0, 1, 1)


class Hearing(FakeSession):
    """A recipient."""

    def __init__(self, number: int, world: World) -> None:
        super().__init__(number)
        self.world = world

    def came(self, number: int, due_ns: int) -> None:
        now_ns = self.world.now_ns
        data = {"data": f"{number}:{due_ns}:{due_ns}"}
        self.handlers[EMITTED_EVENT]([data], now_ns, now_ns)


class Ordering(Hearing):
    """The client that asks for emits; everybody has each 3 ms after it was due."""

    def __init__(self, bench: FakeBench, *, answers: bool) -> None:
        super().__init__(0, bench.world)
        self._bench, self._answers = bench, answers

    def emit(self, _event: str, order: dict[str, Any], on_ack: Any) -> None:
        if not self._answers:
            return
        on_ack([], self.world.now_ns, self.world.now_ns)
        begin_ns = self.world.now_ns + MS
        for number in range(order["messages"]):
            due_ns = begin_ns + round(number * 1e9 / order["rate_hz"])
            for session in self._bench.sessions:
                came = partial(session.came, number, due_ns)  # type: ignore[attr-defined]
                self.world.at(due_ns + 3 * MS, came)


def served(*, answers: bool = True) -> FakeBench:
    bench = FakeBench(World(), 0)
    bench.sessions = [
        Ordering(bench, answers=answers),
        Hearing(1, bench.world),
        Hearing(2, bench.world),
    ]
    return bench


def test_each_way_to_emit_is_a_row() -> None:
    found = emits.measure(served(), Emits(recipients=3))  # type: ignore[arg-type]
    assert [each.row for each in found] == ["emits:task", "emits:thread", "emits:native"]
    for each in found:
        assert each.metrics["delivery_p50"] == pytest.approx(3)
        assert (each.metrics["missing"], each.samples["delivery"]) == (0, 180)


def test_server_that_emits_nothing_when_asked_has_failed() -> None:
    with pytest.raises(TrialFailed, match="did not answer 'my emits' in /test: is it ours"):
        emits.measure(served(answers=False), Emits(recipients=3))  # type: ignore[arg-type]


def test_row_is_read_as_it_is_written() -> None:
    assert [by_of(by.row) for by in By] == list(By)
    assert by_of("emits:x") is None
    assert SCENARIO.order is not None
    assert SCENARIO.order("emits:x") > SCENARIO.order("emits:native")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('by = ["task", "task"]', "named twice"),
        ("rate_hz = 1", "measure_s = 20 would do"),
    ],
)
def test_what_says_nothing_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
