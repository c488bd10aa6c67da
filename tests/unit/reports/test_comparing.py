"""``python -m reports compare`` and ``gate``: files, exit codes, and what GitHub is given."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from junitparser import JUnitXml

from loadtests.record import gate as gates
from loadtests.record.results import write
from reports.__main__ import main
from tests.support import ROOT
from tests.unit.reports.builder import cells
from tests.unit.reports.gate_builder import compared, gate, regression

STORED = ROOT / "tests" / "data" / "result-quick.json"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where these tests run on GitHub, they do not speak to it."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Two run folders, the head's slower."""
    folders = tmp_path / "base", tmp_path / "head"
    for folder, numbers in zip(folders, ((1.0, 1.01), (1.3, 1.31)), strict=True):
        folder.mkdir()
        write(cells("latency_p50", gevent=numbers), folder)
    return folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a gate that found a regression."""
    gates.write(regression(), tmp_path)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# compare


def test_compare_writes_beside_head_and_prints_the_page_last(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    base, head = runs
    assert main(["compare", str(base), str(head)]) == 0  # advice, whatever got slower
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(head / "compare" / "index.html")
    assert lines[-2].startswith("1 slower of ")
    assert names(head / "compare") == {"index.html", "compare.md", "compare.json"}


def test_compare_takes_files_and_makes_the_folder_that_it_is_given(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "b"
    files = [str(run / "result.json") for run in runs]
    assert main(["compare", *files, "--out", str(out)]) == 0
    assert json.loads((out / "compare.json").read_text(encoding="utf-8"))["changes"]
    assert not (runs[1] / "compare").exists()


def test_the_stored_result_against_itself_did_not_move(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(STORED), str(STORED), "--out", str(tmp_path)]) == 0
    assert "Nothing moved of " in capsys.readouterr().out


def test_the_same_two_runs_make_the_same_files(runs: tuple[Path, Path]) -> None:
    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (runs[1] / "compare").iterdir()}

    main(["compare", *map(str, runs)])
    before = contents()
    main(["compare", *map(str, runs)])
    assert contents() == before


@pytest.mark.parametrize("broken", [0, 1])
def test_a_file_that_is_no_result_is_one_line_and_two(
    runs: tuple[Path, Path], broken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs[broken] / "result.json").write_text('{"format": "transport-bench/1", "tr')
    assert main(["compare", *map(str, runs)]) == 2
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 1
    assert str(runs[broken] / "result.json") in printed.err
    assert not (runs[1] / "compare").exists()


def test_a_folder_without_a_run_and_a_missing_argument_are_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert main(["compare", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_page_that_cannot_be_written_is_four(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = runs[0] / "result.json" / "below"
    assert main(["compare", *map(str, runs), "--out", str(out)]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1


# gate


def test_gate_writes_all_beside_its_file_and_ends_with_nothing_of_the_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gate", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(folder / "index.html")
    assert lines[-2].startswith("Regression: ")
    assert names(folder) == {
        "gate.json",
        "gate.md",
        "junit.xml",
        "smaller-is-better.json",
        "bigger-is-better.json",
        "index.html",
    }
    assert JUnitXml.fromfile(str(folder / "junit.xml")).failures == 4
    assert (folder / "gate.md").read_text(encoding="utf-8").startswith("**Regression**: ")


def test_gate_takes_the_file_too_and_is_quiet_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gate", str(folder / "gate.json"), "--quiet"]) == 0
    assert capsys.readouterr().out == f"{folder / 'index.html'}\n"


def test_on_github_the_summary_grows_and_one_line_is_printed(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["gate", str(folder), "--quiet"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert len(told) == 1
    assert told[0].startswith("::error title=")
    markdown = (folder / "gate.md").read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8") == f"before\n{markdown}"


def test_a_summary_that_cannot_be_written_is_four_and_the_files_are_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "none" / "summary.md"))
    assert main(["gate", str(folder), "--quiet"]) == 4
    assert "GITHUB_STEP_SUMMARY" in capsys.readouterr().err
    assert "index.html" in names(folder)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '{"format": "transport-bench/1"}',
        '{"format": "transport-bench-gate/1"}',
        "[]",
        "",
    ],
)
def test_a_file_that_is_no_gate_is_one_line_and_two(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gate.json").write_text(content, encoding="utf-8")
    assert main(["gate", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert names(tmp_path) == {"gate.json"}


def test_a_metric_that_nobody_knows_is_one_line_and_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gates.write(gate(compared(metric="nothing")), tmp_path)
    assert main(["gate", str(tmp_path)]) == 2
    assert "echo.nothing" in capsys.readouterr().err
    assert names(tmp_path) == {"gate.json"}


def test_a_folder_without_a_gate_is_two(tmp_path: Path) -> None:
    assert main(["gate", str(tmp_path)]) == 2
    assert main(["gate", str(tmp_path / "none")]) == 2


def test_a_gate_keeps_what_it_does_not_tell(tmp_path: Path) -> None:
    gates.write(regression(), tmp_path)
    found = gates.read(tmp_path)
    assert found == regression()
    older = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))
    for comparison in older["comparisons"]:
        del comparison["base"], comparison["head"]
    (tmp_path / "gate.json").write_text(json.dumps(older), encoding="utf-8")
    again = gates.read(tmp_path)
    assert {one.head for one in again.comparisons} == {None}
    assert msgspec.structs.replace(again, comparisons=[]) == msgspec.structs.replace(
        found, comparisons=[]
    )
