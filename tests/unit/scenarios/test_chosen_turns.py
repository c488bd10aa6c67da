"""Load in slices: which of them count, and when there are no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from loadtests.arithmetic.disturbance import Disturbance
from loadtests.arithmetic.usage import Usage
from loadtests.record.generator_facts import SliceFacts
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.turns import Interrupted, Lone, Turn, in_turns
from tests.support.simulation import FakeBench, World
from tests.unit.scenarios.pieces import SECOND, Piece

CROWDED = Disturbance("another process used the server's core (30 %)")


class Scripted:
    """Turns of which some are disturbed, and the last may be interrupted.

    Args:
        disturbed: numbers of the rounds.
        end: round in which there are no more turns.
        whole: how many rounds everybody has had.
    """

    def __init__(
        self, disturbed: Sequence[int] = (), end: int | None = None, whole: int | None = None
    ) -> None:
        self._disturbed = disturbed
        self._end = end
        self._whole = whole
        self._number = 0
        self.resting = False
        self.cycle = 1

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        if self._number == self._end:
            raise Interrupted
        turn = Turn(self._number, begun_s=10.0 + self._number)
        yield turn
        if self._number in self._disturbed:
            turn.disturbance = CROWDED
        self._number += 1

    def rest(self) -> int:
        self.resting = True
        return self._number if self._whole is None else self._whole


def numbered(number: int) -> Piece:
    return Piece(number)


def silent_in(*turns: int) -> Callable[[int], Piece]:
    return lambda number: Piece(number, messages=0, answered=0 if number in turns else 1)


def taken(
    turns: Scripted | Lone, rounds: int, load: Callable[[int], Piece] = numbered, hint: str = ""
) -> tuple[list[int], dict[str, str], list[SliceFacts]]:
    """The numbers of the pieces that count, the doubts, and what is told of the slices."""
    bench: Any = FakeBench(World(), 1)
    bench.turns = turns
    found = in_turns(bench, rounds, load, hint=lambda: hint)
    return [piece.number for piece in found.pieces], dict(found.doubts), bench.slices


# --- which pieces count


def test_pieces_are_in_the_order_of_their_turns() -> None:
    numbers, doubts, slices = taken(Scripted(), 5)
    assert (numbers, doubts) == ([0, 1, 2, 3, 4], {})
    assert [each.begun_s for each in slices] == [10, 11, 12, 13, 14]


def test_trial_alone_has_all_the_turns_it_wants() -> None:
    assert taken(Lone(), 3)[0] == [0, 1, 2]


def test_what_a_disturbed_turn_gave_is_left_out_and_told() -> None:
    numbers, doubts, slices = taken(Scripted(disturbed=[1, 3]), 5)
    assert (numbers, doubts) == ([0, 2, 4], {})
    assert [each.left_out for each in slices] == ["", CROWDED.reason, "", CROWDED.reason, ""]


def test_where_most_turns_were_disturbed_all_count_and_none_is_left_out() -> None:
    numbers, doubts, slices = taken(Scripted(disturbed=[0, 1, 3]), 5)
    assert numbers == [0, 1, 2, 3, 4]
    assert doubts == {"load": "another process used the server's core (30 %, 3 of 5 slices)"}
    assert {each.left_out for each in slices} == {""}


#: Of a round: one turn of the open loop, and two of the closed one.
KINDS = ("open", "closed", "closed")


def of_two_kinds(number: int) -> Piece:
    return Piece(number, KINDS[number % 3])


def test_among_pieces_of_each_kind_it_is_chosen_which_count() -> None:
    # A third of all turns, but half of those of the open loop and a quarter of the others.
    numbers, doubts, slices = taken(Scripted(disturbed=[0, 1]), 6, of_two_kinds)
    assert (numbers, doubts) == ([2, 3, 4, 5], {})
    assert [each.left_out for each in slices] == [CROWDED.reason, CROWDED.reason, "", "", "", ""]


def test_disturbed_turns_of_one_kind_are_not_outvoted_by_the_other() -> None:
    # Four of six turns were whole, and none of the open loop's.
    numbers, doubts, slices = taken(Scripted(disturbed=[0, 3]), 6, of_two_kinds)
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert doubts == {"open": "another process used the server's core (30 %, 2 of 2 slices)"}
    assert {each.left_out for each in slices} == {""}


def test_one_kind_is_left_out_where_the_other_is_doubtful() -> None:
    numbers, doubts, slices = taken(Scripted(disturbed=[0, 3, 4]), 6, of_two_kinds)
    assert numbers == [0, 1, 2, 3, 5], "in the order of their turns"
    assert doubts == {"open": "another process used the server's core (30 %, 2 of 2 slices)"}
    assert [each.left_out for each in slices] == ["", "", "", "", CROWDED.reason, ""]


def test_each_kind_has_its_own_doubt() -> None:
    _, doubts, _ = taken(Scripted(disturbed=[0, 2, 3, 4, 5]), 6, of_two_kinds)
    assert doubts == {
        "open": "another process used the server's core (30 %, 2 of 2 slices)",
        "closed": "another process used the server's core (30 %, 3 of 4 slices)",
    }


def test_pieces_that_are_left_out_are_still_told_of() -> None:
    bench: Any = FakeBench(World(), 1)
    bench.turns = Scripted(disturbed=[1, 3], end=4, whole=3)
    found = in_turns(bench, 5, numbered)
    assert [piece.number for piece in found.pieces] == [0, 2]
    assert [piece.number for piece in found.every] == [0, 1, 2], "but not of half a round"


@pytest.mark.parametrize("cycle", [1, 3])
def test_turns_are_told_when_the_kinds_come_again(cycle: int) -> None:
    bench: Any = FakeBench(World(), 1)
    bench.turns = Scripted()
    told: list[int] = []

    def load(number: int) -> Piece:
        told.append(bench.turns.cycle)
        return of_two_kinds(number)

    in_turns(bench, 2, load, cycle=cycle)
    assert told == [cycle, cycle], "before the first of them"


def test_round_that_was_not_whole_is_dropped() -> None:
    # Three turns were had, and then the run was interrupted before others had their third.
    numbers, _, slices = taken(Scripted(end=3, whole=2), 5)
    assert numbers == [0, 1]
    assert len(slices) == 2


def test_disturbance_of_a_round_that_was_not_whole_does_not_matter() -> None:
    numbers, doubts, _ = taken(Scripted(disturbed=[1, 2], end=3, whole=1), 5)
    assert (numbers, doubts) == ([0], {})


def test_trial_rests_before_anything_is_made_of_its_pieces() -> None:
    turns = Scripted()
    taken(turns, 2)
    assert turns.resting


def test_trial_that_fails_rests_before_it_says_so() -> None:
    turns = Scripted()
    with pytest.raises(TrialFailed, match="nothing in turns 2 and 3 of 9"):
        taken(turns, 9, silent_in(1, 2))
    assert turns.resting


@pytest.mark.parametrize(("end", "whole"), [(0, 0), (1, 0)])
def test_without_a_whole_round_there_is_no_trial(end: int, whole: int) -> None:
    with pytest.raises(Unfinished, match="interrupted before the first round was whole"):
        taken(Scripted(end=end, whole=whole), 5)


def test_slice_tells_the_servers_cpu_time_per_message() -> None:
    _, _, slices = taken(Lone(), 1)
    assert slices == [SliceFacts(0.0, 0.5, 2000.0)]


@pytest.mark.parametrize("piece", [Piece(usage=Usage(SECOND, 1, None)), Piece(messages=0)])
def test_cpu_time_that_is_not_known_is_not_told(piece: Piece) -> None:
    _, _, (told,) = taken(Lone(), 1, lambda _number: piece)
    assert told.server_cpu_us is None


# --- silence


def test_two_silent_turns_are_enough() -> None:
    had: list[int] = []

    def load(number: int) -> Piece:
        had.append(number)
        return silent_in(3, 4, 5)(number)

    with pytest.raises(TrialFailed) as failed:
        taken(Lone(), 9, load, hint="does it handle 'my event'?")
    assert str(failed.value) == "the server stopped answering: nothing in turns 4 and 5 of 9"
    assert had == [0, 1, 2, 3, 4]


def test_hint_is_for_a_server_that_never_answered() -> None:
    with pytest.raises(TrialFailed) as failed:
        taken(Lone(), 9, silent_in(*range(9)), hint="does it handle 'my event'?")
    assert str(failed.value) == "the server answered nothing; does it handle 'my event'?"
    with pytest.raises(TrialFailed, match=r"^the server answered nothing$"):
        taken(Lone(), 9, silent_in(*range(9)))


def test_single_turn_without_an_answer_is_enough_where_there_is_one() -> None:
    with pytest.raises(TrialFailed, match=r"^the server answered nothing$"):
        taken(Lone(), 1, silent_in(0))


def test_silent_turns_that_do_not_follow_each_other_are_no_end() -> None:
    assert taken(Lone(), 6, silent_in(0, 2, 4))[0] == [0, 1, 2, 3, 4, 5]
