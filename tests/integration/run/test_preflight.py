"""Applications that cannot be served are told before anything is measured."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.integration.run.test_apps import APPS
from tests.support.measuring import TINY, loadtests

CLASSES = ("--app-dir", str(APPS / "classes"))


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("nowhere:app", "nowhere cannot be imported: ModuleNotFoundError"),
        ("chat:nothing", "chat has no nothing"),
        ("eager:app", "calls socketio.run() as it is imported"),
    ],
)
def test_application_that_is_none_is_a_wrong_call(tmp_path: Path, app: str, words: str) -> None:
    told = ("--app", app, *CLASSES, "--modes", "threading", "--beside")
    done = loadtests("run", str(TINY), "--out", str(tmp_path / "run"), *told)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert words in line
    assert "its log" not in line
    assert not (tmp_path / "run").exists()


def test_mode_that_the_code_does_not_allow_is_left_out_unless_it_was_asked_for(
    tmp_path: Path,
) -> None:
    told = ("--app", "fixed:app", *CLASSES, "--scenarios", "echo", "--transports", "websocket")
    done = loadtests("run", str(TINY), "--out", str(tmp_path / "run"), *told, "--beside")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("left out: fixed:app has async_mode='threading' in its code") == 2
    with (tmp_path / "run" / "summary.csv").open(encoding="utf-8", newline="") as file:
        assert {row["mode"] for row in csv.DictReader(file)} == {"threading"}
