"""The form on the report's page says what the command line says, to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.record.results import Measurement, Result, read, write
from reports.__main__ import main
from reports.pages.html import to_html
from reports.summary import summarise
from tests.support import ROOT
from tests.unit.reports.builder import cells, measurement, planned, ran, result

#: Between them, and what is made by hand below, they have all verdicts on all grounds.
RESULTS = ("docs/results/default.json", "docs/results/workloads.json", "docs/results/25-20.json")
#: Clients, echoes, broadcasts, p99 in ms, seconds: as they are typed; empty is not asked.
QUESTIONS = (
    ("500", "2", "5", "100", "10"),
    ("40", "7.5", "15", "50", "7.24"),
    ("30", "10", "10", "60", "70"),
    ("2000", "20", "20", "20", "1"),
    ("40", "150", "", "50", ""),
    ("494", "", "10", "200", "45"),
    ("495", "", "10", "200", "8.49"),
    ("300", "", "", "", ""),
    ("301", "", "", "", "3600"),
    ("501", "0.02", "0.02", "0.01", "0.1"),
    ("100000", "10000", "10000", "10000", "23.1"),
    ("1", "40", "0.5", "119.6", "2.5"),
    ("20", "79.99", "12.25", "112.125", "15"),
    ("40", "3", "15", "1.98", "5.5"),
)
FIELDS = ("clients", "echo", "broadcast", "p99", "detect")
OPTIONS = ("--clients", "--echo-rate", "--broadcast-rate", "--p99", "--detect-within")
UNITS = ("", "", "", "ms", "s")
SHOWN = """() => ({
  cells: [...document.querySelectorAll("#advise-cells details")].map((cell) => ({
    name: cell.querySelector("strong").textContent,
    needs: [...cell.querySelectorAll("li")].map((one) => [one.dataset.need, one.textContent]),
  })),
  in_sum: [...document.querySelectorAll("#advise-sum p")].map((one) => one.textContent),
  measure: document.querySelector("#advise-measure code").textContent,
})"""


@pytest.fixture
def load(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A page of a run, without any network; nothing may be written on its console."""
    context = chromium.new_context(offline=True)
    context.set_default_timeout(15_000)
    complaints: list[str] = []

    def start(text: str, **options: Any) -> Any:
        path = tmp_path / "index.html"
        path.write_text(text, encoding="utf-8")
        page = context.new_page()
        page.set_viewport_size({"width": options.get("width", 1280), "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield start
    context.close()
    assert complaints == []


def page_of(name: str) -> str:
    return to_html(summarise(read(ROOT / name)), [])


def ask(page: Any, question: tuple[str, ...]) -> Any:
    for field, value in zip(FIELDS, question, strict=True):
        page.fill(f"#advise-form [name={field}]", value)
    page.click("#advise-form button")
    return page.evaluate(SHOWN)


def contrary() -> Result:
    """Measurements that contradict each other, are not to be trusted, or were not kept up with."""
    queued = "beyond what the server keeps up with: its queue grew at 100/s (9 lost)"
    slow = measurement("curve:100", latency_p99=200.0, lost=0)
    late = measurement("echo", latency_p99=5.0, lost=0)
    beyond = Measurement(
        row="curve:100",
        metrics=dict.fromkeys(slow.metrics),
        unavailable=dict.fromkeys(slow.metrics, queued),
    )
    doubted = msgspec.structs.replace(late, invalid={"latency_p99": "sent late"})
    found = {
        "contrary": (late, slow),
        "doubted": (doubted,),
        "overloaded": (beyond,),
        "lost": (measurement("echo", latency_p99=5.0, lost=1),),
        "exact": (measurement("echo", latency_p99=50.0, lost=0),),
    }
    taken = [
        (mode, block, each) for block in (0, 1) for mode, every in found.items() for each in every
    ]
    return result(
        [
            planned(number, each.row, mode, block=block)
            for number, (mode, block, each) in enumerate(taken)
        ],
        [ran(number, each) for number, (_, _, each) in enumerate(taken)],
        experiment={"echo": {"clients": 40, "rate_hz": 300}, "curve": {"clients": 40}},
    )


def said(name: str, question: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> Any:
    """The same of the command line, in the form's shape."""
    arguments = [
        each
        for option, value, unit in zip(OPTIONS, question, UNITS, strict=True)
        if value
        for each in (option, value + unit)
    ]
    assert main(["advise", str(ROOT / name), *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    names = {
        "clients": "Clients at once",
        "echo": "Echo",
        "broadcast": "Broadcast",
        "silent": "Silent client",
        "together": "Both at once",
    }
    return {
        "cells": [
            {
                "name": f"{each['mode']} × {each['transport']}",
                "needs": [
                    [one["need"], f"{names[one['need']]}: {one['decision']}. {one['text']}"]
                    for one in each["needs"]
                ],
            }
            for each in document["cells"]
        ],
        "in_sum": document["in_sum"],
        "measure": document["measure"],
    }


@pytest.mark.parametrize("name", RESULTS)
def test_form_and_command_line_give_the_same_answers(
    name: str, load: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    page = load(page_of(name))
    for question in QUESTIONS:
        assert said(name, question, capsys) == ask(page, question), question


def test_both_see_what_contradicts_itself_or_is_not_to_be_trusted(
    load: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(contrary(), tmp_path)
    page = load(to_html(summarise(contrary()), []))
    question = ("40", "5", "", "50", "")
    told = ask(page, question)
    assert said(str(tmp_path), question, capsys) == told
    load_of_all = "300 echoes a second from 40 clients"
    words = [cell["needs"][1][1].split(". ")[1] for cell in told["cells"]]
    assert [each.partition(":")[0].rstrip(".") for each in words] == [
        "The measurements disagree",
        f"The number at {load_of_all} is invalid",
        f"Its p99 is 50 ms [50, 50] (2 trials) at {load_of_all}",
        f"Its p99 is 5 ms [5, 5] (2 trials) at {load_of_all}, but some were lost",
        "It does not keep up with 100 echoes a second from 40 clients",
    ]


def test_a_question_without_a_limit_is_not_answered(load: Callable[..., Any]) -> None:
    page = load(page_of(RESULTS[0]))
    assert ask(page, ("500", "2", "", "", ""))["cells"] == []
    assert page.eval_on_selector("[name=p99]", "(field) => field.validity.valueMissing")
    assert ask(page, ("0", "", "", "", ""))["cells"] == []
    assert ask(page, ("500", "", "", "", ""))["cells"] != []


def test_form_is_used_with_the_keyboard_alone_and_its_answer_is_read_out(
    load: Callable[..., Any],
) -> None:
    page = load(page_of(RESULTS[0]))
    for label in ("Clients at the same time", "Silent client noticed within, s"):
        assert page.get_by_label(label).count() == 1
    page.focus("[name=detect]")
    page.keyboard.press("Enter")
    assert "not all was measured" in page.get_by_role("status").inner_text()
    page.focus("#advise-cells summary")
    assert page.locator("#advise-cells li").first.is_hidden()
    page.keyboard.press("Enter")
    assert page.locator("#advise-cells li").first.is_visible()


def test_form_fits_a_phone(load: Callable[..., Any]) -> None:
    page = load(page_of(RESULTS[0]), width=390)
    ask(page, QUESTIONS[0])
    page.eval_on_selector_all("#advise details", "(all) => all.forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    sizes = page.eval_on_selector_all(
        "#advise input",
        "(fields) => fields.map((one) => parseFloat(getComputedStyle(one).fontSize))",
    )
    assert min(sizes) >= 16  # iOS zooms in on a field below


def test_label_of_a_stranger_is_text_in_the_answer(load: Callable[..., Any]) -> None:
    label = "</script><img src=x onerror=alert(1)>"
    found = cells("latency_p99", **{label: (1.0, 1.0)})
    stranger = msgspec.structs.replace(found, experiment={"echo": {"clients": 5, "rate_hz": 10}})
    page = load(to_html(summarise(stranger), []))
    answer = ask(page, ("5", "1", "", "100", ""))
    assert answer["cells"][0]["name"] == f"{label} × websocket"
    assert page.locator("main img").count() == 0


def test_without_a_script_nothing_is_left_of_the_form(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(page_of(RESULTS[0]), encoding="utf-8")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("#advise").is_hidden()
    assert page.locator("#trust").is_visible()
    context.close()
