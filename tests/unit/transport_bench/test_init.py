"""What init writes is an experiment that can be run, and a workflow that calls the gate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loadtests.record import command_line
from loadtests.run.experiment import load
from transport_bench import init
from transport_bench.applications import Found
from transport_bench.door import ROUTES
from transport_bench.written import EXPERIMENT, WORKFLOW, Served, experiment, workflow

ABLE = {"gevent": None, "eventlet": "not installed", "threading": None}
TEMPLATE = init.TEMPLATE.read_text(encoding="utf-8")
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


def test_without_one_it_is_the_active_interpreter_under_a_name_that_holds_elsewhere_too(
    folder: Path,
) -> None:
    assert called() == 0
    assert {each.python for each in load(EXPERIMENT).subject} == {"python"}


def test_where_that_can_serve_nothing_ours_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "modes_of", lambda each: {} if each == "python" else ABLE)
    assert called() == 0
    assert {each.python for each in load(EXPERIMENT).subject} == {None}


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


@pytest.mark.parametrize(
    ("python", "installed"),
    [
        (None, ['python -m pip install "$TRANSPORT_BENCH" -r "$LOCK"']),
        ("python", ['pipx install "$TRANSPORT_BENCH"', 'python -m pip install -r "$LOCK"']),
        (
            "env/bin/python",
            [
                'pipx install "$TRANSPORT_BENCH"',
                "python -m venv env",
                'env/bin/python -m pip install -r "$LOCK"',
            ],
        ),
    ],
)
def test_the_workflow_puts_packages_where_the_experiment_looks_for_them(
    python: str | None, installed: list[str]
) -> None:
    text = workflow(TEMPLATE, Served(Found(".", "app:app"), ["gevent"], python), "lock.txt")
    assert "@" not in re.sub(r"(actions/|transport-bench)[\w-]*@", "", text)
    steps = re.findall(r"- run: \|\n((?: {10}.*\n)+)", text)
    assert [[line.strip() for line in step.splitlines()] for step in steps] == [installed] * 2
    assert "  LOCK: lock.txt\n" in text


def test_the_workflow_calls_commands_with_options_that_they_have(folder: Path) -> None:
    assert called() == 0
    text = (folder / WORKFLOW).read_text(encoding="utf-8")
    calls = re.findall(r"transport-bench (gate|run) (.*(?:\n {10}--.*)*)", text)
    assert [name for name, _ in calls] == ["gate", "run"]
    for name, words in calls:
        command = ROUTES[name].command()
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(--[a-z-]+)", words)) <= known
        assert words.startswith(EXPERIMENT)
