"""Base against base, and arms whose trials are invalid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loadtests.arithmetic.fitness import contrasts, head_invalidates

APART = [0.01 * number for number in range(1, 9)]


def test_two_bases_that_differ_make_the_run_unfit():
    found = contrasts({"echo.server_cpu": APART})
    assert found["echo.server_cpu"].p == 2 / 256
    assert found["echo.server_cpu"].rejected


def test_the_other_direction_is_as_bad():
    assert contrasts({"a": [-value for value in APART]}) == contrasts({"a": APART})


def test_each_metric_beside_it_asks_for_more_proof():
    found = contrasts({"a": APART, "b": APART})
    assert not any(each.rejected for each in found.values())


def test_a_metric_without_pairs_differs_in_nothing():
    assert contrasts({"a": []})["a"].p == 1.0
    assert contrasts({}) == {}


def test_identical_bases_make_hardly_any_run_unfit():
    random = np.random.default_rng(3)
    unfit = [
        any(
            each.rejected
            for each in contrasts(
                dict(enumerate(random.normal(0, 0.03, (5, 18)).tolist()))
            ).values()
        )
        for _ in range(1500)
    ]
    assert np.mean(unfit) <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 1500)


@pytest.mark.parametrize(
    ("base", "head", "blamed"),
    [
        (0, 0, False),
        (0, 4, False),
        (0, 5, True),
        (1, 6, False),
        (1, 7, True),
        (2, 8, False),
        (2, 9, True),
        (5, 0, False),
        (30, 30, False),
    ],
)
def test_head_is_blamed_where_chance_would_hardly_choose_it_so_often(base, head, blamed):
    assert head_invalidates(base, head) == blamed


def test_among_many_cells_it_takes_more():
    assert not head_invalidates(0, 5, 0.05 / 6)
    assert head_invalidates(0, 7, 0.05 / 6)


def test_thousands_of_invalid_trials_are_still_counted():
    assert head_invalidates(2000, 3000)
