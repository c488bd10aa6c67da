"""Pairs of identical servers from a run's result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console

from loadtests.__main__ import main
from loadtests.generator.noise import command
from loadtests.generator.noise.pairs import compare, experiment, pairs_of
from loadtests.record.results import FORMAT, Measurement, PlannedTrial, Result, Trial
from loadtests.record.words import Status, Transport
from loadtests.run.plan import plan


def result_of(
    numbers: Mapping[tuple[int, str], float | None], invalid: set[tuple[int, str]]
) -> Result:
    """Echo trials of gevent over WebSocket: (block, arm) -> server CPU."""
    planned, trials = [], []
    for number, ((block, arm), value) in enumerate(numbers.items()):
        planned.append(
            PlannedTrial(number, block, "echo", f"gevent-{arm}", Transport.WEBSOCKET, ["echo"])
        )
        if value is None:
            trials.append(Trial(number, Status.FAILED, "the server died"))
            continue
        doubts = {"server_cpu": "disturbed"} if (block, arm) in invalid else {}
        measured = Measurement(row="echo", metrics={"server_cpu": value}, invalid=doubts)
        trials.append(Trial(number, Status.OK, measurements=[measured]))
    wanted = experiment(["gevent"], [Transport.WEBSOCKET], 2)
    return Result(
        format=FORMAT,
        version="1",
        started="2026-01-01T00:00:00+00:00",
        ended="complete",
        seconds=1.0,
        experiment=msgspec.to_builtins(wanted),
        environment={},
        plan=planned,
        trials=trials,
    )


def test_a_pair_is_the_two_of_a_block():
    result = result_of({(0, "B"): 110.0, (0, "A"): 100.0, (1, "A"): 50.0, (1, "B"): 60.0}, set())
    pairs, left_out = pairs_of(result, "echo", "server_cpu", "gevent", Transport.WEBSOCKET)
    assert (pairs, left_out) == ([(100.0, 110.0), (50.0, 60.0)], 0)


def test_a_pair_with_a_number_that_is_missing_or_doubtful_is_left_out():
    result = result_of(
        {(0, "A"): 1.0, (0, "B"): 1.0, (1, "A"): 1.0, (1, "B"): None, (2, "A"): 1.0, (2, "B"): 1.0},
        {(2, "A")},
    )
    pairs, left_out = pairs_of(result, "echo", "server_cpu", "gevent", Transport.WEBSOCKET)
    assert (pairs, left_out) == ([(1.0, 1.0)], 2)


def test_what_is_compared_has_two_pairs_at_least():
    whole = {(0, "A"): 100.0, (0, "B"): 110.0, (1, "A"): 100.0, (1, "B"): 90.0}
    (noise,) = compare(result_of(whole, set()), None)
    assert (noise.scenario, noise.metric, noise.mode) == ("echo", "server_cpu", "gevent")
    assert noise.in_turns.mean == pytest.approx((math.log(1.1) + math.log(0.9)) / 2)
    assert noise.apart is None
    assert compare(result_of({(0, "A"): 1.0, (0, "B"): 1.0}, set()), None) == []


@pytest.mark.parametrize("seconds", [1.0, 1.1, 2.0, 7.9, 60.0])
def test_a_longer_load_is_cut_into_more_slices_of_the_same_length(seconds):
    wanted = experiment(["gevent"], [Transport.WEBSOCKET], 2, seconds)
    for scenario in wanted.scenarios:
        options: Any = wanted.variant(scenario).options
        measured_s = options.measure_s if scenario == "broadcast" else options.latency_s
        assert measured_s == seconds
        assert 0.2 <= measured_s / options.slices < 0.25


def test_both_of_a_pair_take_turns_and_each_is_started_first_as_often():
    planned = plan(experiment(["gevent"], [Transport.WEBSOCKET], 4))
    groups: dict[int | None, list[str]] = {}
    for each in planned:
        groups.setdefault(each.group, []).append(each.mode)
    assert None not in groups
    assert all(sorted(modes) == ["gevent-A", "gevent-B"] for modes in groups.values())
    firsts = [modes[0] for modes in groups.values()]
    assert firsts.count("gevent-A") == firsts.count("gevent-B")


def test_the_table_says_how_many_blocks_a_difference_takes():
    whole = {(0, "A"): 100.0, (0, "B"): 101.0, (1, "A"): 100.0, (1, "B"): 99.0}
    text = StringIO()
    found = compare(result_of(whole, set()), result_of(whole, set()))
    Console(file=text, width=200).print(command.table(found))
    assert "gevent × websocket" in text.getvalue()
    assert "1.4 %" in text.getvalue()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--modes", "gvent"], "did you mean gevent?"),
        (["--transports", "pigeon"], "unknown transport 'pigeon'"),
        (["--blocks", "1"], "--blocks"),
        (["--seconds", "0.5"], "--seconds"),
        (["--seconds", "nan"], "--seconds"),
    ],
)
def test_a_wrong_call_is_one_line(arguments, complaint, capsys):
    assert main(["noise", *arguments]) == 2
    assert complaint in capsys.readouterr().err
