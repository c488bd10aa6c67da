"""Whose turn it is: one at a time, everybody once in a round, and an end without half a round."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import gevent
import pytest
from gevent.event import Event

from loadtests.arithmetic.disturbance import Watched
from loadtests.run.turns import Absence, order_of
from loadtests.scenarios.turns import Interrupted
from tests.support.waiting import PATIENCE_S
from tests.unit.run.table import LABELS, FakeWatch, Table

MS = 1_000_000

# --- turns


def rounds_in_order(count: int, labels: Sequence[str] = LABELS) -> list[tuple[int, str]]:
    return [(number, label) for number in range(count) for label in order_of([*labels], number, 5)]


def test_everybody_has_each_round_once_in_its_order() -> None:
    table = Table()
    table.run(dict.fromkeys(LABELS, 4))
    assert rounds_in_order(4) == table.had
    assert table.whole == dict.fromkeys(LABELS, 4)
    assert set(table.ended.values()) == {"played"}


def test_rounds_are_mirrored_when_the_kinds_of_load_come_again() -> None:
    table = Table()
    for seat in table.seats.values():
        seat.cycle = 3
    table.run(dict.fromkeys(LABELS, 12))
    rounds = [[label for number, label in table.had if number == each] for each in range(12)]
    assert rounds == [order_of(LABELS, number, 5, 3) for number in range(12)]
    for number in (0, 1, 2, 6, 7, 8):
        assert rounds[number] == rounds[number + 3][::-1]


def test_one_alone_has_turn_after_turn() -> None:
    table = Table(labels=["a"])
    table.run({"a": 3})
    assert table.had == [(0, "a"), (1, "a"), (2, "a")]
    assert table.whole == {"a": 3}


def test_who_has_left_is_not_waited_for() -> None:
    table = Table()
    table.run({"a": 1, "b": 4, "c": 2})
    assert Counter(label for _, label in table.had) == {"a": 1, "b": 4, "c": 2}
    assert table.had[-2:] == [(2, "b"), (3, "b")]
    # Rounds in which those had their turns who still played.
    assert table.whole == dict.fromkeys(LABELS, 4)


def test_who_never_takes_a_turn_and_leaves_is_not_waited_for() -> None:
    table = Table()
    others = [gevent.spawn(table.plays, label, 2) for label in ("a", "b")]
    keeping = gevent.spawn(table.keeper.run)
    gevent.sleep(0)
    table.seats["c"].leave()
    gevent.joinall([*others, keeping], timeout=PATIENCE_S, raise_error=True)
    assert table.whole == {"a": 2, "b": 2}


def test_turn_that_breaks_is_over_and_the_others_go_on() -> None:
    table = Table()

    def break_once(number: int, label: str) -> None:
        if (number, label) == (1, "b"):
            table.playing = None
            table.seats[label].leave()  # as the conductor does in the end
            raise Interrupted

    table.during = break_once
    table.run(dict.fromkeys(LABELS, 3))
    assert [each for each in rounds_in_order(3) if each != (2, "b")] == table.had


def test_who_rests_does_so_until_nobody_has_a_turn_any_more() -> None:
    table = Table()
    back: list[tuple[int, str]] = []
    table.during = lambda *turn: back.extend([turn] * len(table.whole))
    table.run({"a": 1, "b": 5, "c": 5})
    assert back == [], "nobody comes back from resting while another has a turn"
    assert table.keeper.over.is_set()


# --- an end before the time


def test_stop_in_the_middle_of_a_round_leaves_whole_rounds_only() -> None:
    table = Table()
    _, second, third = order_of(LABELS, 2, 5)

    def stop(number: int, label: str) -> None:
        if (number, label) == (2, second):
            table.keeper.stop()

    table.during = stop
    table.run(dict.fromkeys(LABELS, 9))
    assert rounds_in_order(3)[:-1] == table.had, "the present turn ends, and there is no other"
    assert third not in [label for number, label in table.had if number == 2]
    assert table.whole == dict.fromkeys(LABELS, 2)
    assert table.ended == dict.fromkeys(LABELS, "interrupted")


def test_stop_in_the_last_turn_of_a_round_leaves_that_round_whole() -> None:
    table = Table()
    last = order_of(LABELS, 1, 5)[-1]

    def stop(number: int, label: str) -> None:
        if (number, label) == (1, last):
            table.keeper.stop()

    table.during = stop
    table.run(dict.fromkeys(LABELS, 9))
    assert rounds_in_order(2) == table.had
    assert table.whole == dict.fromkeys(LABELS, 2)


def test_stop_before_the_first_round_gives_nobody_a_turn() -> None:
    table = Table()
    table.keeper.stop()
    table.run(dict.fromkeys(LABELS, 2))
    assert table.had == []
    assert table.whole == dict.fromkeys(LABELS, 0)
    assert table.ended == dict.fromkeys(LABELS, "interrupted")


def test_stop_when_all_is_done_takes_nothing_away() -> None:
    table = Table()
    table.run(dict.fromkeys(LABELS, 2))
    table.keeper.stop()
    assert table.keeper.whole == 2


# --- what is told of a turn


def test_turn_knows_its_number_when_it_began_and_what_spoiled_it() -> None:
    crowded = Watched(1.0, others_s=0.5)
    table = Table(FakeWatch(lambda label: crowded if label == "b" else Watched(1.0)), ["a", "b"])
    told: dict[str, Any] = {}

    def play(label: str) -> None:
        with table.seats[label].turn() as turn:
            assert turn.disturbance is None, "known once it is over"
        told[label] = turn
        table.seats[label].rest()

    players = [gevent.spawn(play, label) for label in ("a", "b")]
    gevent.joinall([*players, gevent.spawn(table.keeper.run)], timeout=PATIENCE_S, raise_error=True)
    assert (told["a"].number, told["a"].disturbance) == (0, None)
    assert "another process used the server's core" in told["b"].disturbance.reason
    assert 0 <= told["a"].begun_s < PATIENCE_S
    assert table.watch.begun == 2


def test_shares_are_over_all_turns_of_a_cell() -> None:
    def found(label: str) -> Watched:
        off = {other: 0.1 for other in ("a", "b") if other != label}
        return Watched(2.0, stolen_s=0.3, others_s=0.02, off_turn_s={**off, "stranger": 9.0})

    table = Table(FakeWatch(found), ["a", "b"])
    table.run({"a": 3, "b": 3})
    seat = table.seats["a"]
    assert seat.seconds == pytest.approx(6)
    assert seat.stolen_percent(2) == pytest.approx(7.5)
    assert seat.numbers() == {
        "others_percent": pytest.approx(1),
        "off_turn_percent": pytest.approx(5),
    }


def test_seat_without_a_turn_tells_nothing_of_it() -> None:
    seat = Table().seats["a"]
    assert (seat.numbers(), seat.stolen_percent(2)) == ({}, 0.0)


# --- a loop that stands still


class Clocks:
    """A monotonic clock, and the CPU time of this process."""

    def __init__(self) -> None:
        self.now_ns = 5000 * MS
        self.used_ns = 100 * MS

    def pass_(self, ms: int, used_ms: int = 0) -> None:
        self.now_ns += ms * MS
        self.used_ns += used_ms * MS


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(time, "process_time_ns", lambda: clocks.used_ns)
    return clocks


@pytest.fixture
def absence(clocks: Clocks) -> Absence:
    return Absence(lambda: clocks.now_ns)


def test_loop_that_ticks_in_time_was_never_absent(clocks: Clocks, absence: Absence) -> None:
    for _ in range(5):
        clocks.pass_(10)
        absence._tick()
    clocks.pass_(3)
    assert absence.stop() == 0


def test_longest_absence_is_told_without_the_tick_that_was_due(
    clocks: Clocks, absence: Absence
) -> None:
    for ms in (10, 80, 10, 50):
        clocks.pass_(ms)
        absence._tick()
    assert absence.stop() == 70 * MS


def test_busy_loop_is_late_and_not_absent(clocks: Clocks, absence: Absence) -> None:
    clocks.pass_(400, used_ms=390)
    absence._tick()
    assert absence.stop() == 0


def test_absence_at_the_very_end_counts(clocks: Clocks, absence: Absence) -> None:
    clocks.pass_(200, used_ms=5)
    assert absence.stop() == 185 * MS


def test_loop_ticks_by_itself() -> None:
    ticked = Event()

    class Ticking(Absence):
        def _tick(self) -> None:
            ticked.set()

    absence = Ticking()
    assert ticked.wait(PATIENCE_S)
    absence.stop()
