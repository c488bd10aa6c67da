"""Numbers on a command line."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from loadtests.generator.arguments import count, seconds


def test_numbers_that_make_sense_are_taken() -> None:
    assert (count("1"), count("250"), seconds("0.3"), seconds("3600")) == (1, 250, 0.3, 3600.0)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", ""])
def test_count_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a number from 1 on"):
        count(text)


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "3601", "x", ""])
def test_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a number of seconds"):
        seconds(text)
