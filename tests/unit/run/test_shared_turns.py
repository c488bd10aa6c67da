"""Those of a pair are on turn at the same time, and send between each other."""

from __future__ import annotations

from collections.abc import Sequence

import gevent

from loadtests.arithmetic.disturbance import Watched
from loadtests.scenarios.turns import Turn
from tests.support.present import present
from tests.support.waiting import PATIENCE_S
from tests.unit.run.table import LABELS, FakeWatch, Table


def all_at_once(
    rounds: int, labels: Sequence[str] = LABELS, table: Table | None = None
) -> tuple[Table, list[list[Turn]]]:
    """Everybody's turns of each round, all on turn at the same time, and the table."""
    table = Table(labels=labels, at_once=True) if table is None else table
    turns: list[list[Turn]] = [[] for _ in range(rounds)]
    at_table: set[str] = set()

    def plays(label: str) -> None:
        for _ in range(rounds):
            with table.seats[label].turn() as turn:
                at_table.add(label)
                gevent.sleep(0)
                assert at_table == set(labels)
                turns[turn.number].append(turn)
                gevent.sleep(0)
            at_table.discard(label)
        table.seats[label].rest()

    players = [gevent.spawn(plays, label) for label in labels]
    keeping = gevent.spawn(table.keeper.run)
    done = gevent.joinall([*players, keeping], timeout=PATIENCE_S, raise_error=True)
    assert len(done) == len(labels) + 1
    return table, turns


def test_those_of_a_pair_are_on_turn_at_the_same_time_and_send_between_each_other() -> None:
    table, turns = all_at_once(4, ["a", "b"])
    for both in turns:
        shared = [present(turn.shared) for turn in both]
        assert len({each.at_ns for each in shared}) == 1
        assert sorted(each.phase for each in shared) == [0.0, 0.5]
    assert table.keeper.whole == 4


def test_nobody_of_those_on_turn_is_taken_for_one_who_is_not() -> None:
    table, _ = all_at_once(2)
    assert table.watch.together == [set(LABELS)] * 6


def test_turn_of_ones_own_is_shared_with_nobody() -> None:
    table = Table(labels=["a"])
    seen = []

    def plays() -> None:
        with table.seats["a"].turn() as turn:
            seen.append(turn.shared)
        table.seats["a"].rest()

    gevent.joinall(
        [gevent.spawn(plays), gevent.spawn(table.keeper.run)], timeout=PATIENCE_S, raise_error=True
    )
    assert seen == [None]


def test_what_spoiled_a_turn_for_one_spoiled_it_for_all_who_had_it() -> None:
    """Else a slice would count on one side of a comparison and not on the other."""
    ends = 0

    def stood_still(_label: str) -> Watched:
        nonlocal ends
        ends += 1
        return Watched(1.0, absent_s=0.5 if ends == 3 else 0.0)  # the first of the second round

    table = Table(watch=FakeWatch(stood_still), labels=["a", "b"], at_once=True)
    _, turns = all_at_once(3, ["a", "b"], table)
    spoiled = [[turn.disturbance is not None for turn in both] for both in turns]
    assert spoiled == [[False, False], [True, True], [False, False]]
