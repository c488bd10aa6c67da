"""The files of a gate: what each holds, that it stays small, and that no label does anything."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import msgspec
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console

from loadtests.record.gate import ArmFacts, Gate
from loadtests.record.words import Better, Kept, Verdict
from reports.facts.markdown import quoted, told
from reports.pages.benchmark_action import benchmarks
from reports.pages.gate import gate_html, show
from reports.pages.gate_markdown import gate_markdown
from reports.pages.github import inert
from reports.pages.junit import junit
from tests.unit.reports.gate_builder import (
    compared,
    counted,
    gate,
    limited,
    many,
    regression,
)
from tests.unit.reports.pages.test_html import Elements
from tests.unit.reports.test_hostile_text import EVIL, FORBIDDEN

HOSTILE = (
    "`x` ``y`` | \\| [a](https://evil.example) ![i](https://evil.example/i) <https://evil.example>"
    " www.evil.example https://evil.example @torvalds a@evil.example #1 **b** _c_ ~~d~~ $m$"
    " <img src=x onerror=alert(1)> <script>alert(2)</script> </details> &lt; <!-- \r\n# h\n- l"
    "\n::error::x ##[error]y --> </code>"
)


def strangers(text: str) -> Gate:
    """A gate in which every text that can be somebody's is this one."""
    arm = ArmFacts(
        "base", text, text, True, [text], text, [text], {"python": text, text: text}, text
    )
    return gate(
        compared(Verdict.SLOWER, 1.2, mode=text, note=text),
        compared(Verdict.INCONCLUSIVE, mode=text, note=text, metric="throughput"),
        code=99,
        arms=[arm, msgspec.structs.replace(arm, name="head", commit=f"{text}2", versions={})],
        counts=[counted(4, regression=True, mode=text)],
        limits=[
            msgspec.structs.replace(limited(kept, text, mode=text), limit=text, unit=text)
            for kept in Kept
        ],
        failures=[text],
        unfit=[text],
        notes=[text],
        experiment=text,
        version=text,
        started=text,
        ended=text,
        environment={"cpu": text, "kernel": text, "python": text, "cores": text},
    )


def tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


# The page


def test_the_page_is_whole_in_itself() -> None:
    page = gate_html(regression())
    elements = Elements(page)
    assert elements.open == []
    tags = [tag for tag, _ in elements.found]
    assert set(tags).isdisjoint({"img", "link", "iframe"})
    assert tags.count("script") == 1  # our own
    for _, attributes in elements.found:
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"@import|url\((?!#)", page)


def test_identifiers_are_unique_and_links_lead_somewhere() -> None:
    found = Elements(gate_html(regression())).found
    names = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in found:
        for name in ("href", "aria-labelledby"):
            target = attributes.get(name)
            assert target is None or target.removeprefix("#") in names


def test_the_page_says_the_verdict_first_then_what_moved() -> None:
    page = gate_html(regression())
    order = [
        page.index(text)
        for text in (
            'class="verdict bad"',
            'id="moved"',
            'id="notes"',
            'id="ratios"',
            'id="counts"',
            'id="limits"',
            'id="contrasts"',
            'id="arms"',
        )
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("found", [gate(), gate(compared()), gate(code=4, failures=["gone"])])
def test_a_gate_with_little_in_it_has_a_page_all_the_same(found: Gate) -> None:
    assert Elements(gate_html(found)).open == []
    assert gate_markdown(found)
    assert junit(found)


def test_sixty_comparisons_are_drawn_and_more_are_told() -> None:
    page = gate_html(many(70))
    assert "Here are the first 60; the tables have all." in page
    assert page.count("<tr>") > 70


# Markdown


def test_markdown_has_the_verdict_in_its_first_line_and_folds_what_did_not_move() -> None:
    text = gate_markdown(regression())
    first, *rest = text.splitlines()
    assert first.startswith("**Regression**: 2 of 6 comparisons slower")
    before, _, folded = "\n".join(rest).partition("<details>")
    assert "inconclusive" not in before
    assert "about 18 pairs would tell" in folded
    assert text.count("<details>") == text.count("</details>") == 5


def test_a_gate_that_ran_out_of_time_says_so() -> None:
    text = gate_markdown(gate(compared(), ended="out of time"))
    assert "9.0 min (out of time)" in text
    assert "(out of time)" in gate_html(gate(compared(), ended="out of time"))


def test_markdown_without_anything_that_moved_is_short() -> None:
    lines = gate_markdown(gate(compared())).split("<details>")[0].splitlines()
    assert lines[0].startswith("**No regression**: ")
    assert "What moved" not in "\n".join(lines)
    assert len(lines) < 6


@pytest.mark.parametrize("count", [0, 1, 7 * 2 * 30, 5000])
def test_markdown_stays_below_what_github_takes(count: int) -> None:
    text = gate_markdown(many(count))
    assert len(text) < 65_000
    assert text.count("<details>") == text.count("</details>")


def test_markdown_stays_below_it_with_the_worst_of_labels_too() -> None:
    found = strangers("&|`" * 5000)
    long = msgspec.structs.replace(
        found,
        comparisons=found.comparisons * 400,
        failures=found.failures * 400,
        limits=found.limits * 200,
    )
    text = gate_markdown(long)
    assert len(text) < 65_000
    assert text.count("<details>") == text.count("</details>")
    assert "more, in index.html." in text


def test_no_label_formats_links_or_mentions_anything() -> None:
    text = gate_markdown(strangers(HOSTILE))
    found = list(tokens(text))
    kinds = {token.type for token in found}
    assert kinds.isdisjoint({"link_open", "image", "em_open", "s_open", "code_inline", "fence"})
    tags = {token.content for token in found if token.type == "html_inline"}
    assert tags <= {"<code>", "</code>", "<wbr>"}
    blocks = {token.content.strip() for token in found if token.type == "html_block"}
    assert all(re.fullmatch(r"<details><summary>[^<]*</summary>|</details>", one) for one in blocks)
    assert {token.content for token in found if token.type == "strong"} == set()
    # What GitHub makes of a text when Markdown is done.
    assert not re.search(r"@\w|https?://|www\.\w|(?<!&)#\d", text)
    # In a table every line has as many cells as the head.
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    assert set(widths) <= {4, 5, 6, 8}


def test_what_is_quoted_is_read_as_it_was_written() -> None:
    words = "a@b.c `x` | <i> &amp; https://x.example _y_ $z$"
    found = "".join(
        token.content for token in tokens(quoted(words)) if token.type in ("text", "text_special")
    )
    assert found == words


def test_plain_words_and_ratios_are_not_quoted() -> None:
    assert told("1.12 × [1.08, 1.16], slower") == "1.12 × \\[1.08, 1.16\\], slower"
    assert told("inconclusive: see @torvalds").startswith("<code>")
    assert told("see evil.example").startswith("<code>")


# Other texts


def test_no_label_gets_out_of_the_page() -> None:
    elements = Elements(gate_html(strangers(HOSTILE)))
    assert elements.open == []
    tags = [tag for tag, _ in elements.found]
    assert set(tags).isdisjoint({"img"})
    assert tags.count("script") == 1  # our own
    assert not any(name.startswith("on") for _, found in elements.found for name in found)


def test_nothing_that_steers_is_in_any_file() -> None:
    found = strangers(EVIL)
    out = io.StringIO()
    show(found, Console(file=out, width=100, highlight=False))
    arrays = [benchmarks(found, better) for better in (Better.LOWER, Better.HIGHER)]
    for text in (gate_html(found), gate_markdown(found), junit(found).decode(), *arrays):
        assert "31m" in text
        assert not FORBIDDEN.search(text)
    assert not FORBIDDEN.search(out.getvalue())


def test_the_terminal_says_the_verdict_last() -> None:
    out = io.StringIO()
    show(regression(), Console(file=out, width=120, highlight=False))
    assert out.getvalue().rstrip().splitlines()[-1].startswith("Regression: 2 of 6")


def test_no_line_of_the_terminal_is_a_command_to_github() -> None:
    out = io.StringIO()
    show(strangers("::error::x ##[error]y"), Console(file=out, width=60, highlight=False))
    assert not any(line.lstrip().startswith("::") for line in out.getvalue().splitlines())
    assert "##[" not in out.getvalue()
    assert inert("##[error]x") == "## [error]x"
