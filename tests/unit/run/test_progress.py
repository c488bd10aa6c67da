"""What is seen while a run goes on, and how long it says that it will still take."""

from __future__ import annotations

import io
import sys
import time

import msgspec
import pytest
from rich.console import Console
from rich.progress import Progress

from loadtests.record.results import PlannedTrial, Trial
from loadtests.record.words import Status, Transport
from loadtests.run.progress import TimeLeft, _Bar, reporter

PLANNED = PlannedTrial(4, 0, "echo", "gevent", Transport.POLLING, ["echo"])


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


# --- the estimate


def test_estimate_begins_with_the_plan(clock: Clock) -> None:
    assert TimeLeft([1.0, 2.0, 3.0]).left_s(0) == 6.0


def test_estimate_follows_how_long_trials_really_took(clock: Clock) -> None:
    estimate = TimeLeft([1.0, 2.0, 3.0])
    clock.now += 2
    assert estimate.left_s(1) == 10.0  # twice as slow as planned
    clock.now += 1
    assert estimate.left_s(2) == 3.0  # and now as planned


def test_nothing_is_left_at_the_end(clock: Clock) -> None:
    estimate = TimeLeft([1.0, 2.0])
    clock.now += 50
    assert estimate.left_s(2) == 0.0


# --- a line per trial


def lines(
    capsys: pytest.CaptureFixture[str],
    trial: Trial,
    *,
    trials: int = 36,
    left_s: float = 100,
    planned: PlannedTrial = PLANNED,
) -> list[str]:
    with reporter(trials) as told:
        told.began([planned], left_s)
        told.ended(planned, trial)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{trials} trials, about ")
    return lines


def test_trial_is_one_line_with_its_place_and_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert lines(capsys, Trial(4, Status.OK, seconds=7.3)) == [
        " 5/36 echo gevent × polling ok in 7.3 s, about 1 min 33 s left"
    ]


def test_failed_trial_says_why_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "server not ready: [Errno 98] in use; its log: runs/x [1].log" + " and more" * 30
    assert [f"5/9 echo gevent × polling failed in 1.0 s, about 9 s left: {reason}"] == lines(
        capsys, Trial(4, Status.FAILED, reason=reason, seconds=1.0), trials=9, left_s=10
    )


def test_trial_that_took_longer_than_was_left_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [line] = lines(capsys, Trial(4, Status.OK, seconds=30), left_s=10)
    assert line.endswith("about 0 s left")


@pytest.mark.parametrize(
    ("left_s", "words"), [(59.4, "59 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (0, "0 s")]
)
def test_durations_are_in_minutes_and_seconds(
    capsys: pytest.CaptureFixture[str], left_s: float, words: str
) -> None:
    [line] = lines(capsys, Trial(4, Status.OK, seconds=0), left_s=left_s)
    assert f"about {words} left" in line


def test_ci_gets_lines_on_a_terminal_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    [line] = lines(capsys, Trial(4, Status.OK, seconds=1))
    assert line.startswith(" 5/36 echo")


# --- a bar


@pytest.mark.parametrize(
    "reason",
    ["the server died", "refused: [red]alert[/red]", "not a packet: b'42[/x]'", "see [logs]"],
)
def test_failure_is_printed_beside_the_bar_as_it_is(reason: str) -> None:
    output = io.StringIO()
    shown = Progress(console=Console(file=output, width=200))
    bar = _Bar(shown, 2)
    bar.began([PLANNED], 70)
    bar.ended(PLANNED, Trial(4, Status.FAILED, reason=reason))
    printed = " ".join(output.getvalue().split())
    assert f"failed echo gevent × polling: {reason}" == printed
    assert shown.tasks[0].completed == 1


def test_bar_says_how_many_take_turns() -> None:
    shown = Progress(console=Console(file=io.StringIO()))
    sized = msgspec.structs.replace(PLANNED, scenario="payload", variant="1024:binary")
    _Bar(shown, 8).began([sized] * 6, 70)
    assert shown.tasks[0].description == "payload:1024:binary, 6 cells in turns"


def test_lines_of_a_group_count_down_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    with reporter(2) as told:
        told.began([PLANNED, PLANNED], 100)
        for _ in range(2):
            told.ended(PLANNED, Trial(4, Status.OK, seconds=10))
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "2 trials, about 1 min 40 s"  # before the first of them is over
    left = [line.partition("about ")[2] for line in lines]
    assert left == ["1 min 30 s left", "1 min 20 s left"]


def test_bar_says_what_runs_and_how_long_it_will_take() -> None:
    shown = Progress(console=Console(file=io.StringIO()))
    bar = _Bar(shown, 2)
    bar.began([PLANNED], 70)
    [task] = shown.tasks
    assert (task.description, task.fields["left"]) == ("echo gevent × polling", "1 min 10 s")
    bar.ended(PLANNED, Trial(4, Status.OK))
    assert (task.completed, task.total) == (1, 2)
