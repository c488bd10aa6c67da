"""``python -m reports``: files, exit codes, and one line for what is wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from loadtests.record.exits import Exit
from loadtests.record.results import read, write
from reports.__main__ import main
from tests.support import ROOT
from tests.unit.reports.builder import failed, measurement, planned, ran, result
from tests.unit.reports.matrix import realistic

STORED = ROOT / "tests" / "data" / "result-quick.json"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a single chart, since drawing is what takes time."""
    write(realistic(blocks=1, scenarios=("disconnect",)), tmp_path)
    return tmp_path


def test_the_stored_result_says_that_it_was_measured_nowhere() -> None:
    assert "synthetic" in read(STORED).experiment["description"]


def test_build_writes_every_file_and_prints_the_page_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path
    shutil.copy(STORED, run / "result.json")
    assert main(["build", str(run)]) == 0
    written = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert written >= {"index.html", "summary.csv", "summary.json", "summary.md"}
    assert sum(name.endswith(".svg") for name in written) == 6
    assert sum(name.endswith(".png") for name in written) == 6
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[2] == "Over WebSocket"
    assert lines.index("In short") < lines.index("Before a number is quoted") < len(lines) - 1
    assert lines[-1] == str(run / "index.html")


def test_build_takes_the_file_too_and_is_quiet_when_asked(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(run / "result.json"), "--quiet"]) == 0
    assert capsys.readouterr().out == f"{run / 'index.html'}\n"


def test_build_holds_the_others_against_the_mode_that_is_asked_for(run: Path) -> None:
    assert main(["build", str(run), "--quiet", "--reference", "gevent"]) == 0
    assert "Coming from gevent" in (run / "index.html").read_text(encoding="utf-8")


def test_a_reference_that_the_run_does_not_have_is_one_line_that_names_what_it_has(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = wrong(["build", str(run), "--reference", "tornado"], capsys)
    assert "--reference tornado: the run has no such mode" in line
    assert "eventlet, gevent, threading" in line
    assert not (run / "index.html").exists()


def test_the_same_result_makes_the_same_files(run: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in run.rglob("*") if path.is_file()}

    main(["build", str(run), "--quiet"])
    first = contents()
    main(["build", str(run), "--quiet"])
    assert contents() == first


def test_a_failed_row_is_four_and_the_report_is_written(tmp_path: Path) -> None:
    write(result([planned(0, "disconnect")], [failed(0)]), tmp_path)
    assert main(["build", str(tmp_path), "--quiet"]) == 4
    assert (tmp_path / "index.html").exists()


def test_an_invalid_row_alone_is_no_failure(tmp_path: Path) -> None:
    doubtful = msgspec.structs.replace(measurement("echo"), invalid={"latency_p50": "why"})
    write(result([planned(0)], [ran(0, doubtful)]), tmp_path)
    assert main(["build", str(tmp_path), "--quiet"]) == 0


def test_an_interrupted_run_is_four_and_the_report_is_written(run: Path) -> None:
    write(msgspec.structs.replace(read(run), ended="interrupted"), run)
    assert main(["build", str(run), "--quiet"]) == 4
    assert (run / "index.html").exists()


def wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str], expected: Exit = Exit.WRONG_CALL
) -> str:
    """Run a call that must fail with this code and one line; the line."""
    code = main(arguments)
    captured = capsys.readouterr()
    assert code == expected
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert "Traceback" not in line
    return line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not a result file"),
        (b"{", "not a result file"),
        (b"[1, 2]", "not a result file"),
        (b"\xff\xfe\x00", "not a result file"),
        (b'{"format": "\xff"}', "not a result file"),
        (b"{}", "format is None"),
        (b'{"format": "transport-bench/99"}', "'transport-bench/99'"),
        (b'{"format": "transport-bench/1"}', "not a result file"),
    ],
)
def test_a_file_that_is_none_is_one_line(
    content: bytes, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "result.json").write_bytes(content)
    line = wrong(["build", str(tmp_path)], capsys)
    assert expected in line
    assert str(tmp_path) in line


def test_a_missing_file_is_one_line_with_its_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(tmp_path / "nowhere") in wrong(["build", str(tmp_path / "nowhere")], capsys)


def test_a_folder_without_a_result_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "result.json" in wrong(["build", str(tmp_path)], capsys)


def test_a_result_that_plans_nothing_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(result([], []), tmp_path)
    assert "plans no trial" in wrong(["build", str(tmp_path)], capsys)


def test_a_damaged_histogram_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = msgspec.structs.replace(measurement("echo"), distributions={"latency": "x"})
    write(result([planned(0)], [ran(0, broken)]), tmp_path)
    assert "not an HdrHistogram" in wrong(["build", str(tmp_path)], capsys)


def test_a_folder_that_cannot_be_written_to_is_one_line(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "summary.csv").mkdir()
    assert "summary.csv" in wrong(["build", str(run)], capsys, Exit.FAILED)


def test_an_interrupted_build_is_four_and_one_line(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reports.__main__.summarise", interrupted)
    assert main(["build", str(run)]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "python -m reports: interrupted; run it again\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["bulid", "x"],
        ["build", "x", "--loud"],
        ["build", "x", "y"],
        ["disconnect"],
        ["disconnect", "x", "--out", "y", "--out", "z"],
    ],
)
def test_a_wrong_call_is_one_line_that_names_the_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--help" in wrong(arguments, capsys)


def test_the_module_can_be_called(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reports", "build", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_reports_load_nothing_that_measures() -> None:
    code = (
        "import sys; from reports.__main__ import main; main(['build', sys.argv[1], '--quiet'])\n"
        "import reports.build, reports.pages.terminal\n"
        "bad = {'locust', 'gevent', 'eventlet', 'servers'} & set(sys.modules)\n"
        "own = {m for m in sys.modules if m.startswith('loadtests.')}\n"
        "print(sorted(bad), sorted(own))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "/nowhere"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().startswith("[] ")


def test_without_a_run_the_latest_is_built_and_where_there_is_none_that_is_said(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from reports import __main__ as door

    [parameter] = [each for each in door.cli.commands["build"].params if each.name == "run"]
    monkeypatch.setattr(door, "RUNS", run / "runs")
    monkeypatch.setattr(parameter, "default", run / "runs" / "latest")
    assert main(["build"]) == 2
    assert "there is no run in" in capsys.readouterr().err
    (run / "runs").mkdir()
    (run / "runs" / "latest").symlink_to(run)
    assert main(["build", "--quiet"]) == 0
    assert capsys.readouterr().out == f"{run / 'runs' / 'latest' / 'index.html'}\n"
