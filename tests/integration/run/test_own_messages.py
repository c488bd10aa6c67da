"""Messages of one's own application, through real servers: what is known, and what is told."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.machine.launch import serving
from loadtests.record.results import read
from loadtests.record.words import Status
from loadtests.run.subjects import SubjectTable, subjects_of
from tests.integration.run.test_apps import APPS
from tests.support import ROOT
from tests.support.measuring import loadtests
from tests.support.waiting import until

HEAD = """
name = "own-messages"
transports = ["websocket", "polling"]

[target]
namespace = "/forum"
auth = { token = "let me in" }
"""

LOADS = """
[echo]
clients = 3
rate_hz = 60
warmup_s = 0.1
latency_s = 0.6
throughput_s = 0.4

[broadcast]
recipients = 4
publishers = 1
rate_hz = 20
warmup_s = 0.1
measure_s = 0.6
"""

SAID = """
[messages.echo]
event = "say"
data = { text = "{{payload}}" }
answer = "said"
"""

POSTED = """
[messages.broadcast]
event = "post"
data = { text = "from me: {{payload}}", room = "lobby" }
answer = "posted"

[[messages.first]]
event = "enter"
data = "lobby"
answer = "entered"
"""


def run(folder: Path, text: str, *arguments: str) -> Any:
    experiment = folder / "own.toml"
    experiment.write_text(HEAD + text, encoding="utf-8")
    return loadtests(
        "run", str(experiment), "--beside", "--out", str(folder / "run"), *arguments, timeout_s=300
    )


FORUM = ("--app", "forum:create_app", "--app-dir", str(APPS / "forum"))


def numbers(folder: Path, scenario: str, metric: str) -> list[float | None]:
    result = read(folder / "run")
    return [
        measurement.metrics[metric]
        for trial in result.trials
        for measurement in trial.measurements
        if measurement.row == scenario
    ]


def test_own_events_are_measured_in_their_own_namespace(tmp_path: Path) -> None:
    done = run(tmp_path, SAID + POSTED + LOADS, *FORUM, "--modes", "gevent,threading")
    assert done.returncode == 0, done.stdout + done.stderr
    for scenario, count in (("echo", "lost"), ("broadcast", "missing")):
        assert numbers(tmp_path, scenario, count) == [0, 0, 0, 0]
    assert all((value or 0) > 20 for value in numbers(tmp_path, "echo", "throughput"))
    assert numbers(tmp_path, "broadcast", "duplicate") == [0, 0, 0, 0]
    stored = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert "let me in" not in str(stored["experiment"])
    assert "lobby" not in str(stored["experiment"]["messages"]["first"])
    again = tmp_path / "again"
    shutil.copytree(tmp_path / "run", again)
    compared = [sys.executable, "-m", "reports", "compare", str(tmp_path / "run"), str(again)]
    assert subprocess.run(compared, cwd=ROOT, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    "messages",
    [
        '[messages.echo]\nevent = "store"\ndata = { text = "{{payload}}" }\n',
        '[messages.echo]\nevent = "count"\ndata = 1\nanswer = "counted"\nmatched_by = "order"\n',
    ],
    ids=["acknowledgement", "order"],
)
def test_answer_that_brings_nothing_back_is_known_all_the_same(
    tmp_path: Path, messages: str
) -> None:
    done = run(tmp_path, messages + LOADS, *FORUM, "--modes", "gevent", "--scenarios", "echo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(tmp_path, "echo", "lost") == [0, 0]


def test_what_messages_do_not_say_is_said_in_the_namespace_beside(tmp_path: Path) -> None:
    """An application that this run serves has the usual events, too."""
    done = run(tmp_path, SAID + LOADS, *FORUM, "--modes", "threading")
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(tmp_path, "broadcast", "missing") == [0, 0]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("refuse", "What came instead: 'sorry'"),
        ("stumble", "exceptions, the first: KeyError (forum.py, line "),
        pytest.param(
            "no such event",
            "does it handle 'no such event' in namespace /forum",
            marks=pytest.mark.long,
        ),
    ],
)
def test_what_came_in_place_of_an_answer_is_told(tmp_path: Path, event: str, words: str) -> None:
    said = SAID.replace('"say"', f'"{event}"')
    run_ = (*FORUM, "--modes", "gevent", "--scenarios", "echo", "--transports", "websocket")
    done = run(tmp_path, said + LOADS, *run_)
    assert done.returncode == 4
    [trial] = read(tmp_path / "run").trials
    assert trial.status is Status.FAILED
    assert words in (trial.reason or "")


def test_refusal_is_told(tmp_path: Path) -> None:
    run_ = (*FORUM, "--modes", "threading", "--scenarios", "echo", "--transports", "websocket")
    assert run(tmp_path, SAID + LOADS, *run_, "--auth", '"wrong"').returncode == 4
    [trial] = read(tmp_path / "run").trials
    assert "refused: no token" in (trial.reason or "")


def test_running_server_is_spoken_to_in_its_own_words(tmp_path: Path) -> None:
    """What it has no words for is not available, and what is said is an option, too."""
    table = SubjectTable(
        "forum", mode="threading", app="forum:create_app", folder=str(APPS / "forum")
    )
    subject = subjects_of([table])["forum"]
    with serving(
        "threading",
        ping_interval_s=25,
        ping_timeout_s=20,
        log=tmp_path / "forum.log",
        journal=tmp_path / "forum.jsonl",
        command=subject.command,
        folder=subject.folder,
    ) as server:
        done = run(
            tmp_path,
            LOADS,
            *("--url", server.url, "--label", "forum", "--transports", "websocket"),
            *("--echo-event", "say", "--echo-data", '{"text": "{{payload}}"}'),
            *("--echo-answer", "said"),
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(tmp_path, "echo", "lost") == [0]
    reasons = [trial.reason for trial in read(tmp_path / "run").trials if trial.reason]
    assert reasons == ["nothing is said of broadcast ([messages], or --broadcast-event)"]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[str]:
    """Where a Redis of the test's own listens."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    with subprocess.Popen([*command, "--save", ""], stdout=subprocess.PIPE) as redis:
        try:
            assert redis.stdout is not None
            assert any(b"Ready to accept connections" in line for line in redis.stdout)
            yield f"redis://127.0.0.1:{port}"
        finally:
            redis.terminate()


def test_servers_that_share_a_message_queue_do_not_hear_each_other(
    tmp_path: Path, queue: str
) -> None:
    """Both are there at the same time: what one broadcasts comes once, and to its clients alone."""
    tables = "".join(
        f"""
[[subject]]
label = "{mode}"
mode = "{mode}"
app = "forum:create_app"
folder = "{APPS / "forum"}"
environment = {{ QUEUE = "{queue}" }}
"""
        for mode in ("gevent", "threading")
    )
    done = run(tmp_path, SAID + POSTED + LOADS + tables, "--scenarios", "echo,broadcast")
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(tmp_path, "broadcast", "missing") == [0, 0, 0, 0]
    assert numbers(tmp_path, "broadcast", "duplicate") == [0, 0, 0, 0]
    stored = (tmp_path / "run" / "result.json").read_text(encoding="utf-8")
    assert str(queue) not in stored


def test_subjects_can_be_spoken_to_each_in_its_own_way(tmp_path: Path) -> None:
    """One application by its own handlers, and beside them."""
    tables = f"""
[[subject]]
label = "its handlers"
mode = "threading"
app = "forum:create_app"
folder = "{APPS / "forum"}"
[subject.target]
namespace = "/forum"
auth = {{ token = "let me in" }}
[subject.messages.echo]
event = "say"
data = {{ text = "{{{{payload}}}}" }}
answer = "said"

[[subject]]
label = "beside them"
mode = "threading"
app = "forum:create_app"
folder = "{APPS / "forum"}"
"""
    experiment = tmp_path / "both.toml"
    head = 'name = "both"\ntransports = ["websocket"]\n'
    experiment.write_text(head + tables + LOADS, encoding="utf-8")
    out = ("--out", str(tmp_path / "run"), "--scenarios", "echo", "--beside")
    done = loadtests("run", str(experiment), *out, timeout_s=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(tmp_path, "echo", "lost") == [0, 0]
    assert "let me in" not in (tmp_path / "run" / "result.json").read_text(encoding="utf-8")


def test_server_with_one_line_more_is_measured_beside_its_own_namespaces(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "probed.py", str(port)]
    places = {"cwd": APPS / "probed", "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    with (tmp_path / "probed.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, **places)  # type: ignore[call-overload]
    try:
        until(lambda: _listens(port))
        experiment = tmp_path / "probed.toml"
        experiment.write_text('name = "probed"\n' + LOADS, encoding="utf-8")
        told = ("--url", f"http://127.0.0.1:{port}", "--namespace", "/transport-bench")
        out = ("--out", str(tmp_path / "run"), "--beside")
        done = loadtests("run", str(experiment), *told, *out, timeout_s=300)
    finally:
        server.terminate()
        server.wait(10)
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers(tmp_path, "echo", "lost") == numbers(tmp_path, "broadcast", "missing") == [0, 0]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
