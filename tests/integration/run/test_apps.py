"""Applications of one's own: served in every mode, measured beside their own namespaces."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from loadtests.record.application import BESIDE_NAMESPACE
from loadtests.record.results import read
from loadtests.record.words import Status
from servers import elsewhere
from tests.support import ROOT
from tests.support.measuring import TINY, loadtests

APPS = Path(__file__).parents[2] / "support" / "applications"


def measured(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return loadtests("run", str(TINY), "--beside", "--out", str(folder), *arguments, timeout_s=300)


def statuses(folder: Path) -> Counter[tuple[str, str]]:
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return Counter((row["mode"], row["status"]) for row in csv.DictReader(file))


@pytest.mark.parametrize(
    ("app", "folder", "modes"),
    [
        ("shop:create_app", "shop", ["threading"]),
        ("chat:socketio", "classes", ["gunicorn-gevent"]),
        pytest.param("shop:create_app", "shop", ["gevent"], marks=pytest.mark.long),
        pytest.param("chat:socketio", "classes", ["eventlet"], marks=pytest.mark.long),
        pytest.param("chat:app", "classes", ["gunicorn-threads"], marks=pytest.mark.long),
    ],
)
def test_application_goes_the_whole_way_in_each_mode(
    tmp_path: Path, app: str, folder: str, modes: list[str]
) -> None:
    done = measured(
        tmp_path / "run", "--app", app, "--app-dir", str(APPS / folder), "--modes", ",".join(modes)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = read(tmp_path / "run")
    assert {trial.server["mode"] for trial in result.trials} == set(modes)
    assert {each.mode for each in result.plan} == set(modes)
    assert not [trial for trial in result.trials if trial.status is Status.FAILED]
    found = statuses(tmp_path / "run")
    assert all(found[mode, "ok"] for mode in modes)
    again = tmp_path / "again"
    shutil.copytree(tmp_path / "run", again)
    compared = [sys.executable, "-m", "reports", "compare", str(tmp_path / "run"), str(again)]
    assert subprocess.run(compared, cwd=ROOT, check=False, timeout=60).returncode == 0
    # Of our own folders nothing is told, nor of theirs.
    stored = (tmp_path / "run" / "result.json").read_text(encoding="utf-8")
    assert str(APPS) not in stored


def test_heartbeat_of_the_application_stands_unless_a_scenario_is_about_it(tmp_path: Path) -> None:
    chat = ("--app", "chat:socketio", "--app-dir", str(APPS / "classes"), "--modes", "threading")
    assert measured(tmp_path / "run", *chat).returncode == 0
    trials = zip(read(tmp_path / "run").plan, read(tmp_path / "run").trials, strict=True)
    heartbeats = {planned.scenario: trial.server["ping_interval"] for planned, trial in trials}
    assert heartbeats["echo"] == 10
    assert heartbeats["disconnect"] < 10


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("nowhere:app", "nowhere cannot be imported: ModuleNotFoundError"),
        ("chat:socket", "chat has no socket; it has Any, Chat, ConnectionRefusedError, Flask"),
        ("chat:Chat", "chat:Chat is no SocketIO, no Flask application that has one"),
        ("broken:app", "broken cannot be imported: KeyError: 'SECRET_KEY' (broken.py, line 7)"),
        ("eager:app", "calls socketio.run() as it is imported"),
        ("json:dumps", "json:dumps() raises: TypeError"),
        ("math:pi", "math:pi is no SocketIO"),
        ("fixed:app", "fixed:app has async_mode='threading' in its code"),
    ],
)
def test_application_that_cannot_be_served_is_told_in_one_line(app: str, words: str) -> None:
    # In gunicorn's worker nothing that is raised would come out as one line.
    mode = "gunicorn-gevent" if app in ("broken:app", "fixed:app") else "threading"
    mode = "gevent" if app == "eager:app" else mode
    done = subprocess.run(
        [sys.executable, "-B", elsewhere.__file__, f"--app={app}", mode, "--port=0"],
        cwd=APPS / "classes",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert any(words in line for line in done.stderr.splitlines()), done.stderr
    assert '"ready"' not in done.stdout


def test_failure_of_an_application_is_the_reason_of_its_trials(tmp_path: Path) -> None:
    done = measured(
        tmp_path / "run",
        *("--app", "fixed:app", "--app-dir", str(APPS / "classes")),
        *("--modes", "gevent,threading", "--scenarios", "echo"),
    )
    assert done.returncode == 4
    reasons = {
        planned.mode: trial.reason
        for planned, trial in zip(
            read(tmp_path / "run").plan, read(tmp_path / "run").trials, strict=True
        )
    }
    assert "has async_mode='threading' in its code" in (reasons["gevent"] or "")
    broken = ("--app", "broken:app", "--app-dir", str(APPS / "classes"), "--modes", "threading")
    told = measured(tmp_path / "broken", *broken, "--scenarios", "echo")
    assert told.returncode == 2
    assert "KeyError" in told.stderr
    assert str(APPS) not in told.stderr
    assert reasons["threading"] is None


def test_what_an_application_has_forked_ends_with_its_server(tmp_path: Path) -> None:
    forking = ("--app", "forking:app", "--app-dir", str(APPS / "classes"), "--modes", "threading")
    done = measured(tmp_path / "run", *forking, "--scenarios", "echo")
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [path.read_text() for path in (tmp_path / "run" / "logs").glob("*server.log")]
    workers = [int(log.partition("with worker ")[2].split()[0]) for log in logs]
    assert workers
    assert not [pid for pid in workers if psutil.pid_exists(pid)]


def test_interpreter_is_found_from_wherever_servers_run(tmp_path: Path) -> None:
    """A path is from where the command was given, not from the application's folder."""
    (tmp_path / "environment").symlink_to(sys.prefix)
    where = os.path.relpath(tmp_path / "environment" / "bin" / "python", ROOT)
    chat = ("--app", "chat:app", "--app-dir", str(APPS / "classes"), "--modes", "threading")
    done = measured(tmp_path / "run", *chat, "--python", where, "--scenarios", "echo")
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_namespace_is_refused_in_one_line(tmp_path: Path) -> None:
    chat = ("--app", "chat:app", "--app-dir", str(APPS / "classes"), "--modes", "threading")
    done = measured(tmp_path / "run", *chat, "--namespace", "/chat")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "is measured in /transport-bench, unless [messages] say" in line


def test_interpreter_without_flask_socketio_is_told_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True
    )
    done = measured(
        tmp_path / "run",
        *("--app", "chat:app", "--app-dir", str(APPS / "classes")),
        *("--python", str(tmp_path / "bare" / "bin" / "python")),
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "has no Flask-SocketIO; run: pip install flask-socketio" in line


def test_both_sides_call_the_namespace_the_same() -> None:
    assert elsewhere.NAMESPACE == BESIDE_NAMESPACE


def test_interpreter_says_which_modes_it_serves() -> None:
    command = [sys.executable, "-B", elsewhere.__file__, elsewhere.MODES]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=APPS / "shop")
    assert json.loads(done.stdout)["gevent"] is None
