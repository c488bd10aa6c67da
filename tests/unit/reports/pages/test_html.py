"""The page: whole in itself, says first who is best, and believes no text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import pytest

from loadtests.record.results import Result
from reports.pages.html import to_html
from reports.sections.drawn import draw_all
from reports.summary import summarise
from tests.unit.reports.builder import cells, failed, planned, result
from tests.unit.reports.matrix import realistic, troubled

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def page(run: Result, *, charts: bool = False) -> str:
    """The page of a run; without charts, which take seconds, where a test is not about them."""
    summary = summarise(run)
    return to_html(summary, draw_all(summary) if charts else [])


@pytest.fixture(scope="module")
def full() -> str:
    return page(troubled(), charts=True)


class Elements(HTMLParser):
    """All start tags with their attributes, and whether every element was closed in order."""

    _VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing(full: str) -> None:
    for tag, attributes in Elements(full).found:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed"}
        for name in ("src", "href", "xlink:href", "data", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"@import|url\((?!#)", full)


def test_every_element_is_closed_in_order(full: str) -> None:
    assert Elements(full).open == []


def test_identifiers_are_unique_and_links_lead_somewhere(full: str) -> None:
    found = Elements(full).found
    names = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in found:
        for name in ("href", "aria-labelledby"):
            target = attributes.get(name)
            assert target is None or target.removeprefix("#") in names


def test_the_page_says_first_who_is_best(full: str) -> None:
    order = [
        full.index(f'<section id="{name}"')
        for name in (
            "best",
            "trust",
            "echo",
            "broadcast",
            "disconnect",
            "troubles",
            "numbers",
            "method",
            "limits",
        )
    ]
    assert order == sorted(order)


def test_the_page_begins_with_the_run_in_short(full: str) -> None:
    main = full.partition("<main>")[2]
    assert main.lstrip().startswith('<section id="short"')
    order = [
        main.index(text)
        for text in (
            ">In short</h2>",
            "<strong>Over WebSocket ",
            "<caption>Over WebSocket</caption>",
            "<caption>Over long-polling</caption>",
            "To be told within",
            "SocketIO(app, ping_interval=3, ping_timeout=2)",
            "Coming from eventlet",
            'id="best"',
        )
    ]
    assert order == sorted(order)


def test_better_and_worse_have_a_colour_and_a_word(full: str) -> None:
    short = full.partition('<section id="short"')[2].partition('<section id="best"')[0]
    bad = re.findall(r'<td class="ok bad">(.*?)</td>', short)
    good = re.findall(r'<td class="ok good">(.*?)</td>', short)
    assert bad
    assert good
    assert all("<b>worse</b>" in text for text in bad)
    assert all(re.search("<b>(best|better|tie)</b>", text) for text in good)


def test_a_single_trial_has_neither_good_nor_bad() -> None:
    text = page(realistic(blocks=1))
    assert 'class="ok good"' not in text
    short = text.partition("Coming from")[0]
    assert 'class="ok bad"' not in short
    assert "one trial of each mode names no winner" in short


def test_every_chart_has_a_caption_and_a_name_for_screen_readers(full: str) -> None:
    assert full.count("<figure>") == full.count("<figcaption>") == full.count('role="img"') == 6


def test_failed_cells_show_their_reason_and_their_log(full: str) -> None:
    section = full[full.index('<section id="troubles"') : full.index('<section id="numbers"')]
    assert "server not ready after 10 s" in section
    assert re.search(r"<code>logs/\d+\.log</code>", section)


def test_a_sound_run_has_no_section_of_failures() -> None:
    assert 'id="troubles"' not in page(realistic(blocks=2, scenarios=("broadcast",), messages=60))


def test_an_absent_scenario_has_no_section() -> None:
    text = page(realistic(blocks=1, scenarios=("broadcast",), messages=60))
    assert 'id="echo"' not in text
    assert 'href="#echo"' not in text


def test_an_interrupted_run_says_so_at_the_top() -> None:
    run = msgspec.structs.replace(result([planned(0)], []), ended="interrupted")
    text = page(run)
    assert text.index("This run ended early") < text.index('id="best"')


def test_hostile_text_stays_text() -> None:
    base = cells("latency_p50", **{HOSTILE: (1.0, 2.0)})
    run = msgspec.structs.replace(
        base,
        started=HOSTILE,
        version=HOSTILE,
        plan=[*base.plan, planned(2, mode="other", block=0)],
        trials=[*base.trials, failed(2, HOSTILE)],
        experiment={"name": HOSTILE, "description": HOSTILE, "echo": {HOSTILE: HOSTILE}},
        environment={"cpu": HOSTILE, HOSTILE: HOSTILE, "packages": {HOSTILE: HOSTILE}},
    )
    elements = Elements(page(run, charts=True))
    assert {tag for tag, _ in elements.found}.isdisjoint({"script", "img"})
    assert not any(name.startswith("on") for _, found in elements.found for name in found)


def test_missing_keys_make_a_page_all_the_same() -> None:
    bare = msgspec.structs.replace(
        realistic(blocks=1, scenarios=("broadcast",), messages=60), environment={}, experiment={}
    )
    assert "unnamed experiment" in page(bare)
    assert "unknown machine" in page(bare)
