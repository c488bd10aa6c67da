"""The chart of ratios: what it shows, and what it bears."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from functools import partial

import pytest

from loadtests.record.gate import Evidence, Gate
from loadtests.record.words import Verdict
from reports.charts.forest import MOST, drawable, forest
from reports.charts.gallery import Caption, drawn, inline
from reports.facts.gating import changes_of
from reports.pages.changes import forest_of
from tests.unit.reports.gate_builder import compared, gate, many, regression
from tests.unit.reports.test_hostile_text import EVIL, FORBIDDEN, LONG


def svg(found: Gate) -> str:
    (picture,) = forest_of(changes_of(found), found.detect, "a → b", "")
    return str(picture.svg)


def axis(found: Gate) -> set[str]:
    """All that is written in the chart."""
    return set(re.findall(r"<text[^>]*>([^<]+)</text>", svg(found)))


def test_less_and_more_are_better_in_two_panels_each_with_its_side() -> None:
    text = svg(regression())
    assert "Less is better: further right is slower" in text
    assert "More is better: further left is slower" in text
    only = svg(gate(compared()))
    assert "More is better" not in only


def test_only_verdicts_that_there_are_have_a_place_in_the_legend() -> None:
    words = axis(gate(compared(Verdict.SLOWER, 1.2)))
    assert "slower" in words
    assert "inconclusive" not in words


def test_ratios_stand_beside_their_marks() -> None:
    assert "1.12 × [1.09, 1.15]" in axis(regression())


def test_without_a_ratio_there_is_no_chart() -> None:
    assert forest_of(changes_of(gate()), 0.1, "", "") == []
    assert forest_of(changes_of(gate(compared(screen=None))), 0.1, "", "") == []


def test_no_more_are_drawn_than_an_eye_can_tell() -> None:
    changes = changes_of(many(200))
    assert len(drawable(changes)) == MOST
    assert all(one.moved for one in drawable(changes)[:5])


@pytest.mark.parametrize(
    "found",
    [
        Evidence(6, 1.0, None, None, 1.0, 1.0),
        Evidence(6, 1e12, 1e-12, 1e15, 0.5, 0.5),
        Evidence(6, 1e-9, 1e-12, 1.0, 0.5, 0.5),
        Evidence(6, 1.0, 1.0, 1.0, 1.0, 1.0),
        Evidence(6, 5.0, 0.9, 30.0, 1.0, 1.0),
    ],
)
def test_any_ratio_can_be_drawn(found: Evidence) -> None:
    ElementTree.fromstring(svg(gate(compared(screen=found))))


@pytest.mark.parametrize("text", [LONG, EVIL, "", "$x$ & <b>"])
def test_any_label_is_text_in_a_picture_no_wider_than_a_page(text: str) -> None:
    found = svg(gate(compared(mode=text)))
    ElementTree.fromstring(found)
    assert not FORBIDDEN.search(found.replace("\t", ""))
    width = re.search(r'width="([\d.]+)pt"', found)
    assert width
    assert float(width[1]) * 96 / 72 < 1300


def test_the_same_gate_makes_the_same_picture() -> None:
    assert svg(regression()) == svg(regression())


def test_two_charts_of_a_kind_have_names_of_their_own_on_a_page() -> None:
    make = partial(forest, drawable(changes_of(regression())), 0.1)
    chart = drawn(Caption("name", "Title", "Reading."), make, "about")
    names = [set(re.findall(r' id="([^"]+)"', inline(chart, name))) for name in ("base", "head")]
    assert names[0]
    assert not names[0] & names[1]
