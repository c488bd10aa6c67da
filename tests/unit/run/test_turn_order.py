"""Who comes when in a round: at random, and turned round in the next one of its kind."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtests.run.turns import order_of


@given(st.lists(st.text(min_size=1), min_size=1, max_size=9, unique=True), st.integers(0, 99))
def test_everybody_is_in_each_round_once(labels: list[str], number: int) -> None:
    assert Counter(labels) == Counter(order_of(labels, number, 1))


@given(st.integers(0, 50), st.integers(0, 2**32))
def test_rounds_are_mirrored_in_pairs(pair: int, seed: int) -> None:
    labels = list("abcdefgh")
    first, second = order_of(labels, 2 * pair, seed), order_of(labels, 2 * pair + 1, seed)
    assert first == second[::-1]


@given(st.integers(0, 50), st.integers(0, 2), st.integers(0, 2**32))
def test_rounds_of_a_kind_are_mirrored_in_pairs(pair: int, kind: int, seed: int) -> None:
    # Of an open loop and two closed ones: each is mirrored three rounds later.
    labels = list("abcdefgh")
    first = order_of(labels, 6 * pair + kind, seed, 3)
    assert first == order_of(labels, 6 * pair + kind + 3, seed, 3)[::-1]


def test_orders_of_a_kind_do_not_follow_from_those_of_another() -> None:
    labels = list("abcdefgh")
    orders = {
        tuple(order_of(labels, 6 * pair + kind, 7, 3)) for pair in range(9) for kind in range(3)
    }
    assert len(orders) == 27


def test_order_follows_from_the_seed_and_differs_from_pair_to_pair() -> None:
    labels = list("abcdefgh")
    rounds = [order_of(labels, number, 7) for number in range(0, 20, 2)]
    assert rounds == [order_of(labels, number, 7) for number in range(0, 20, 2)]
    assert len({tuple(order) for order in rounds}) == 10
    assert rounds != [order_of(labels, number, 8) for number in range(0, 20, 2)]


def test_order_is_the_same_on_every_machine_and_version() -> None:
    # Written down once: who compares runs of a seed has the same order in them.
    found = ["".join(order_of(list("abcd"), number, 1)) for number in (0, 1, 2)]
    assert found == ["cadb", "bdac", "badc"]


def test_nobody_is_mostly_behind_the_same_other() -> None:
    followed: Counter[tuple[str, str]] = Counter()
    for number in range(2000):
        followed.update(pairwise(order_of(list("abcd"), number, 3)))
    # Twelve ordered pairs, three of which are in each round.
    assert all(abs(times - 500) < 100 for times in followed.values())
    assert len(followed) == 12
