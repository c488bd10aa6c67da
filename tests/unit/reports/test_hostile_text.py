"""A stranger's result file: none of its texts steers a terminal, a page or a picture."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import msgspec
import pytest
from rich.console import Console

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Measurement, Result
from loadtests.record.words import Cause
from reports.pages.disconnect import render
from reports.pages.exports import to_csv, to_json, to_markdown
from reports.pages.html import to_html
from reports.pages.terminal import show
from reports.sections.drawn import Drawn, draw_all
from reports.summary import Summary, summarise
from tests.unit.reports.builder import failed, measurement, planned, ran, result
from tests.unit.reports.disconnect_builder import Faults, disconnects

#: An escape sequence, the same in C1, both kinds of turning the direction, what XML may not hold.
EVIL = "a\x1b[31m\x9b1mb\u202ec\u2066d\u2069\ufffe\uffff\x00\x07\x7f\r\ne"
LONG = "x" * 20_000
#: What may be in no file of ours, line feeds aside.
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def told(text: str) -> dict[str, Any]:
    """An object of which everything is this text."""
    return {text: text, "name": text, "list": [text], "deep": {text: [text]}}


def doubtful(row: str, text: str) -> Measurement:
    return msgspec.structs.replace(
        measurement(row, latency_p90=None),
        invalid={"latency_p50": text},
        unavailable={"latency_p90": text},
    )


def strangers(text: str) -> Result:
    """A run in which every text that can be somebody's is this one."""
    plan = [
        planned(0, mode=text),
        planned(1, mode=text, transport="polling"),
        msgspec.structs.replace(planned(2, "disconnect", mode=text), rows=["disconnect:kill"]),
        msgspec.structs.replace(planned(3, mode=text), rows=[f"echo:{text}"]),
        msgspec.structs.replace(planned(4, mode=text), rows=[f"disconnect:kill:{text}"]),
    ]
    facts = GeneratorFacts(arrival_clock=text, transport=text, crashes=[text], versions=told(""))
    trials = [
        ran(0, doubtful("echo", text), generator=facts, server_log=text),
        msgspec.structs.replace(failed(1, text), server_log=text),
        failed(2, text),
        ran(3, measurement(f"echo:{text}"), generator=facts),
        ran(4, measurement(f"disconnect:kill:{text}"), generator=facts),
    ]
    environment = told(text) | {
        "cpu": text,
        "cores": text,
        "system": text,
        "python": text,
        "packages": told(text),
        "calibration": text,
        "pinning": {"server": [1], "generator": [0], "note": text},
    }
    return result(
        plan,
        trials,
        version=text,
        started=text,
        ended=text,
        experiment=told(text) | {"description": text, "echo": told(text), "disconnect": told(text)},
        environment=environment,
    )


@pytest.fixture(scope="module")
def evil() -> Summary:
    return summarise(strangers(EVIL))


@pytest.fixture(scope="module")
def drawings(evil: Summary) -> list[Drawn]:
    return draw_all(evil)


def test_nothing_steers_the_terminal(evil: Summary) -> None:
    out = io.StringIO()
    show(evil, Console(file=out, width=100, highlight=False))
    assert "[31m" in out.getvalue()
    assert not FORBIDDEN.search(out.getvalue())


def test_markdown_and_the_page_hold_nothing_that_steers(
    evil: Summary, drawings: list[Drawn]
) -> None:
    for text in (to_markdown(evil), to_html(evil, drawings), render([evil])):
        assert "31m" in text
        assert not FORBIDDEN.search(text)


def test_csv_has_one_line_per_number_whatever_the_label(evil: Summary) -> None:
    text = to_csv(evil)
    assert not FORBIDDEN.search(text)
    assert len(text.splitlines()) == len(list(csv.reader(io.StringIO(text)))) == 1 + len(evil.rows)


def test_json_keeps_the_text_and_has_nothing_raw(evil: Summary) -> None:
    text = to_json(evil)
    assert not FORBIDDEN.search(text)
    assert {row["mode"] for row in json.loads(text)["rows"]} == {EVIL}


def test_pictures_are_well_formed_and_hold_nothing_that_steers(drawings: list[Drawn]) -> None:
    assert drawings
    for drawn in drawings:
        ElementTree.fromstring(drawn.chart.svg)
        assert not FORBIDDEN.search(drawn.chart.svg.replace("\t", ""))


def test_lone_surrogates_can_be_written() -> None:
    run = summarise(strangers("a\ud800b"))
    for text in (to_csv(run), to_json(run), to_markdown(run), to_html(run, [])):
        text.encode()


def width_px(chart: Drawn) -> float:
    found = re.search(r'width="([\d.]+)pt"', chart.chart.svg)
    assert found
    return float(found[1]) * 96 / 72


def test_a_text_of_any_length_makes_no_picture_wider_than_a_page() -> None:
    for drawn in draw_all(summarise(strangers(LONG))):
        assert width_px(drawn) < 1300, drawn.chart.kind.name


def test_clients_of_a_long_label_make_no_picture_wider_than_a_page() -> None:
    run = disconnects(
        modes=(LONG,), clients=3, sweep=("10/5:10",), faults=Faults(unavailable={Cause.TAB: LONG})
    )
    named = msgspec.structs.replace(run, experiment=run.experiment | {"name": LONG})
    for drawn in draw_all(summarise(named)):
        assert width_px(drawn) < 1300, drawn.chart.kind.name
