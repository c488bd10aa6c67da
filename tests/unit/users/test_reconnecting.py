"""When a client that has lost its session tries again."""

from __future__ import annotations

from itertools import islice

import pytest

from loadtests.users.reconnecting import delays_s


@pytest.mark.parametrize(
    ("chance", "expected"),
    [
        (0.5, [1, 2, 4, 5, 5]),  # the middle of the spread
        (0.0, [0.5, 1, 2, 4, 5]),  # half as long
        (1.0, [1.5, 3, 5, 5, 5]),  # half as long again
    ],
)
def test_delays_double_up_to_five_seconds_and_are_spread(chance, expected):
    assert list(islice(delays_s(lambda: chance), 5)) == expected


def test_attempts_never_end():
    assert len(list(islice(delays_s(), 5_000))) == 5_000
