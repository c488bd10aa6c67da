"""``python -m loadtests``: exit codes, and one line for what is wrong."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from loadtests import __main__ as cli
from loadtests.record.results import FILE_NAME, FORMAT, Result, Trial
from loadtests.record.words import Status
from loadtests.run.experiment import load


@pytest.fixture(autouse=True)
def _signals_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)


@pytest.fixture(autouse=True)
def _nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a run began")

    monkeypatch.setattr(cli, "Run", refuse)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["quik"], "unknown profile 'quik'; did you mean quick?"),
        (["gone.toml"], "gone.toml: cannot be read"),
        (["quick", "--modes", "geven"], "unknown mode 'geven'; did you mean gevent?"),
        (["quick", "--transports", "sse"], "unknown transport 'sse'"),
        (["quick", "--scenarios", "ecko"], "unknown scenario 'ecko'"),
        (["quick", "--label", "mine"], "--label names the server of --url"),
        (["quick", "--url", "http://127.0.0.1:1", "--modes", "gevent"], "--modes starts servers"),
        (["quick", "--url", "ftp://127.0.0.1"], "expected http://HOST:PORT"),
    ],
)
def test_wrong_call_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert cli.main(["run", *arguments]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("python -m loadtests: ")
    assert words in printed
    assert printed.count("\n") == 1


def test_folder_that_holds_a_run_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE_NAME).write_text("{}", encoding="utf-8")
    assert cli.main(["run", "quick", "--out", str(tmp_path)]) == 2
    assert "holds a run already; choose another folder" in capsys.readouterr().err


def test_list_without_a_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", "quick", "--modes", " , "])
    assert caught.value.code == 2
    assert "no name given" in capsys.readouterr().err


def test_names_are_cut_at_commas() -> None:
    options = cli.parser().parse_args(["run", "quick", "--scenarios", " echo,broadcast ,"])
    assert options.scenarios == ["echo", "broadcast"]


@pytest.mark.parametrize(
    ("statuses", "ended", "code"),
    [
        ([Status.OK, Status.OK], "complete", 0),
        ([Status.OK, Status.UNAVAILABLE], "complete", 0),
        ([Status.OK, Status.FAILED], "complete", 4),
        ([Status.OK], "interrupted", 4),
    ],
)
def test_exit_code_says_whether_a_measurement_is_missing(
    statuses: list[Status], ended: str, code: int
) -> None:
    trials = [Trial(number, status) for number, status in enumerate(statuses)]
    result = Result(FORMAT, "0", "", ended, 1.0, {}, {}, [], trials)
    assert code == cli._exit_code(result)


def test_new_run_is_the_latest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "RUNS", tmp_path / "runs")
    folder = cli._new_folder(None, load("quick"))
    assert folder.name.endswith("-quick")
    assert folder == (tmp_path / "runs" / "latest").resolve()


def test_run_elsewhere_is_not_the_latest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "RUNS", tmp_path / "runs")
    folder = cli._new_folder(tmp_path / "deep" / "mine", load("quick"))
    assert folder.is_dir()
    assert not (tmp_path / "runs").exists()
