"""The end of a run in terminals of all kinds."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from loadtests.record.results import Result
from reports.facts.tables import Entry, Table
from reports.pages import narrow
from reports.pages.terminal import show
from reports.summary import summarise
from tests.unit.reports.builder import cells
from tests.unit.reports.disconnect_builder import disconnects
from tests.unit.reports.matrix import realistic, troubled

SEVEN = (
    "eventlet",
    "gevent",
    "gevent-websocket",
    "gunicorn-eventlet",
    "gunicorn-gevent",
    "gunicorn-threads",
    "threading",
)


def shown(run: Result, width: int = 80, encoding: str = "utf-8", **environ: str) -> str:
    """What a terminal of this kind is sent."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    out = Console(
        file=file,
        width=width,
        height=50,
        highlight=False,
        force_terminal=True,
        _environ={"TERM": "xterm-256color"} | environ,
    )
    show(summarise(run), out)
    file.flush()
    return raw.getvalue().decode(encoding)


def plain(run: Result, width: int = 80) -> str:
    return shown(run, width, TERM="dumb")


@pytest.fixture(scope="module")
def run() -> Result:
    return troubled()


def test_it_ends_with_the_run_in_short_and_the_findings(run: Result) -> None:
    text = plain(run)
    order = ["Over WebSocket", "Over long-polling", "In short", "Before a number is quoted"]
    places = [text.index(f"{heading}") for heading in order]
    assert places == sorted(places)
    last = text.partition("Before a number is quoted")[2].strip().splitlines()
    assert all(line.startswith(("- ", "  ")) for line in last)


def test_three_modes_are_columns_and_fit_eighty(run: Result) -> None:
    lines = plain(run).splitlines()
    assert all(len(line) <= 80 for line in lines)
    heads = [line for line in lines if line.startswith("number")]
    assert [head.split() for head in heads] == [["number", "eventlet", "gevent", "threading"]] * 2


@pytest.mark.parametrize("width", [80, 120])
def test_more_modes_are_lines_and_no_name_of_one_is_broken(width: int) -> None:
    text = plain(realistic(modes=SEVEN, blocks=2, scenarios=("echo", "broadcast")), width)
    assert all(len(line) <= width for line in text.splitlines())
    table = text.partition("Over WebSocket")[2].partition("Over")[0]
    assert [line.split()[0] for line in table.splitlines() if line.startswith(SEVEN)] == [*SEVEN]


def test_no_head_is_broken_inside_a_word() -> None:
    text = plain(realistic(modes=SEVEN, blocks=2))
    for head in ("throughput", "messages/s", "broadcast", "goodbye", "process", "killed"):
        assert re.search(rf"\b{head}(?!\w)", text), head


def test_names_of_rows_are_words() -> None:
    text = plain(disconnects(), 120)
    assert "server killed (Python)" in text
    assert "process stopped, 10/5 s" in text
    assert "server-kill" not in text


def test_a_label_wider_than_the_terminal_is_folded() -> None:
    text = plain(cells("latency_p50", **{"x" * 200: (1.0, 2.0), "b": (2.0, 3.0)}))
    assert all(len(line) <= 80 for line in text.splitlines())


def test_colours_go_with_words_and_without_colour_the_words_stay(run: Result) -> None:
    coloured = shown(run)
    assert "\x1b[31m" in coloured or "\x1b[33m" in coloured
    grey = shown(run, NO_COLOR="1")
    assert not re.search(r"\x1b\[(?:\d+;)*3[0-7]m", grey)
    for word in ("worse", "best", "failed", "invalid"):
        assert word in grey


def test_a_dumb_terminal_is_sent_no_codes(run: Result) -> None:
    assert "\x1b" not in plain(run)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_terminal_that_knows_few_characters_is_sent_its_own(run: Result, encoding: str) -> None:
    text = shown(run, encoding=encoding, TERM="dumb")  # strict: nothing that it cannot show
    assert "In short" in text
    if encoding == "ascii":
        assert re.search(r"\d x \[\d", text)
        assert "us" in text
        assert "?" not in text


# --- how tables are laid out


def test_a_table_of_cells_is_one_for_each_transport() -> None:
    head = ("", "a × polling", "a × websocket", "b × polling")
    table = Table("How long", head, (tuple(map(Entry, ("x", "1", "2", "3"))),))
    websocket, polling = narrow.by_transport(table)
    assert (websocket.caption, websocket.head) == ("How long, over WebSocket", ("", "a"))
    assert [entry.text for entry in polling.lines[0]] == ["x", "1", "3"]


def test_a_table_of_something_else_stays_as_it_is() -> None:
    table = Table("t", ("cell", "p50, ms"), ((Entry("a × polling"), Entry("1")),))
    assert narrow.by_transport(table) == [table]
    assert narrow.fitting(table, 80) == [table]


def test_what_does_not_fit_is_taken_apart_and_nothing_is_lost() -> None:
    head = ("number", *(f"mode-{n}" for n in range(6)))
    lines = tuple((Entry(f"line {k}"), *(Entry(f"{n}.{k}") for n in range(6))) for k in range(9))
    parts = narrow.fitting(Table("t", head, lines), 40)
    assert len(parts) > 1
    assert {entry.text for part in parts for one in part.lines for entry in one[1:]} == {
        f"{n}.{k}" for n in range(6) for k in range(9)
    }
    assert all(sum(narrow.given(part, 40)) + 2 * (len(part.head) - 1) <= 40 for part in parts)
