"""A report that cannot be written: what was there stays, and one line says which file it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from loadtests.record.results import FILE_NAME, read, write
from reports.build import build
from reports.facts.errors import WriteError
from reports.sections.drawn import draw_all
from reports.summary import summarise
from tests.support.disk import at_most
from tests.unit.reports.matrix import realistic

RESULT = realistic(blocks=1, scenarios=("disconnect",))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a single chart, since drawing is what takes time."""
    folder = tmp_path / "run"
    folder.mkdir()
    write(RESULT, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_disk_that_fills_is_told_by_the_file_that_had_no_room(run: Path) -> None:
    # The page is the last and, with these words, the largest.
    words = {**RESULT.experiment, "description": "x" * 1_000_000}
    summary = summarise(msgspec.structs.replace(RESULT, experiment=words))
    build(summary, run)
    sizes = {name: len(content) for name, content in contents(run).items() if name != FILE_NAME}
    for name in ("summary.csv", "charts/disconnect-detection.png", "index.html"):
        for other in sizes:
            (run / other).unlink(missing_ok=True)
        with at_most(sizes[name] - 1), pytest.raises(WriteError) as caught:
            build(summary, run)
        assert str(caught.value) == (
            f"{run / name} cannot be written: File too large; "
            f"when it can be: python -m reports build {run}"
        )
        assert name not in contents(run)
        assert read(run) == RESULT


def test_earlier_report_is_whole_when_there_is_no_room_for_the_next(run: Path) -> None:
    build(summarise(RESULT), run)
    before = contents(run)
    with at_most(100), pytest.raises(WriteError):
        build(summarise(RESULT), run)
    assert before == contents(run)


def test_folder_that_vanishes_does_not_come_back_without_its_result(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(summary):
        shutil.rmtree(run)
        return draw_all(summary)

    monkeypatch.setattr("reports.build.draw_all", meanwhile)
    with pytest.raises(WriteError, match=r"charts/.* cannot be written: No such file or directory"):
        build(summarise(RESULT), run)
    assert not run.exists()


def test_tables_are_there_where_the_charts_have_no_folder(run: Path) -> None:
    (run / "charts").write_text("not a folder")
    with pytest.raises(WriteError, match=r"charts.*File exists"):
        build(summarise(RESULT), run)
    assert {FILE_NAME, "summary.csv", "summary.json", "summary.md", "charts"} == set(contents(run))
