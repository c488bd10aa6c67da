"""The search for the highest load that passes: where to look, and what steps near it say."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from loadtests.arithmetic.search import Bound, Counted, Range, Search, load_at
from tests.support.present import present

WITHIN = Range(start=100, least=1, most=100_000, growth=2)


def searched(passes: Callable[[float], bool], within: Range = WITHIN) -> tuple[Search, list[float]]:
    """A search to its end, and every load that it tried."""
    search, tried = Search(within), []
    while (load := search.next) is not None:
        tried.append(load)
        assert len(tried) < 500, "it does not end"
        search.saw(passed=passes(load))
    return search, tried


@pytest.mark.parametrize("truth", [1.5, 42, 99, 100, 101, 730, 99_000])
def test_limit_lies_between_both_ends_of_a_narrow_bracket(truth: float) -> None:
    search, _ = searched(lambda load: load <= truth)
    assert search.bound is None
    assert present(search.low) <= truth < present(search.high)
    assert present(search.high) / present(search.low) <= 1.05**2
    assert search.middle == pytest.approx(truth, rel=0.06)


@pytest.mark.parametrize("truth", [1, 2, 3, 7, 12, 40, 523])
def test_whole_numbers_are_halved_down_to_neighbours(truth: int) -> None:
    within = Range(start=10, least=1, most=5000, whole=True)
    search, tried = searched(lambda load: load <= truth, within)
    assert search.middle == pytest.approx(truth, abs=max(1.0, 0.06 * truth))
    assert all(load == round(load) for load in tried)


def test_what_always_passes_is_at_least_the_most() -> None:
    search, tried = searched(lambda _: True)
    assert (search.bound, search.middle) == (Bound.MOST, WITHIN.most)
    assert tried == [100 * 2**step for step in range(10)] + [100_000]


def test_what_never_passes_is_below_the_least() -> None:
    search, tried = searched(lambda _: False)
    assert (search.bound, search.middle) == (Bound.LEAST, None)
    assert min(tried) == WITHIN.least
    assert tried.count(100) == 2, "a first failure may be a hiccup"


def test_single_hiccup_on_the_way_up_ends_nothing() -> None:
    failed: list[float] = []

    def passes(load: float) -> bool:
        if load == 400 and not failed:
            failed.append(load)
            return False
        return load <= 3000

    search, _ = searched(passes)
    assert search.middle == pytest.approx(3000, rel=0.06)


def test_search_that_is_ended_early_has_what_passed() -> None:
    search = Search(WITHIN)
    search.saw(passed=True)
    search.saw(passed=True)
    search.stop()
    assert search.next is None
    assert search.middle == search.low == 200


# --- what steps near the limit say

#: A hundredth exceeds the limit at this load, and ten times as many at 1.2 times it.
TRUTH, SLOPE = 700.0, math.log(10) / math.log(1.2)


def share(load: float) -> float:
    return float(0.01 * (load / TRUTH) ** SLOPE)


def test_line_through_exact_counts_gives_the_truth() -> None:
    counted = [
        Counted(load, 1_000_000, round(1_000_000 * share(load))) for load in (630, 665, 700, 735)
    ]
    assert load_at(0.01, counted) == pytest.approx(TRUTH, rel=0.003)


def test_mean_of_many_is_without_bias_however_few_messages_exceed_the_limit() -> None:
    random = np.random.default_rng(1)
    found = []
    for _ in range(300):
        # A queue's messages exceed a limit in bunches: so many at once.
        counted = [
            Counted(load, 400, 4 * int(random.poisson(100 * share(load))))
            for load in (665, 735, 665, 735, 665, 735)
        ]
        if (load := load_at(0.01, counted)) is not None:
            found.append(min(max(load, 550.0), 850.0))
    assert len(found) > 290
    assert float(np.exp(np.mean(np.log(found)))) == pytest.approx(TRUTH, rel=0.02)


def test_loads_at_which_nothing_exceeds_the_limit_say_that_it_is_above() -> None:
    assert load_at(0.01, [Counted(100, 500, 0), Counted(110, 500, 0)]) is None


def test_cliff_lies_between_the_last_that_passed_and_the_first_that_did_not() -> None:
    counted = [Counted(400, 8000, 0), Counted(420, 8000, 0), Counted(441, 8000, 6000)]
    assert 415 < present(load_at(0.01, counted)) < 441


def test_many_messages_count_for_more_than_few() -> None:
    few = Counted(700, 100, 10)
    many = [Counted(load, 1_000_000, round(1_000_000 * share(load))) for load in (665, 735)]
    assert load_at(0.01, [few, *many]) == pytest.approx(TRUTH, rel=0.005)
