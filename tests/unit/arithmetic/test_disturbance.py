"""What spoils a slice of load, from where on, and which slices count in spite of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.disturbance import (
    Choice,
    Disturbance,
    Watched,
    choose,
    disturbance_of,
)

GRAVE = Disturbance("the load generator stood still (for 80 ms)")
STOLEN = Disturbance("the machine's host gave its CPU time to others (7 %)", grave=False)


def watched(seconds: float = 1.0, **found: Any) -> Watched:
    return Watched(seconds, **found)


def reason_of(found: Watched) -> str:
    judged = disturbance_of(found)
    return "" if judged is None else judged.reason


# --- each cause


def test_slice_beside_which_nothing_happened_is_whole() -> None:
    assert disturbance_of(watched()) is None


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (watched(suspended_s=0.01), "a hundredth of a second is what reading clocks may take"),
        (watched(absent_s=0.05), "a twentieth of the slice"),
        (watched(0.2, absent_s=0.02), "a pause of 20 ms, however short the slice"),
        (watched(stolen_s=0.03), "three hundredths, which /proc/stat counts in"),
        (watched(others_s=0.10), "a tenth of the server's core"),
        (watched(0.1, others_s=0.025), "what hundredths of a second may make of nothing"),
        (watched(waited_s=0.10), "a tenth of the time"),
        (watched(off_turn_s={"a": 0.02, "b": 0.03}), "a twentieth, all servers together"),
    ],
)
def test_slice_is_whole_up_to_each_threshold(found: Watched, reason: str) -> None:
    assert disturbance_of(found) is None, reason


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (watched(suspended_s=3.02), "the machine was suspended (for 3.02 s)"),
        (watched(suspended_s=0.0101), "the machine was suspended"),
        (watched(absent_s=0.0501), "the load generator stood still (for 50 ms)"),
        (watched(0.2, absent_s=0.0201), "the load generator stood still (for 20 ms)"),
        (watched(others_s=0.1001), "another process used the server's core; run nothing else"),
        (watched(0.1, others_s=0.0251), "another process used the server's core; run nothing else"),
        (watched(others_s=0.25), "meanwhile (25 % of it)"),
        (watched(waited_s=0.1001), "another process used the load generator's core; run nothing"),
        (watched(2.0, waited_s=0.5), "meanwhile (it waited for 25 % of the time)"),
        (
            watched(off_turn_s={"a": 0.01, "b": 0.041}),
            "the server of b, not on turn, used",
        ),
        (watched(0.5, off_turn_s={"a": 0.2}), "used the core (40 % of it)"),
    ],
)
def test_slice_beyond_a_threshold_says_what_spoiled_it(found: Watched, words: str) -> None:
    judged = disturbance_of(found)
    assert judged is not None
    assert words in judged.reason
    assert judged.grave


def test_stolen_time_is_a_disturbance_that_is_not_grave() -> None:
    found = disturbance_of(watched(stolen_s=0.07))
    assert found == STOLEN


def test_shares_are_of_the_slice_and_not_of_a_second() -> None:
    assert disturbance_of(watched(10.0, others_s=0.9, stolen_s=0.29, absent_s=0.4)) is None
    assert disturbance_of(watched(0.5, others_s=0.051)) is not None
    assert disturbance_of(watched(0.1, waited_s=0.011)) is not None


def test_machine_that_slept_explains_everything_else() -> None:
    everything = watched(
        suspended_s=5.0, absent_s=5.0, stolen_s=1.0, others_s=1.0, off_turn_s={"a": 1.0}
    )
    assert "suspended" in reason_of(everything)


@pytest.mark.parametrize(
    ("found", "core"),
    [({"waited_s": 0.2}, "the load generator's"), ({"others_s": 0.2}, "the server's")],
)
def test_neighbour_that_explains_why_the_generator_stood_still_is_told(
    found: dict[str, float], core: str
) -> None:
    reason = reason_of(watched(absent_s=0.2, **found))
    assert reason.startswith(f"another process used {core} core")


def test_generator_that_stood_still_while_its_time_was_stolen_is_the_hosts_doing() -> None:
    found = disturbance_of(watched(absent_s=0.2, stolen_s=0.2))
    assert found is not None
    assert "host" in found.reason
    assert not found.grave


def test_stolen_time_hides_no_neighbour() -> None:
    found = disturbance_of(watched(stolen_s=0.2, others_s=0.5))
    assert found is not None
    assert "another process used the server's core" in found.reason
    assert found.grave


# --- which slices count


@pytest.mark.parametrize("bad", [GRAVE, STOLEN])
def test_disturbed_slices_are_left_out_as_long_as_half_remain(bad: Disturbance) -> None:
    assert choose([None, bad, None, None]) == Choice((0, 2, 3))
    assert choose([bad, None, bad, None]) == Choice((1, 3)), "exactly half"


def test_where_all_is_well_all_count() -> None:
    assert choose([None] * 3) == Choice((0, 1, 2))
    assert choose([None]) == Choice((0,))


def test_where_more_are_disturbed_by_grave_causes_nothing_is_to_be_trusted() -> None:
    found = choose([None, GRAVE, GRAVE, GRAVE, STOLEN])
    assert found.kept == (0, 1, 2, 3, 4)
    assert found.doubt == "the load generator stood still (for 80 ms, 3 of 5 slices)"


def test_stolen_time_alone_makes_nothing_doubtful() -> None:
    assert choose([STOLEN] * 4) == Choice((0, 1, 2, 3))
    assert choose([None, STOLEN, STOLEN]) == Choice((0, 1, 2))


def test_grave_slices_are_left_out_before_those_that_lost_time() -> None:
    assert choose([STOLEN, GRAVE, None, STOLEN]) == Choice((0, 2, 3))


def test_only_slice_that_was_disturbed_is_doubtful() -> None:
    assert choose([GRAVE]).doubt == "the load generator stood still (for 80 ms, 1 of 1 slices)"
    assert choose([STOLEN]) == Choice((0,))


def test_doubts_words_end_in_one_pair_of_brackets() -> None:
    reason = disturbance_of(watched(others_s=0.5))
    doubt = choose([reason, reason]).doubt
    assert doubt is not None
    assert (doubt.count("("), doubt.count(")"), doubt[-1]) == (1, 1, ")")


@given(st.lists(st.sampled_from([None, GRAVE, STOLEN]), min_size=1, max_size=12))
def test_half_of_the_slices_count_whatever_happened(found: list[Disturbance | None]) -> None:
    choice = choose(found)
    assert 2 * len(choice.kept) >= len(found)
    assert list(choice.kept) == sorted(set(choice.kept))
    # What is trusted holds no grave slice.
    if choice.doubt is None:
        assert all(each is None or not each.grave for each in (found[n] for n in choice.kept))
    whole = [place for place, each in enumerate(found) if each is None]
    assert set(whole) <= set(choice.kept), "what is whole always counts"
