"""docs/answers.md: every question has all of its numbers, or the page is not written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from loadtests.record.results import PlannedTrial, Result, Trial, read, write
from loadtests.record.words import Transport
from loadtests.scenarios.registry import metrics_of
from reports.__main__ import main
from reports.facts.errors import ReportError
from reports.pages.answers import questions, render
from reports.summary import summarise
from tests.unit.reports.builder import measurement, planned, ran, result


def run(
    without: tuple[str, str] = ("", ""), invalid: Mapping[str, str] = {}, blocks: int = 2
) -> Result:
    """A result that answers all questions but, maybe, one."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for asked in questions():
        for column in asked.columns:
            wanted[column.row].add(column.metric)
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for block in range(blocks):
        for row, metrics in wanted.items():
            number = len(plan)
            plan.append(planned(number, row, "gevent", Transport.POLLING, block))
            numbers: dict[str, float | None] = dict.fromkeys(metrics, 40.0 + block)
            if row == without[0]:
                numbers[without[1]] = None
            made = measurement(row, **numbers)
            doubts = {name: why for name, why in invalid.items() if name in numbers}
            trials.append(ran(number, msgspec.structs.replace(made, invalid=doubts)))
    return result(plan, trials)


def test_questions_ask_for_numbers_that_there_are() -> None:
    for asked in questions():
        for column in asked.columns:
            assert column.metric in metrics_of(column.row), column


def test_numbers_stand_under_their_heads_with_intervals() -> None:
    text = render([summarise(run())])
    for asked in questions():
        assert f"## {asked.question}\n" in text
    assert "[Flask-SocketIO#859](https://github.com/miguelgrinberg/Flask-SocketIO/" in text
    assert "| gevent × polling | 40.5 (40, 41) |" in text
    three = render([summarise(run(blocks=3))])
    assert "| gevent × polling | 41 \\[38.5, 43.5\\] |" in three
    assert "None" not in text
    assert "\n\n\n" not in text


def test_a_missing_number_is_an_error_that_names_it() -> None:
    lacks = run(("avalanche", "back_p95"))
    with pytest.raises(ReportError, match=r"redeploy.*avalanche\.back_p95 of gevent"):
        render([summarise(lacks)])


def test_another_result_answers_what_the_first_cannot() -> None:
    assert render([summarise(run(("avalanche", "back_p95"))), summarise(run())])


def test_result_with_more_trials_answers() -> None:
    one, three = summarise(run(blocks=1)), summarise(run(blocks=3))
    assert render([one, three]).count("41 \\[38.5, 43.5\\]") == render([three]).count("41 \\[38.5")


def test_a_number_that_is_not_to_be_trusted_says_so_and_why() -> None:
    text = render([summarise(run(invalid={"given_up": "the clock went backwards"}))])
    assert "(invalid)" in text
    assert "given up after, s: 2 of 2 trials invalid: the clock went backwards" in text


def test_the_command_writes_the_page_or_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(run(), tmp_path)
    out = tmp_path / "answers.md"
    assert main(["answers", str(tmp_path), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == render([summarise(read(tmp_path))])
    (tmp_path / "other").mkdir()
    write(run(("burst:18", "answered")), tmp_path / "other")
    capsys.readouterr()
    assert main(["answers", str(tmp_path / "other")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "burst:18.answered" in line
