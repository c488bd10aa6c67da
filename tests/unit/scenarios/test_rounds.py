"""In how many slices a time of load is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.scenarios.echo import Echo
from loadtests.scenarios.turns import FEWEST_MESSAGES, SHORTEST_SLICE_S, rounds_of


@pytest.mark.parametrize("rounds", range(1, 50))
def test_slices_of_just_the_shortest_length_are_long_enough(rounds: int) -> None:
    seconds = rounds * SHORTEST_SLICE_S
    assert rounds_of(seconds, 1000, rounds) == rounds
    assert Echo(1, 1000, latency_s=100, throughput_s=seconds, rounds=rounds).slices == rounds
    with pytest.raises(ValueError, match=f"at most {rounds} rounds"):
        rounds_of(seconds, 1000, rounds + 1)


@pytest.mark.parametrize("rounds", range(1, 50))
def test_slices_of_just_enough_messages_are_enough(rounds: int) -> None:
    rate_hz = 0.1
    assert rounds_of(rounds * FEWEST_MESSAGES / rate_hz, rate_hz, rounds) == rounds


@given(seconds=st.floats(0.01, 1000), rate_hz=st.floats(0.1, 10_000))
def test_slices_that_nobody_asked_for_are_long_enough_or_there_is_one(
    seconds: float, rate_hz: float
) -> None:
    rounds = rounds_of(seconds, rate_hz, None)
    assert rounds >= 1
    if rounds > 1:
        assert seconds / rounds > SHORTEST_SLICE_S - 1e-6
        assert rate_hz * seconds / rounds > FEWEST_MESSAGES - 1e-6
    assert rounds_of(seconds, rate_hz, rounds) == rounds
