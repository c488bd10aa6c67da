"""``python -m loadtests``: exit codes, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests import __main__ as cli
from loadtests.record.results import FILE_NAME, FORMAT, Result, Trial
from loadtests.record.words import Status
from loadtests.run.experiment import load


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
        (["quick", "--url", "http://me:secret@127.0.0.1"], "a user or a password (an @)"),
        (["quick", "--url", "http://me:secret@[::1"], "a user or a password (an @)"),
        (["quick", "--url", "nowhere:5000"], "--url nowhere:5000: expected http://HOST:PORT"),
        (["quick", "--url", "http://h?a=secret"], "parameters are given by --query"),
        (["quick", "--header", "X secret"], "--header: expected NAME:VALUE"),
        (["quick", "--auth", "secret"], "--auth: no JSON"),
        (
            ["full", "--url", "http://127.0.0.1:1", "--scenarios", "disconnect"],
            "disconnect can be measured only against servers of ours",
        ),
        (["quick", "--path", "/live"], "path (--path, or in [target]) is for a server of --url"),
        (["quick", "--insecure"], "insecure (--insecure, or in [target]) is for a server of --url"),
        (["quick", "--namespace", "chat", "--url", "http://127.0.0.1:1"], "namespace 'chat'"),
        (["quick", "--ca-file", "/no.pem", "--url", "https://127.0.0.1:1"], "ca_file /no.pem"),
        (["quick", "--out", "/proc/nowhere/run"], "/proc/nowhere"),
        (["."], "unknown profile '.'"),
        ([""], "unknown profile ''"),
        (["\x1b[31m.toml"], "?[31m.toml: cannot be read"),
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
    assert "secret" not in printed
    assert printed.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "python -m loadtests: Missing command. See --help."),
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run"], "python -m loadtests run: Missing argument 'EXPERIMENT'."),
        (["run", "quick", "--mods", "gevent"], "No such option '--mods'. Did you mean '--modes'?"),
        (["run", "quick", "--modes", " , "], "'--modes': no name is given."),
        (["run", "quick", "--out", "a", "--out=b"], "--out is given 2 times."),
        (["run", "quick", "--label", "a/b"], "'--label': 'a/b' cannot name a file"),
        (["run", "quick", "slow"], "unexpected extra argument (slow)"),
        (["calibrate", "--rounds", "0"], "python -m loadtests calibrate: Invalid value"),
        (["bench-client", "--markdwn", "x"], "Did you mean '--markdown'?"),
    ],
)
def test_wrong_words_are_one_line_that_names_the_help(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert printed.err.endswith(" See --help.\n")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("command", [[], ["run"], ["calibrate"], ["bench-client"]])
def test_help_is_printed_and_fine(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert cli.main([*command, "--help"]) == 0
    usage = " ".join(["Usage: python -m loadtests", *command])
    assert capsys.readouterr().out.startswith(usage)


def test_folder_that_holds_a_run_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE_NAME).write_text("{}", encoding="utf-8")
    assert cli.main(["run", "quick", "--out", str(tmp_path)]) == 2
    assert "holds a run already; choose another folder" in capsys.readouterr().err


def test_folder_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for out in (file, file / "run"):
        assert cli.main(["run", "quick", "--out", str(out)]) == 2
        printed = capsys.readouterr().err
        assert str(file) in printed
        assert printed.count("\n") == 1


def test_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # to root nothing is forbidden
    assert cli.main(["run", "quick", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path}: cannot be written to" in capsys.readouterr().err


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


def test_a_run_without_its_report_says_what_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(*_: Any, **__: Any) -> Result:
        return Result(FORMAT, "0", "", "complete", 1.0, {}, {}, [], [])

    def refuse(*_: Any) -> int:
        raise AssertionError("a report was made")

    monkeypatch.setattr(cli, "_measured", measured)
    monkeypatch.setattr(cli, "_report", refuse)
    folder = tmp_path / "run"
    assert cli.main(["run", "quick", "--beside", "--no-report", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said == f"{folder / FILE_NAME}; its report: python -m reports build {folder}\n"
