"""Servers that take turns, one of them with a fault: it is charged to that one and to no other."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from loadtests.__main__ import _exit_code
from loadtests.record.exits import Exit
from loadtests.record.results import Measurement, Result, Trial
from loadtests.record.words import Status
from loadtests.run.executor import ProcessExecutor
from loadtests.run.plan import plan
from loadtests.run.subjects import Subject
from loadtests.run.turns import order_of
from tests.support.measuring import doubted, experiment, faulty, in_a_quiet_moment, tried
from tests.support.present import present

ROUNDS = 4
#: After each turn of the open loop come two of the closed one.
TURNS = 3
ECHO = """
seed = {seed}
modes = ["eventlet", "gevent"]
transports = ["{transport}"]
[echo]
clients = 2
rate_hz = 40
warmup_s = 0
latency_s = 2
throughput_s = 0.8
rounds = 4
drain_s = 0.3
"""
#: Begins in the first tenths of a turn that is given up after 0.8 s, and ends in the next turn.
STALL_S = 1.0


def text_in_which_begins(mode: str, folder: Path, transport: str = "websocket") -> str:
    """The experiment with a seed by which this mode has the first turn."""
    for seed in count():
        text = ECHO.format(seed=seed, transport=transport)
        one = experiment(text)
        planned = plan(one)
        order = order_of(
            [each.mode for each in planned], 0, ProcessExecutor(one, folder)._seed(planned[0])
        )
        if order[0] == mode:
            return text
    raise AssertionError("count() has no end")


def wrong(fault: str) -> dict[str, Subject]:
    """What gevent stands for: a server with a fault."""
    return {"gevent": Subject(command=faulty(fault))}


def trials(result: Result) -> dict[str, Trial]:
    """Mode -> its trial."""
    return {result.plan[trial.number].mode: trial for trial in result.trials}


def the_echo(trial: Trial) -> Measurement:
    assert trial.status is Status.OK, trial.reason
    (found,) = trial.measurements
    return found


def left_out(trial: Trial) -> list[str]:
    return [each.left_out for each in trial.generator.slices if each.left_out]


@pytest.mark.timing
@pytest.mark.parametrize(
    "transport", ["websocket", pytest.param("polling", marks=pytest.mark.long)]
)
def test_stall_across_turns_is_charged_to_the_one_that_stalled(
    tmp_path: Path, transport: str
) -> None:
    def check(folder: Path) -> None:
        text = text_in_which_begins("gevent", folder, transport)
        found = trials(tried(text, folder, subjects=wrong(f"stall:5,{STALL_S}")))
        stalled, other = the_echo(found["gevent"]), the_echo(found["eventlet"])
        assert left_out(found["gevent"]) == left_out(found["eventlet"]) == []
        assert (doubted(stalled), doubted(other)) == ({}, {})
        longest_ms = present(stalled.metrics["latency_max"])
        assert longest_ms == pytest.approx(1000 * STALL_S, abs=200)
        # All that were due in the rest of its slice waited for its end, and all have come.
        assert present(stalled.metrics["latency_p90"]) > 1000 * STALL_S - 500
        assert stalled.metrics["lost"] == 0
        assert stalled.samples["latency"] == other.samples["latency"] == 80
        assert present(other.metrics["latency_max"]) < 200
        assert other.metrics["lost"] == 0

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.long
@pytest.mark.timing
def test_server_that_computes_when_it_is_not_its_turn_spoils_no_others_numbers(
    tmp_path: Path,
) -> None:
    def check(folder: Path) -> None:
        text = text_in_which_begins("gevent", folder)
        found = trials(tried(text, folder, subjects=wrong(f"busy:5,{STALL_S}")))
        busy, other = the_echo(found["gevent"]), the_echo(found["eventlet"])
        assert [each.partition(" (")[0] for each in left_out(found["eventlet"])] == [
            "the server of gevent × websocket, not on turn, used the core"
        ]
        assert left_out(found["gevent"]) == []
        assert present(busy.metrics["latency_max"]) == pytest.approx(1000 * STALL_S, abs=200)
        assert doubted(other) == {}
        assert present(other.metrics["latency_max"]) < 200
        assert other.samples["latency"] == 60

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("hang:60", "the server stopped answering: nothing in turns "),
        ("leave:0.4", "the server died during the trial (code 3)"),
        pytest.param("absent:0", "gevent server ended with code 1 ", marks=pytest.mark.long),
    ],
)
def test_server_that_is_lost_between_turns_fails_alone(
    tmp_path: Path, fault: str, why: str
) -> None:
    text = ECHO.format(seed=1, transport="websocket")
    result = tried(text, tmp_path, subjects=wrong(fault))
    found = trials(result)
    assert found["gevent"].status is Status.FAILED
    assert present(found["gevent"].reason).startswith(why)
    other = the_echo(found["eventlet"])
    slices = found["eventlet"].generator.slices
    assert len(slices) == TURNS * ROUNDS
    opened = [each for each in slices[::TURNS] if not each.left_out]
    assert other.metrics["lost"] == 0
    assert other.samples["latency"] == 20 * len(opened)
    assert result.ended == "complete"
    assert _exit_code(result) is Exit.FAILED
