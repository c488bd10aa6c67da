"""What is measured in place of modes: running servers, and modes with something else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from loadtests.__main__ import main
from loadtests.client.target import HIDDEN
from loadtests.machine import cores, wakeups
from loadtests.machine.launch import Launched
from loadtests.record.ready import Ready
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import ExperimentError, parse
from loadtests.run.plan import plan
from loadtests.run.subjects import SubjectTable, subjects_of
from loadtests.scenarios.bench import Site
from loadtests.scenarios.scenario import Heartbeat

ECHO = """
[echo]
clients = 2
rate_hz = 10
latency_s = 1
throughput_s = 1
"""
READY = Ready(
    ready=True,
    host="127.0.0.1",
    port=1,
    pid=1,
    mode="gevent",
    async_mode="gevent",
    websocket=None,
    patched=True,
    debug=False,
    ping_interval=5,
    ping_timeout=3,
    versions={},
)
TEXT = """\
name = "mine"
[[subject]]
label = "staging"
url = "http://127.0.0.1:5001/"
[[subject]]
label = "gevent, quick heartbeat"
mode = "gevent"
server = { ping_interval_s = 5, ping_timeout_s = 3 }
environment = { TOKEN = "hush" }
"""


def test_subjects_are_the_cells_under_their_labels() -> None:
    experiment = parse(TEXT + ECHO, "mine.toml")
    assert experiment.modes == ["staging", "gevent, quick heartbeat"]
    found = subjects_of(experiment.subject)
    assert found["staging"].url == "http://127.0.0.1:5001"
    assert found["gevent, quick heartbeat"].mode == "gevent"
    assert found["gevent, quick heartbeat"].heartbeat == Heartbeat(5, 3)
    assert {each.mode for each in plan(experiment)} == set(found)


def test_another_interpreter_serves_the_same_application() -> None:
    (subject,) = subjects_of([SubjectTable("new", mode="gevent", python="/opt/python3")]).values()
    assert subject.command == ("/opt/python3", "-m", "servers")
    assert subjects_of([SubjectTable("ours", mode="gevent")])["ours"].command[0] == sys.executable


def test_values_of_variables_and_paths_are_in_no_file() -> None:
    python = "/opt/venv/bin/python3"
    table = SubjectTable("a", mode="gevent", python=python, environment={"T": "hush"})
    shown = table.unsaid()
    assert shown.environment == {"T": HIDDEN}
    assert shown.python == "python3"


def test_servers_that_run_already_are_left_where_they_run(tmp_path: Path) -> None:
    experiment = parse(TEXT.partition('[[subject]]\nlabel = "gev')[0] + ECHO, "mine.toml")
    executor = ProcessExecutor(experiment, tmp_path, subjects=subjects_of(experiment.subject))
    assert executor.pins.server is None
    alone = executor.pins
    mixed = parse(TEXT + ECHO, "mine.toml")
    executor = ProcessExecutor(mixed, tmp_path, subjects=subjects_of(mixed.subject))
    assert executor.pins != alone


@pytest.mark.parametrize(
    ("labels", "spins"),
    [
        (["gevent, quick heartbeat"], True),
        (["staging"], False),
        (["gevent, quick heartbeat", "staging"], False),
    ],
)
def test_no_spinning_where_a_server_may_be_on_the_generators_core(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, labels: list[str], spins: bool
) -> None:
    monkeypatch.setattr(cores, "pinning", lambda: cores.Pinning(1, 0, None))
    monkeypatch.setattr(wakeups, "of_generator", lambda _: wakeups.WakeUps(1, 2, 3))
    mixed = parse(TEXT + ECHO, "mine.toml")
    executor = ProcessExecutor(mixed, tmp_path, subjects=subjects_of(mixed.subject))
    ours = Launched(process=cast("Any", None), ready=READY, log=tmp_path / "log")
    started = [
        (each, None if each.mode == "staging" else ours)
        for each in plan(mixed)
        if each.mode in labels
    ]
    assert executor._orders(started, Site(), 1).spin_ns == (3 if spins else 0)
    assert executor._orders(started, Site(), 2).spin_ns == 0


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ('label = "a/b"\nurl = "http://a"', "cannot name a file"),
        ('label = "a"', "neither a mode nor the url"),
        ('label = "a"\nmode = "gevnet"', "unknown mode 'gevnet'"),
        ('label = "a"\nurl = "http://a"\nmode = "gevent"', "is not ours to say"),
        (
            'label = "a"\nurl = "http://a"\n[[subject]]\nlabel = "a"\nurl = "http://b"',
            "two subjects",
        ),
        ('label = "a"\nurl = "http://a"\ncolour = "x"', "unknown field"),
    ],
)
def test_subject_that_makes_no_sense_is_one_line(tables: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f'name = "mine"\n[[subject]]\n{tables}\n{ECHO}', "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_modes_beside_subjects_are_refused() -> None:
    with pytest.raises(ExperimentError, match=r"line 2, modes: with \[\[subject\]\]"):
        parse(TEXT.replace("[[", 'modes = ["gevent"]\n[[', 1) + ECHO, "mine.toml")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--url", "http://a", "--url", "http://b"], "2 --url and 0 --label"),
        (["--url", "http://a", "--url", "http://b", "--label", "a"], "2 --url and 1 --label"),
        (
            ["--url", "http://a", "--label", "a", "--url", "http://b", "--label", "a"],
            "two subjects are called 'a'",
        ),
        (["--label", "a"], "--label names the server of --url"),
        (["--url", "http://127.0.0.1:1", "--modes", "gevent"], "--modes starts servers of ours"),
        (["--url", "ftp://127.0.0.1", "--label", "a"], "expected http://HOST:PORT"),
    ],
)
def test_servers_on_the_command_line_are_named_one_by_one(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert main(["run", "quick", "--scenarios", "echo", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line


def test_experiment_without_subjects_is_as_it_was() -> None:
    experiment = parse('name = "mine"\n' + ECHO, "mine.toml")
    assert msgspec.to_builtins(experiment)["subject"] == []
    assert experiment.modes == ["eventlet", "gevent", "threading"]
