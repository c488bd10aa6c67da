"""docs/disconnect.md: made from results, whole, and never stale."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from loadtests.record.results import write
from loadtests.record.words import Cause
from reports.__main__ import main
from reports.facts.errors import ReportError
from reports.pages.disconnect import CHARTS, render
from reports.pages.exports import to_markdown
from reports.pages.html import to_html
from reports.pages.pictures import wanted
from reports.summary import Summary, summarise
from tests.unit.reports.builder import echo_trials
from tests.unit.reports.disconnect_builder import NO_CHROMIUM, Faults, disconnects


@pytest.fixture(scope="module")
def full() -> Summary:
    return summarise(disconnects())


@pytest.fixture(scope="module")
def page(full: Summary) -> str:
    return render([full], CHARTS)


def test_tables_of_the_page_have_as_many_cells_in_every_line(page: str) -> None:
    for block in page.split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_the_page_has_no_gaps(page: str) -> None:
    assert "\n\n\n" not in page
    assert "None" not in page
    assert page.endswith("\n")
    assert not page.endswith("\n\n")


def test_the_page_says_where_its_numbers_come_from(page: str) -> None:
    (line,) = [line for line in page.splitlines() if "clients went away; " in line]
    assert line.startswith("1,734 clients went away; 2025-01-02, AMD EPYC 7R13 Processor, 2 cores")
    assert "Python 3.11.7; flask-socketio 5.7.0, python-engineio 4.15.1" in line


def test_the_short_answer_is_that_of_the_librarys_own_heartbeat() -> None:
    quick = summarise(disconnects(sweep=(), server=False))
    defaults = summarise(disconnects(heartbeat=(25, 20), sweep=(), server=False))
    assert "At `ping_interval=25, ping_timeout=20`" in render([quick, defaults])
    assert "At `ping_interval=1, ping_timeout=1`" in render([quick])


def test_a_measurement_of_any_result_stands_before_a_prediction() -> None:
    quick = summarise(disconnects(sweep=(), server=False))
    defaults = summarise(disconnects(heartbeat=(25, 20), sweep=(), server=False))

    def line(*summaries: Summary) -> str:
        return next(line for line in render(summaries).splitlines() if line.startswith("| 25/20 "))

    assert "20 to 65 s, predicted" in line(quick)
    assert "predicted" not in line(quick, defaults)
    assert "measured: median" in line(quick, defaults)


def test_what_the_rules_do_not_explain_stands_with_the_numbers(page: str) -> None:
    assert "What the rules do not explain:" in page
    assert f"- tab (its browser tab is closed): {NO_CHROMIUM}" in page
    sound = render([summarise(disconnects(faults=Faults(), sweep=(), server=False))])
    assert "Every one of them was noticed once" in sound
    assert "What the rules do not explain" not in sound


def test_nothing_is_claimed_of_clients_without_a_rule() -> None:
    run = disconnects(faults=Faults(), sweep=(), server=False, causes=(Cause.CLOSE,))
    trials = [
        msgspec.structs.replace(
            trial,
            measurements=[
                msgspec.structs.replace(
                    one,
                    expected=None,
                    detections=[
                        msgspec.structs.replace(each, expected=None) for each in one.detections
                    ],
                )
                for one in trial.measurements
            ],
        )
        for trial in run.trials
    ]
    text = render([summarise(msgspec.structs.replace(run, trials=trials))])
    assert "Every one of them was noticed once" not in text


def test_predictions_in_the_prose_are_those_of_the_rule(page: str) -> None:
    assert "after 20 to 65 s at the library's defaults of 25 and 20" in " ".join(page.split())
    assert "it is 10 to 45 s, and more if others leave" in " ".join(page.split())


@pytest.mark.parametrize(
    "thread",
    [
        *(f"Flask-SocketIO/issues/{number}" for number in (785, 291, 114, 499, 442)),
        "python-socketio/issues/38",
        "python-engineio/pull/134",
        "python-engineio/issues/183",
    ],
)
def test_the_page_answers_the_known_threads(page: str, thread: str) -> None:
    assert f"https://github.com/miguelgrinberg/{thread}" in page


def test_every_limit_has_a_line_with_its_cost(page: str) -> None:
    part = page.partition("## What to set")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if re.match(r"\| \d+ s \|", line)]
    assert [line.split("|")[1].strip() for line in lines] == [
        *("5 s", "5 s", "10 s", "10 s", "30 s", "30 s", "60 s", "60 s")
    ]
    assert all(line.rstrip(" |").endswith(("%", "more than a process has")) for line in lines)


def test_hostile_text_stays_text(full: Summary) -> None:
    hostile = "<script>|a\nb"
    run = msgspec.structs.replace(
        full.result,
        experiment=full.result.experiment | {"name": hostile},
        environment={"cpu": hostile, "packages": {"gevent": hostile}},
    )
    text = render([summarise(run)])
    assert "<script>" not in text.replace("\\<script", "")
    assert "### \\<script\\>\\|a b: heartbeat 1/1 s" in text


def test_results_without_disconnects_are_an_error_with_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ReportError, match="--scenarios disconnect"):
        render([summarise(echo_trials(1.0))])
    write(echo_trials(1.0), tmp_path)
    assert main(["disconnect", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_command_writes_the_page_and_its_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = disconnects(modes=("gevent",), clients=4, sweep=(), server=False)
    write(run, tmp_path)
    out = tmp_path / "docs" / "disconnect.md"
    out.parent.mkdir()
    assert main(["disconnect", str(tmp_path), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    pictures = {path.stem for path in (out.parent / "images").iterdir()}
    assert pictures == {"disconnect-detection", "disconnect-phase", "disconnect-heartbeat"}
    text = out.read_text(encoding="utf-8")
    assert set(re.findall(r"\(images/([\w-]+)\.png\)", text)) == pictures
    assert text == render([summarise(run)], wanted([summarise(run)]))


def test_the_command_prints_the_page_if_it_is_to_go_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(disconnects(modes=("gevent",), clients=4, sweep=(), server=False), tmp_path)
    assert main(["disconnect", str(tmp_path / "result.json")]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# How long until `disconnect` fires?\n")
    assert "![" not in text


def test_a_missing_result_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["disconnect", str(tmp_path / "nowhere.json")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere.json" in line


def test_a_page_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = disconnects(modes=("gevent",), clients=4, sweep=(), server=False, causes=(Cause.CLOSE,))
    write(run, tmp_path)
    (tmp_path / "page.md").mkdir()
    assert main(["disconnect", str(tmp_path), "--out", str(tmp_path / "page.md")]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "page.md" in line


def test_the_report_has_the_tables_folded_and_every_metric_among_all_numbers(full: Summary) -> None:
    page = to_html(full, [])
    section = page.partition('<section id="disconnect"')[2].partition("</section>")[0]
    assert section.index("<details>") < section.index("How long until disconnect fires")
    assert "detection p50, s" not in section
    numbers = page.partition('<section id="numbers"')[2].partition("</section>")[0]
    assert "detection p50, s" in numbers
    text = to_markdown(full)
    every = text.index("<details><summary>Every metric")
    assert text.index("### How long until disconnect fires") < every
    assert every < text.index("## disconnect:close:busy")
    assert "<br>client disconnect; expected at once" in text
