"""Text of a stranger: what is to be read stays, what would steer does not."""

from __future__ import annotations

import pytest

from reports.facts.text import shown


@pytest.mark.parametrize("text", ["gevent", "日本語", "naïve × 3 µs", "a\u00a0b", "", "<b>&|`$x$"])
def test_what_can_be_read_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize("space", ["\n", "\t", "\r", "\x0b", "\x85", "\u2028", "\u2029", "\u3000"])
def test_every_space_is_a_blank(space: str) -> None:
    assert shown(f"a{space}b") == "a b"


@pytest.mark.parametrize(
    "letter",
    [
        *("\x00", "\x07", "\x1b", "\x7f", "\x80", "\x9b", "\x9d"),
        *map(chr, range(0x202A, 0x202F)),
        *map(chr, range(0x2066, 0x206A)),
        *("\ufffe", "\uffff", "\ud800", "\udfff", "\U0001ffff"),
    ],
)
def test_what_would_steer_is_a_replacement_character(letter: str) -> None:
    assert shown(f"a{letter}b") == "a\ufffdb"


def test_a_long_text_is_cut_where_it_is_asked_for() -> None:
    assert shown("x" * 20_000) == "x" * 20_000
    assert shown("x" * 20_000, 5) == "xxxx…"
    assert shown("xxxxx", 5) == "xxxxx"
