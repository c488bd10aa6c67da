"""Broadcast over several turns: every copy of every turn is accounted for once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.record.results import Measurement
from loadtests.scenarios import broadcast
from loadtests.scenarios.bench import LEAD_NS
from loadtests.scenarios.broadcast import Broadcast
from loadtests.scenarios.broadcasting import Publisher
from loadtests.scenarios.messages import MessageMaker
from loadtests.scenarios.turns import Lone, Turn
from tests.support.simulation import (
    MS,
    SECOND,
    FakeBench,
    FakeSession,
    World,
    broadcasting,
    number_of,
)

#: Each turn measures ten broadcasts, 100 ms apart, five of each publisher, to four recipients; each
#: publisher sends another one before, to warm up or to settle.
OPTIONS = Broadcast(
    recipients=4,
    publishers=2,
    rate_hz=10,
    measure_s=3,
    warmup_s=0.2,
    settle_s=0.2,
    drain_s=0.3,
    rounds=3,
)

Fate = Callable[[int, int, int], list[int]]


@pytest.fixture
def world() -> World:
    return World()


class Others(Lone):
    """Turns with a second between them, in which others have theirs."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        with super().turn() as turn:
            yield turn
        self._world.run_until(self._world.now_ns + SECOND)


def measured(world: World, fate: Fate) -> tuple[Measurement, FakeBench]:
    bench = FakeBench(world, OPTIONS.recipients)
    bench.turns = Others(world)
    broadcasting(bench, fate)
    [found] = broadcast.measure(bench, OPTIONS)  # type: ignore[arg-type]
    return found, bench


def at_once(_publisher: int, _number: int, _recipient: int) -> list[int]:
    return [MS]


def test_numbers_go_on_from_turn_to_turn(world: World) -> None:
    found, bench = measured(world, at_once)
    for session in bench.sessions[:2]:
        assert [number_of(data) for _, data in session.sent] == list(range(18))
    assert bench.sessions[2].sent == []
    assert found.samples == {"delivery": 120, "last_recipient": 30}
    assert (found.metrics["missing"], found.metrics["duplicate"]) == (0, 0)
    assert found.invalid == {}


def test_copies_per_second_are_of_the_turns_and_not_of_the_time_between(world: World) -> None:
    begun_ns = world.now_ns
    found, _ = measured(world, at_once)
    assert found.metrics["deliveries"] == pytest.approx(40)
    assert world.now_ns > begun_ns + 6 * SECOND


def test_copies_that_are_missing_in_one_turn_are_counted_once(world: World) -> None:
    # Of the second turn, numbers 6 to 11, of which the first settles.
    found, _ = measured(
        world,
        lambda publisher, number, recipient: (
            [] if publisher == 0 and number in (6, 7, 8) and recipient == 3 else [MS]
        ),
    )
    assert found.metrics["missing"] == 2
    assert found.samples["delivery"] == 120
    assert (found.metrics["delivery_p50"], found.metrics["last_recipient_p99"]) == (1.0, None)
    assert "never arrived (2 of 120)" in found.invalid["delivery_p99"]


def test_copy_that_comes_in_a_later_turn_is_charged_its_true_latency(world: World) -> None:
    found, _ = measured(
        world,
        lambda publisher, number, recipient: (
            [3 * SECOND] if (publisher, number, recipient) == (1, 2, 3) else [MS]
        ),
    )
    assert (found.metrics["missing"], found.metrics["last_recipient_p99"]) == (0, 3000.0)
    assert found.metrics["reordered"] == 1


def test_second_copies_of_one_turn_do_not_end_the_drain_of_the_next(world: World) -> None:
    # In the last turn everything is slow, and what was sent twice before still comes in it.
    def fate(_publisher: int, number: int, _recipient: int) -> list[int]:
        return [250 * MS] if number >= 12 else [MS, 2 * MS]

    found, _ = measured(world, fate)
    assert (found.metrics["missing"], found.metrics["duplicate"]) == (0, 80)


def test_slices_are_told_with_what_the_server_used_per_copy(world: World) -> None:
    _, bench = measured(world, at_once)
    assert [each.seconds for each in bench.slices] == [1.0, 1.0, 1.0]
    # A tenth of a core for ten broadcasts to four.
    assert [each.server_cpu_us for each in bench.slices] == [2500.0] * 3


# --- what could not be sent in time


def frozen(world: World, begin_s: float, end_s: float) -> World:
    """From when to when no callback runs; the first turn's load is from 0 to 1.2 s."""
    first_ns = world.now_ns + LEAD_NS
    world.frozen = (first_ns + round(begin_s * SECOND), first_ns + round(end_s * SECOND))
    return world


def test_what_was_due_before_the_end_is_sent_late_and_charged(world: World) -> None:
    found, _ = measured(frozen(world, 1.05, 1.35), at_once)
    assert found.metrics["missing"] == 0
    # Due at 1.1 s, sent when the generator went on, and there a millisecond later.
    assert found.metrics["last_recipient_p99"] == pytest.approx(251)
    assert found.metrics["lateness_p99"] == pytest.approx(250)


def test_what_was_due_and_never_sent_is_missing_for_everybody(world: World) -> None:
    found, bench = measured(frozen(world, 0.95, 1.95), at_once)
    # Those of 1.0 and 1.1 s, one of each publisher, to four.
    assert found.metrics["missing"] == 8
    assert found.samples == {"delivery": 120, "last_recipient": 30}
    assert "never arrived (8 of 120)" in found.invalid["delivery_p99"]
    # The numbers are of those that went out.
    assert [number_of(data) for _, data in bench.sessions[0].sent] == list(range(17))


def test_alarm_that_an_earlier_turn_has_left_sends_nothing_early(world: World) -> None:
    session = FakeSession()
    messages = MessageMaker("my broadcast event", 0, 24)
    publisher = Publisher(session, world, messages, now_ns=world.time_ns)  # type: ignore[arg-type]
    start_ns = world.now_ns
    publisher.publish(ConstantRate(start_ns, 10), start_ns + 150 * MS)
    world.run_until(start_ns + 160 * MS)
    publisher.publish(ConstantRate(start_ns + 300 * MS, 10), start_ns + 450 * MS)
    world.run_until(start_ns + 299 * MS)
    assert [number_of(data) for _, data in session.sent] == [0, 1]
    world.run_until(start_ns + SECOND)
    assert [number_of(data) for _, data in session.sent] == [0, 1, 2, 3]
    assert [start_ns + 300 * MS, start_ns + 400 * MS] == list(publisher.due_ns)[2:]
