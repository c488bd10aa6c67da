"""Advice on the command line and in the page: errors are one line, and no text is believed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest

from loadtests.record.results import Result, read, write
from reports.__main__ import main
from reports.facts.run import facts_of
from reports.pages.advise import form_of
from reports.pages.html import to_html
from reports.summary import summarise
from tests.support import ROOT
from tests.unit.reports.builder import cells, planned, ran, result

STORED = ROOT / "docs" / "results" / "workloads.json"
HOSTILE = "</script><script>alert(1)</script><!--\u2028"
LOAD = "--clients 500 --echo-rate 2 --broadcast-rate 5 --p99 100ms"
ALL = f"{LOAD} --detect-within 10s".split()


def hostile() -> Result:
    found = cells("latency_p99", **{HOSTILE: (1.0, 1.0)})
    return msgspec.structs.replace(found, experiment={"echo": {"clients": 5, "rate_hz": 10}})


def test_it_says_what_each_cell_bears_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(STORED), *ALL]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Asked: 500 clients at the same time; 2 echoes a second of each, 1,000")
    assert "\ngevent × polling\n" in out
    assert re.search(r"\n  Echo: not met\. Its p99 is \d+ ms .* beyond the limit\.\n", out)
    assert "[curve]\nclients = 500\nrates_hz = [1000]\n" in out


def test_it_says_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(STORED), *ALL, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"asked", "cells", "in_sum", "notes", "measure"} == set(document)
    [found] = [
        each
        for each in document["cells"]
        if (each["mode"], each["transport"]) == ("gevent", "polling")
    ]
    assert found["decision"] == "not met"
    assert [each["need"] for each in found["needs"]] == [
        "clients",
        "echo",
        "broadcast",
        "silent",
        "together",
    ]
    assert {"need", "decision", "grounds", "text"} == set(found["needs"][0])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("", "--clients"),
        ("--clients 0", "--clients"),
        ("--clients 1.5", "--clients"),
        ("--clients 5 --echo-rate nan --p99 1s", "'nan' is no number from 0.02 to 10,000"),
        ("--clients 5 --echo-rate 1e99 --p99 1s", "no number from"),
        ("--clients 5 --echo-rate 1 --p99 100", "write it as 100ms or 10s"),
        ("--clients 5 --echo-rate 1 --p99 -1ms", "write it as 100ms or 10s"),
        ("--clients 5 --echo-rate 1 --p99 11s", "from 0.01 ms to 10 s"),
        ("--clients 5 --echo-rate 1", "add --p99 100ms"),
        ("--clients 5 --p99 1s", "add --echo-rate or --broadcast-rate"),
        ("--clients 5 --detect-within 1ms", "from 100 ms to 3,600 s"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_two(
    arguments: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["advise", str(STORED), *arguments.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert problem in captured.err
    assert captured.err.count("\n") == 1


def test_a_run_that_is_not_there_is_one_line_and_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["advise", str(tmp_path), "--clients", "5"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_folder_can_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(STORED, tmp_path / "result.json")
    assert main(["advise", str(tmp_path), "--clients", "500"]) == 0
    assert "All of it is met by measurement" in capsys.readouterr().out


def test_a_label_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = cells("latency_p99", **{"a\x1b[31m\u202eb": (1.0, 1.0)})
    write(evil, tmp_path)
    assert main(["advise", str(tmp_path), "--clients", "5"]) == 0
    assert not re.search("[\x1b\u202e]", capsys.readouterr().out)


def test_the_evidence_of_the_page_ends_no_element() -> None:
    form = form_of(facts_of(hostile()))
    assert form is not None
    assert not re.search("[<>&\u2028]", form.evidence)
    assert json.loads(form.evidence)["cells"][0]["name"].startswith("</script><script>")
    page = to_html(summarise(hostile()), [])
    assert page.count("<script") == 3  # that of what scrolls is the third
    assert "alert(1)" in page  # as text


def test_a_run_without_any_evidence_has_no_form() -> None:
    base = result([planned(0, "rooms:1")], [ran(0)])
    assert form_of(facts_of(base)) is None
    assert 'id="advise"' not in to_html(summarise(base), [])


def test_without_a_script_nothing_is_shown_of_the_form() -> None:
    page = to_html(summarise(read(STORED)), [])
    assert '<section id="advise" aria-labelledby="advise-title" hidden>' in page


def test_the_page_is_the_same_each_time() -> None:
    summary = summarise(read(STORED))
    assert to_html(summary, []) == to_html(summary, [])
