"""Numbers of trials -> estimate and interval, and how numbers are spelled."""

from __future__ import annotations

import math

import pytest

from loadtests.arithmetic.estimates import Estimate, estimate
from reports.facts.numbers import plain, short, times
from reports.facts.stats import Ratio, ratio, within_blocks


def test_estimate_is_the_mean_over_trials() -> None:
    assert estimate([10.0, 11.0, 15.0]).value == pytest.approx(12.0)


def test_interval_is_students_t_over_trials() -> None:
    # Tables: t(0.975, 2) = 4.302653; s = 1; margin = 4.302653 / sqrt(3).
    found = estimate([10.0, 11.0, 12.0])
    assert (found.low, found.high) == pytest.approx((11 - 2.484138, 11 + 2.484138), abs=1e-6)


def test_one_trial_has_an_estimate_and_no_interval() -> None:
    assert estimate([7.0]) == Estimate(7.0, None, None, 1)


def test_interval_does_not_reach_below_zero() -> None:
    assert estimate([0.0, 0.0, 3.0]).low == 0.0


def test_equal_trials_have_an_interval_of_no_width() -> None:
    assert estimate([4.0, 4.0, 4.0]) == Estimate(4.0, 4.0, 4.0, 3)


def test_no_trial_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(ValueError, match="at least one trial"):
        estimate([])


def test_ratio_is_the_geometric_mean_over_blocks() -> None:
    found = ratio([1.0, 1.0], [2.0, 8.0])
    assert found is not None
    assert found.value == pytest.approx(4.0)


def test_ratio_is_free_of_what_the_machine_did_to_both() -> None:
    found = ratio([1.0, 10.0, 3.0], [1.1, 11.0, 3.3])
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1.1, 1.1, 1.1))
    assert found.apart is True


def test_ratio_has_students_t_interval_on_logarithms() -> None:
    # Tables: t(0.975, 2) = 4.302653; the logs are -0.1, 0, 0.1, so s = 0.1.
    found = ratio([1.0, 1.0, 1.0], [math.exp(-0.1), 1.0, math.exp(0.1)])
    assert found is not None
    margin = 4.302653 * 0.1 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((math.exp(-margin), math.exp(margin)))
    assert found.apart is False


@pytest.mark.parametrize(
    ("low", "high", "apart"),
    [
        (1.1, 1.2, True),
        (0.8, 0.9, True),
        (0.9, 1.1, False),
        (1.0, 1.1, False),  # "the same" is still possible
        (0.9, 1.0, False),
        (None, None, None),
    ],
)
def test_ratio_is_apart_where_its_interval_leaves_out_one(
    low: float | None, high: float | None, apart: bool | None
) -> None:
    assert Ratio(1.0, low, high).apart is apart


def test_ratio_pairs_the_trials_of_a_block_and_skips_a_block_without_both() -> None:
    found = ratio([1.0, None, 2.0, 5.0], [2.0, 9.0, 4.0, None])
    assert found is not None
    assert found.value == pytest.approx(2.0)


def test_ratio_of_one_block_has_no_interval() -> None:
    found = ratio([2.0], [3.0])
    assert found is not None
    assert found.value == pytest.approx(1.5)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(("base", "other"), [([0.0], [1.0]), ([1.0], [0.0]), ([None], [1.0])])
def test_ratio_with_nothing_is_none(base: list[float | None], other: list[float | None]) -> None:
    assert ratio(base, other) is None


STEADY = {"a": (10.0, 10.4, 9.8, 10.1), "b": (20.0, 20.2, 20.4, 19.8), "c": (5.0, 5.2, 5.0, 4.9)}


def test_interval_within_blocks_is_moreys() -> None:
    # Three cells, three blocks; logs freed of the blocks' means leave -0.1, 0, 0.1 of the first.
    values = {
        "a": [math.exp(one) for one in (-0.1, 0.0, 0.1)],
        "b": [math.exp(one) for one in (0.1, 0.0, -0.1)],
        "c": [1.0, 1.0, 1.0],
    }
    margin = 4.302653 * 0.1 / math.sqrt(3) * math.sqrt(3 / 2)
    assert within_blocks(values) == pytest.approx(
        {"a": math.exp(margin), "b": math.exp(margin), "c": 1.0}
    )


def test_interval_within_blocks_of_two_cells_is_that_of_their_ratio() -> None:
    one, two = (1.0, 1.1, 0.9, 1.05), (2.0, 2.5, 1.7, 2.2)
    found = ratio(one, two)
    assert found is not None
    assert found.high is not None
    reach = within_blocks({"one": one, "two": two})["one"]
    # The ratio's variance is the sum of two equal ones: half-widths differ by the root of two.
    assert math.log(reach) * math.sqrt(2) == pytest.approx(math.log(found.high / found.value))


def test_machine_whose_speed_doubles_from_block_to_block_changes_no_interval_within_blocks() -> (
    None
):
    faster = {
        cell: [value * 2**block for block, value in enumerate(values)]
        for cell, values in STEADY.items()
    }
    assert within_blocks(faster) == pytest.approx(within_blocks(STEADY))
    assert within_blocks(faster)["a"] < 1.05


def test_missing_number_widens_an_interval_within_blocks_and_takes_none_away() -> None:
    drifting = {cell: [v * 2**n for n, v in enumerate(values)] for cell, values in STEADY.items()}
    whole = within_blocks(drifting)
    fewer = within_blocks(drifting | {"a": [*drifting["a"][:3], None]})
    assert fewer.keys() == whole.keys()
    assert 1 < fewer["a"] < 1.1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, set()),
        ({"alone": [1.0, 2.0, 3.0]}, set()),
        ({"a": [1.0, None], "b": [None, 1.0]}, set()),
        ({"a": [1.0], "b": [2.0]}, set()),
        ({"a": [1.0, 2.0], "b": [0.0, 1.0], "c": [2.0, 2.1]}, {"a", "c"}),
        ({"a": [1e15, 1e-14], "b": [1e-14, 1e15]}, set()),
        ({"a": [None, None], "b": [1.0, 2.0], "c": [2.0, 2.1]}, {"b", "c"}),
    ],
)
def test_interval_within_blocks_wants_two_blocks_that_are_shared(values, expected) -> None:
    assert within_blocks(values).keys() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (0.0, "0"),
        (3.0, "3"),
        (0.000012345678, "0.0000123457"),
        (1234567.89, "1234570"),
        (12.3456789, "12.3457"),
    ],
)
def test_numbers_in_files_are_plain_decimals_of_six_digits(
    value: float | None, expected: str
) -> None:
    assert plain(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (2.0, "2"),
        (0.0123456, "0.0123"),
        (9.996, "10.0"),
        (12.345, "12.3"),
        (99.96, "100"),
        (1234.5678, "1,235"),
        (1234567.8, "1,234,568"),
    ],
)
def test_numbers_for_people_have_three_digits_and_separators(value: float, expected: str) -> None:
    assert short(value) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Ratio(0.9512, 0.9211, 0.98), "0.95 × [0.92, 0.98]"),
        (Ratio(1.0, None, None), "1.00 ×"),
        (Ratio(3.406, 3.1, 3.7), "3.41 × [3.10, 3.70]"),
        (Ratio(84.77, 80.04, 123.4), "84.8 × [80.0, 123]"),
        (Ratio(0.0123, 0.0119, 0.0128), "0.012 × [0.012, 0.013]"),
        (Ratio(1.003, 0.999, 1.006), "1.00 × [1.00, 1.01]"),
        (Ratio(1.003, 1.002, 1.004), "1.003 × [1.002, 1.004]"),
        (Ratio(2.5e7, 0.5, math.inf), "2.5e+07 × [0.50, inf]"),
    ],
)
def test_ratio_has_two_decimals_and_more_where_one_would_not_be_seen_to_be_left_out(
    found: Ratio, expected: str
) -> None:
    assert times(found) == expected
