"""Markdown that is never longer than it may be."""

from __future__ import annotations

from reports.pages.room import fitting

TABLE = "\n".join(["| a |", "| --- |", *(f"| {number} |" for number in range(100))])


def test_what_fits_is_there_with_an_empty_line_between() -> None:
    assert fitting(["# a", "", "text"]) == "# a\n\ntext\n"


def test_a_table_that_is_too_long_ends_behind_a_line_and_says_how_many_are_missing() -> None:
    text = fitting(["## t", TABLE], 900)
    assert len(text) <= 900
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows == TABLE.splitlines()[: len(rows)]
    assert f"{102 - len(rows)} lines more had no room here" in text


def test_a_heading_without_room_for_what_it_heads_is_not_there() -> None:
    text = fitting(["text " * 58, "## nothing", TABLE], 910)
    assert "nothing" not in text
    assert "102 lines more" in text


def test_what_is_folded_is_always_closed() -> None:
    text = fitting(["<details><summary>x</summary>", TABLE, "</details>"], 700)
    assert text.count("<details>") == text.count("</details>") == 1
