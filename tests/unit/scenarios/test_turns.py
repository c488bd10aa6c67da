"""Load in slices: how many there are, and how long each is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios.broadcast import Broadcast
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.echoing import closed_slices, turns_of
from loadtests.scenarios.turns import (
    SHORTEST_SLICE_S,
    rounds_of,
)

# --- how many slices


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "rounds", "reason"),
    [
        (5.1, 200, 20, "about a quarter of a second each"),
        (15, 200, 60, "however many that are"),
        (0.7, 200, 3, "rounded up"),
        (0.6, 200, 2, "rounded down"),
        (0.1, 200, 1, "a short time is one slice"),
        (5, 10, 5, "ten messages each at least, so longer ones"),
        (5, 0.2, 1, "a slice at least, though it has one message"),
    ],
)
def test_slices_are_of_a_quarter_of_a_second_and_hold_enough(
    seconds: float, rate_hz: float, rounds: int, reason: str
) -> None:
    assert rounds == rounds_of(seconds, rate_hz, None), reason


def test_as_many_slices_as_are_asked_for() -> None:
    assert rounds_of(5.1, 200, 3) == 3
    assert rounds_of(5.0, 200, 25) == 25, "of the shortest length"
    assert rounds_of(5.0, 10, 5) == 5, "with the fewest messages"


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "rounds", "words"),
    [
        (1, 200, 6, "slices of 0.167 s with 33.3 messages; a slice wants 0.2 s and 10 messages"),
        (1, 200, 6, "at most 5 rounds, of 0.2 s each"),
        (2, 10, 3, "slices of 0.667 s with 6.7 messages"),
        (2, 10, 3, "at most 2 rounds, of 1 s each"),
    ],
)
def test_too_many_slices_are_refused_with_what_would_work(
    seconds: float, rate_hz: float, rounds: int, words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        rounds_of(seconds, rate_hz, rounds)


@given(st.integers(1, 200))
def test_slices_of_the_shortest_length_are_not_too_short(rounds: int) -> None:
    # 3 × 0.2 is more than 0.6, and 0.6 / 0.2 less than 3.
    for seconds in (rounds * SHORTEST_SLICE_S, rounds / 5):
        assert rounds_of(seconds, 1000, rounds) == rounds
    assert rounds_of(rounds / 3, 30, rounds) == rounds


@given(st.floats(0.05, 60), st.floats(0.1, 1000), st.integers(1, 500))
def test_what_a_refusal_says_would_work_does(seconds: float, rate_hz: float, rounds: int) -> None:
    try:
        found = rounds_of(seconds, rate_hz, rounds)
    except ValueError as refused:
        most = re.search(r"at most (\d+) rounds", str(refused))
        assert most is not None
        found = rounds_of(seconds, rate_hz, int(most[1]))
        assert found == int(most[1]) < rounds
    assert rounds_of(seconds, rate_hz, None) >= 1


# --- in an experiment file

HEAD = 'name = "mine"\n\n[echo]\nclients = 4\nrate_hz = 200\n'


def echo(text: str) -> Echo:
    found: Any = parse(HEAD + text, "mine.toml")
    assert isinstance(found.echo, Echo)
    return found.echo


def refusal(text: str) -> str:
    with pytest.raises(ExperimentError) as refused:
        parse(text, "mine.toml")
    return str(refused.value)


def test_an_echo_is_cut_so_that_both_of_its_loops_have_slices_long_enough() -> None:
    assert echo("latency_s = 5.1\nthroughput_s = 5\n").slices == 20
    assert echo("latency_s = 5.1\nthroughput_s = 1\n").slices == 10
    assert echo("latency_s = 5.1\nthroughput_s = 0.1\n").slices == 1
    assert echo("latency_s = 5.1\nthroughput_s = 1\nrounds = 2\n").slices == 2


@pytest.mark.parametrize(
    ("text", "closed", "turns", "reason"),
    [
        ("throughput_s = 5\nrounds = 20\n", 2, 60, "of an eighth of a second"),
        ("throughput_s = 2\nrounds = 20\n", 1, 40, "of the least length"),
        ("throughput_s = 3\nrounds = 10\n", 3, 40, "whatever floats say of 0.3 / 0.1"),
        ("throughput_s = 0.05\n", 1, 2, "a slice at least, however short"),
    ],
)
def test_a_closed_loop_has_as_many_slices_as_fit_between_those_of_the_open_one(
    text: str, closed: int, turns: int, reason: str
) -> None:
    options = echo(f"latency_s = 5.1\n{text}")
    assert (closed_slices(options), turns_of(options)) == (closed, turns), reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("latency_s = 1\nthroughput_s = 9\nrounds = 6\n", "at most 5 rounds, of 0.2 s each"),
        (
            "latency_s = 9\nthroughput_s = 0.25\nrounds = 3\n",
            "3 rounds leave throughput_s 0.0833 s in each; a slice of the closed loop wants 0.1 s: "
            "at most 2 rounds, or 0.3 s",
        ),
        ("latency_s = 1\nthroughput_s = 1\nrounds = 0\n", "rounds: Expected `int` >= 1"),
    ],
)
def test_rounds_that_do_not_fit_are_refused_with_file_line_and_remedy(
    text: str, words: str
) -> None:
    message = refusal(HEAD + text)
    assert re.match(r"mine\.toml, line [38], echo", message)
    assert words in message
    assert "\n" not in message


@given(st.integers(2, 100), st.floats(0.05, 20))
def test_throughput_that_a_refusal_names_is_enough(rounds: int, throughput_s: float) -> None:
    def options(seconds: float) -> Echo:
        return Echo(clients=1, rate_hz=1000, latency_s=20, throughput_s=seconds, rounds=rounds)

    try:
        options(throughput_s)
    except ValueError as refused:
        enough = re.search(r"at most (\d+) rounds, or ([\d.]+) s", str(refused))
        assert enough is not None
        assert options(float(enough[2])).slices == rounds
    else:
        assume(throughput_s < rounds)


def test_a_broadcast_says_enough_with_three_in_a_slice() -> None:
    options = Broadcast(recipients=5, publishers=1, rate_hz=15, measure_s=2)
    assert options.slices == 8
    assert Broadcast(recipients=5, publishers=1, rate_hz=15, measure_s=2, rounds=10).slices == 10
    text = "recipients = 5\npublishers = 1\nrate_hz = 15\nmeasure_s = 2\nrounds = 11\n"
    message = refusal(f'name = "mine"\n[broadcast]\n{text}')
    assert message.startswith("mine.toml, line 2, broadcast: 11 rounds make slices of 0.182 s")
    assert message.endswith("at most 10 rounds, of 0.2 s each")
