"""Numbers of trials -> estimate and interval, and how numbers are spelled."""

from __future__ import annotations

import math

import pytest

from reports.facts.numbers import plain, short, with_interval
from reports.facts.stats import Estimate, Ratio, estimate, ratio


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
    ("estimate", "expected"),
    [
        (Estimate(12.34, 11.94, 12.84, 3), ("12.3", "[11.9, 12.8]")),
        (Estimate(1234.4, 1200.2, 1301.0, 3), ("1,234", "[1,200, 1,301]")),
        (Estimate(12.34, None, None, 1), ("12.3", "")),
        (Estimate(0.0, 0.0, 0.0, 3), ("0", "")),
        (Estimate(1.0, 0.0, 5.3, 3), ("1.00", "[0, 5.30]")),
    ],
)
def test_interval_has_as_many_decimals_as_its_estimate(
    estimate: Estimate, expected: tuple[str, str]
) -> None:
    assert with_interval(estimate) == expected
