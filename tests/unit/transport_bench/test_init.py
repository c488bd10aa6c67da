"""What init writes is an experiment that can be run, and a workflow that calls the gate."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from loadtests.record import command_line
from loadtests.run.experiment import load
from tests.support.repositories import Repository
from transport_bench import init
from transport_bench.applications import Found
from transport_bench.written import EXPERIMENT, WORKFLOW, Served, experiment

APP = "from flask_socketio import SocketIO\nsocketio = SocketIO(app)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an application is, and where the user is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        init, "modes_of", lambda _: {"gevent": None, "eventlet": "no", "threading": None}
    )
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    return tmp_path


def called(*arguments: str) -> int:
    return command_line.run(init.command, "transport-bench init", arguments)


def test_the_experiment_measures_the_application_in_each_mode_it_can_be_served_in(
    folder: Path,
) -> None:
    assert called() == 0
    written = load(str(folder / EXPERIMENT))
    assert [(each.mode, each.app) for each in written.subject] == [
        ("gevent", "app:socketio"),
        ("threading", "app:socketio"),
    ]
    assert written.scenarios == load("quick").scenarios


def test_an_environment_beside_the_application_serves_it(folder: Path) -> None:
    python = folder / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    assert called() == 0
    assert {each.python for each in load(EXPERIMENT).subject} == {"venv/bin/python"}
    assert "python -m venv venv" in (folder / WORKFLOW).read_text(encoding="utf-8")


def test_what_is_there_is_not_written_over_unless_it_is_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / WORKFLOW).parent.mkdir(parents=True)
    (folder / WORKFLOW).write_text("mine", encoding="utf-8")
    assert called() == 2
    assert "is there already; --force writes over it" in capsys.readouterr().err
    assert not (folder / EXPERIMENT).exists()
    assert called("--force") == 0
    assert "mine" not in (folder / WORKFLOW).read_text(encoding="utf-8")


def test_of_several_applications_one_is_to_be_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "admin.py").write_text(APP, encoding="utf-8")
    assert called() == 2
    assert "2 applications: admin:socketio, app:socketio; choose" in capsys.readouterr().err
    assert called("--app", "admin:socketio") == 0
    assert {each.app for each in load(EXPERIMENT).subject} == {"admin:socketio"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["empty"], "no Flask-SocketIO application found in empty"),
        (["nowhere"], "nowhere: no such folder"),
        (["app.py"], "app.py: no such folder"),
        (["--app", "shop"], "--app 'shop': give MODULE:OBJECT"),
    ],
)
def test_a_wrong_call_is_one_line_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (folder / "empty").mkdir()
    assert called(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("transport-bench init: ")
    assert words in said
    assert said.count("\n") == 1
    assert not (folder / EXPERIMENT).exists()


def test_a_path_with_quotes_is_a_path_in_the_experiment_too(folder: Path) -> None:
    odd = folder / 'a "b" \\ c'
    odd.mkdir()
    served = Served(Found(odd.name, "app:socketio"), ["gevent"], None)
    (folder / "odd.toml").write_text(
        experiment(served, "[curve]\nrates_hz = [1000]\nseconds = 1\n"), encoding="utf-8"
    )
    assert load("odd.toml").subject[0].folder == odd.name


def gate_step(workflow: Path) -> str:
    """The shell's words of the step that calls the gate."""
    lines = workflow.read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.strip() == "run: |") + 1
    deeper = lines[begin:]
    block = deeper[: next(n for n, line in enumerate(deeper) if not line.startswith(" " * 10))]
    return textwrap.dedent("\n".join(block))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_workflow_has_the_gate_compare_what_serves_and_nothing_else(
    folder: Path, tmp_path: Path
) -> None:
    lock = folder / "requirements.txt"
    lock.write_text("flask==3.1.0\nGevent==26.8.0  # fast\npsycopg==3.1\n", encoding="utf-8")
    assert called() == 0
    repository = Repository(folder)
    repository.git("init", "-q")
    base = repository.commit("base")
    stub = tmp_path / "bin" / "transport-bench"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    stub.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{stub.parent}:{os.environ['PATH']}",
        "BASE": base,
        "LOCK": lock.name,
    }

    def step() -> str:
        # As GitHub calls it where no shell is named.
        command = ["bash", "-e", "-c", gate_step(folder / WORKFLOW)]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    lock.write_text("flask==3.1.0\ngevent==26.9.0\n", encoding="utf-8")
    said = step()
    assert said.splitlines()[:4] == ["gate", "ci", "--modes", "gevent,threading"]
    assert "--base-requires\nGevent==26.8.0\n" in said
    assert "--head-requires\ngevent==26.9.0\n" in said
    assert "psycopg" not in said
    lock.write_text("flask==3.1.0\nGevent==26.8.0\npsycopg==3.2\n", encoding="utf-8")
    assert step() == "what serves is pinned as it was\n"
