"""What an arm asks for, what is told of it, and what stands for it in a run."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from loadtests.run.arm import Arm, without_password
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import parse
from loadtests.run.plan import plan
from loadtests.run.runner import Run, _told
from loadtests.run.subjects import Subject
from servers.modes import Mode

EXPERIMENT = parse(
    """\
name = "mine"
modes = ["gevent"]
transports = ["websocket"]
[echo]
clients = 2
rate_hz = 10
latency_s = 1
throughput_s = 1
[head]
environment = { API_KEY = "hunter2" }
requires = ["six @ https://me:hunter2@example.org/six.whl"]
""",
    "mine.toml",
)


def test_values_of_variables_are_told_to_nobody() -> None:
    told = str(_told(EXPERIMENT))
    assert "API_KEY" in told
    assert "hunter2" not in told


def test_values_of_variables_are_in_no_result(tmp_path: Path) -> None:
    Run(EXPERIMENT, tmp_path, ProcessExecutor(EXPERIMENT, tmp_path))._write("running")
    written = (tmp_path / "result.json").read_text(encoding="utf-8")
    assert "API_KEY" in written
    assert "hunter2" not in written


def test_arm_with_nothing_to_hide_is_told_as_it_is() -> None:
    arm = Arm(ref="main", requires=["python-engineio==4.12.3"], mode="gevent")
    assert arm.unsaid() == arm
    assert msgspec.convert(msgspec.to_builtins(arm), Arm) == arm


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("a @ https://me:secret@host/a.whl", "a @ https://(hidden)@host/a.whl"),
        ("a @ https://host/a@1.whl", "a @ https://host/a@1.whl"),
        ("a==1", "a==1"),
    ],
)
def test_password_in_an_address_is_hidden(requirement: str, told: str) -> None:
    assert without_password(requirement) == told


@pytest.mark.parametrize(
    ("command", "lack"),
    [
        ((sys.executable, "-m", "servers"), "not installed"),
        (("/elsewhere/bin/python", "-m", "servers"), None),
    ],
)
def test_packages_of_another_interpreter_are_not_asked_of_ours(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    lack: str | None,
) -> None:
    monkeypatch.setattr(Mode, "missing", lambda _: "not installed")
    subjects = {"gevent": Subject(command=command)}
    executor = ProcessExecutor(EXPERIMENT, tmp_path, subjects=subjects)
    assert executor.lack(plan(EXPERIMENT)[0]) == lack
