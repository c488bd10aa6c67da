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

STOOD_STILL = Disturbance("the load generator stood still (for 80 ms)")
CROWDED = Disturbance("another process used the server's core (30 %)")


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
        (watched(absent_s=0.25, stolen_s=0.2), "what a host took explains all but a twentieth"),
        (watched(stolen_s=1.0), "whatever a host takes, it takes from whoever wants it"),
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
        (watched(absent_s=0.2501, stolen_s=0.2), "the load generator stood still (for 50 ms)"),
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


@given(st.floats(0, 10), st.floats(0, 10))
def test_stolen_time_is_no_reason_and_explains_as_long_a_standstill(
    stolen_s: float, absent_s: float
) -> None:
    # It is taken from whoever wants it: the cells that cost most would lose most of their slices.
    assert disturbance_of(watched(stolen_s=stolen_s)) is None
    assert disturbance_of(watched(stolen_s=stolen_s, absent_s=min(absent_s, stolen_s))) is None


def test_shares_are_of_the_slice_and_not_of_a_second() -> None:
    assert disturbance_of(watched(10.0, others_s=0.9, absent_s=0.4)) is None
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


def test_generator_that_stood_still_longer_than_its_time_was_stolen_says_how_much_longer() -> None:
    reason = reason_of(watched(absent_s=0.3, stolen_s=0.1))
    assert reason == "the load generator stood still (for 200 ms)"


def test_stolen_time_hides_no_neighbour() -> None:
    found = disturbance_of(watched(stolen_s=0.2, others_s=0.5))
    assert found is not None
    assert "another process used the server's core" in found.reason


# --- which slices count


@pytest.mark.parametrize("bad", [STOOD_STILL, CROWDED])
def test_disturbed_slices_are_left_out_as_long_as_half_remain(bad: Disturbance) -> None:
    assert choose([None, bad, None, None]) == Choice((0, 2, 3))
    assert choose([bad, None, bad, None]) == Choice((1, 3)), "exactly half"


def test_where_all_is_well_all_count() -> None:
    assert choose([None] * 3) == Choice((0, 1, 2))
    assert choose([None]) == Choice((0,))


def test_where_more_are_disturbed_all_are_kept_and_nothing_is_to_be_trusted() -> None:
    found = choose([None, STOOD_STILL, STOOD_STILL, STOOD_STILL, None])
    assert found.kept == (0, 1, 2, 3, 4)
    assert found.doubt == "the load generator stood still (for 80 ms, 3 of 5 slices)"


def test_doubt_tells_the_first_cause_and_counts_all_that_were_disturbed() -> None:
    found = choose([None, CROWDED, STOOD_STILL, STOOD_STILL, CROWDED])
    assert found.kept == (0, 1, 2, 3, 4)
    assert found.doubt == "another process used the server's core (30 %, 4 of 5 slices)"


def test_only_slice_that_was_disturbed_is_doubtful() -> None:
    found = choose([STOOD_STILL])
    assert found == Choice((0,), "the load generator stood still (for 80 ms, 1 of 1 slices)")


def test_doubts_words_end_in_one_pair_of_brackets() -> None:
    reason = disturbance_of(watched(others_s=0.5))
    doubt = choose([reason, reason]).doubt
    assert doubt is not None
    assert (doubt.count("("), doubt.count(")"), doubt[-1]) == (1, 1, ")")


@given(st.lists(st.sampled_from([None, STOOD_STILL, CROWDED]), min_size=1, max_size=12))
def test_half_of_the_slices_count_whatever_happened(found: list[Disturbance | None]) -> None:
    choice = choose(found)
    assert 2 * len(choice.kept) >= len(found)
    assert list(choice.kept) == sorted(set(choice.kept))
    # What is trusted holds no disturbed slice.
    if choice.doubt is None:
        assert all(found[place] is None for place in choice.kept)
    whole = [place for place, each in enumerate(found) if each is None]
    assert set(whole) <= set(choice.kept), "what is whole always counts"
