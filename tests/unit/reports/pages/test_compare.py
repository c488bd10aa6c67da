"""The files of two runs compared."""

from __future__ import annotations

import io
import json
import re

import msgspec
import pytest
from rich.console import Console

from loadtests.record.results import Result
from reports.facts.run import facts_of
from reports.facts.sides import Sides, beside
from reports.pages.compare import compare_html, compare_json, compare_markdown, show
from tests.unit.reports.builder import ENVIRONMENT, cells, result
from tests.unit.reports.matrix import realistic, troubled
from tests.unit.reports.pages.test_html import HOSTILE, Elements
from tests.unit.reports.test_hostile_text import EVIL, FORBIDDEN, strangers


def held(base: Result, head: Result) -> Sides:
    return beside(facts_of(base), facts_of(head))


def moved() -> Sides:
    base = cells("latency_p50", gevent=(1.0, 1.01, 1.02), threading=(1.0, 1.01, 1.02))
    head = cells("latency_p50", gevent=(1.3, 1.31, 1.32), eventlet=(1.0, 1.01, 1.02))
    return held(base, head)


@pytest.fixture(scope="module")
def full() -> str:
    return compare_html(held(realistic(blocks=2), troubled(blocks=2)))


def test_the_page_is_whole_in_itself(full: str) -> None:
    elements = Elements(full)
    assert elements.open == []
    tags = [tag for tag, _ in elements.found]
    assert set(tags).isdisjoint({"img", "link", "iframe"})
    assert tags.count("script") == 1  # our own
    for _, attributes in elements.found:
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"@import|url\((?!#)", full)


def test_identifiers_are_unique_and_links_lead_somewhere(full: str) -> None:
    found = Elements(full).found
    names = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in found:
        for name in ("href", "aria-labelledby"):
            target = attributes.get(name)
            assert target is None or target.removeprefix("#") in names


def test_both_runs_charts_are_on_the_page_and_the_ratios(full: str) -> None:
    assert full.count("<figcaption><strong>Base: ") == 3
    assert full.count("<figcaption><strong>Head: ") == 3
    assert "<figcaption><strong>Head by base." in full


def test_what_only_one_run_has_is_on_every_page() -> None:
    sides = moved()
    out = io.StringIO()
    show(sides, Console(file=out, width=120, highlight=False))
    for text in (compare_html(sides), compare_markdown(sides), out.getvalue()):
        assert "base: echo, threading × websocket" in text
        assert "head: echo, eventlet × websocket" in text
    assert json.loads(compare_json(sides))["only_base"] == ["echo, threading × websocket"]


def test_markdown_says_what_moved_before_all_else_and_folds_the_rest() -> None:
    text = compare_markdown(moved())
    order = [
        text.index(words)
        for words in (
            "**Two runs compared**: 1 slower of",
            "<code>echo latency p50, ms</code> | gevent × websocket | 1.01 | 1.31 | 1.30 ×",
            "### Only in one run",
            "### The two runs",
            "<details>",
        )
    ]
    assert order == sorted(order)
    assert text.count("<details>") == text.count("</details>")


def test_json_has_every_number_with_both_runs_and_the_ratio() -> None:
    document = json.loads(compare_json(moved()))
    assert document["format"] == "transport-bench-compare/1"
    assert document["same_machine"] is True
    first = document["changes"][0]
    assert (first["scenario"], first["metric"], first["mode"]) == ("echo", "latency_p50", "gevent")
    assert first["base"] == {"estimate": pytest.approx(1.01), "trials": 3, "status": "ok"}
    assert first["ratio_low"] < first["ratio"] < first["ratio_high"]
    assert first["verdict"] == "slower"
    assert first["words"].endswith(", slower")
    assert {one["verdict"] for one in document["changes"]} <= {
        "slower",
        "faster",
        "excluded",
        "inconclusive",
        None,
    }


def test_another_machine_is_said_first_on_every_page() -> None:
    base, head = (
        msgspec.structs.replace(
            cells("latency_p50", gevent=numbers), environment=ENVIRONMENT | {"cpu": cpu}
        )
        for numbers, cpu in (((1.0, 1.1), "one"), ((2.0, 2.1), "other"))
    )
    sides = held(base, head)
    words = "Two machines (CPU): nothing is called faster or slower."
    assert words in compare_html(sides)
    assert compare_markdown(sides).startswith(f"**Two runs compared**: {words}")
    assert not re.search(r"\bslower\b *(</td>|\|)", compare_html(sides) + compare_markdown(sides))
    assert json.loads(compare_json(sides))["same_machine"] is False


def test_runs_without_anything_in_common_have_a_page_all_the_same() -> None:
    sides = held(cells("latency_p50", a=(1.0,)), cells("latency_p50", b=(1.0,)))
    assert "nothing to compare" in compare_html(sides)
    assert compare_markdown(sides)


def test_hostile_text_stays_text() -> None:
    base = cells("latency_p50", **{HOSTILE: (1.0, 2.0)})
    run = result(
        base.plan,
        base.trials,
        started=HOSTILE,
        version=HOSTILE,
        experiment={"name": HOSTILE, "echo": {HOSTILE: HOSTILE}},
        environment={"cpu": HOSTILE, "packages": {HOSTILE: HOSTILE}},
    )
    sides = held(base, run)
    elements = Elements(compare_html(sides))
    tags = [tag for tag, _ in elements.found]
    assert set(tags).isdisjoint({"img"})
    assert tags.count("script") == 1  # our own
    assert not any(name.startswith("on") for _, found in elements.found for name in found)
    text = compare_markdown(sides)
    assert not re.search(r"<(?!/?(code|br|wbr|details|summary)>)", text)


def test_markdown_stays_below_what_github_takes() -> None:
    run = realistic(blocks=2, modes=tuple(f"mode-{number}" for number in range(12)), messages=20)
    text = compare_markdown(held(run, run))
    assert 50_000 < len(text) < 65_000
    assert "more, in index.html." in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_nothing_that_steers_is_in_any_file() -> None:
    sides = held(strangers("plain"), strangers(EVIL))
    same = held(strangers(EVIL), strangers(EVIL))
    for each in (sides, same):
        out = io.StringIO()
        show(each, Console(file=out, width=100, highlight=False))
        assert not FORBIDDEN.search(out.getvalue())
        for text in (compare_markdown(each), compare_json(each), compare_html(each)):
            assert "31m" in text
            assert not FORBIDDEN.search(text.replace("\t", ""))
