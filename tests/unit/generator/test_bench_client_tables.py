"""The tables of the client's benchmark, in a terminal and as Markdown."""

from __future__ import annotations

import pytest

from loadtests.generator.bench_client import tables
from loadtests.generator.bench_client.measured import ContenderTrial
from loadtests.generator.bench_client.tables import Remarks
from tests.unit.generator.bench_client_builder import (
    AGAINST_NODE,
    MEMORY,
    P99,
    bare,
    costs,
    echoes,
    failed,
    find,
    ours,
    piloted,
)

NOTES = Remarks(
    5,
    piloted(gevent=100),
    {
        "cpu": "a CPU",
        "cores": 2,
        "system": "Linux",
        "kernel": "6",
        "python": "CPython 3.11",
        "pinning": {"server": [1], "generator": [0], "note": None},
    },
)


def test_table_shows_what_was_reached_with_its_spread() -> None:
    trials = [
        trial
        for number, ours_us in enumerate((10, 20, 12))
        for trial in (bare(number, "gevent", ours_us, 1), costs(number, "gevent", "node", 40, 1))
    ]
    cells = tables.target_cells(find(AGAINST_NODE, *trials))
    assert cells[1:] == ("≤ 0.5", "0.3", "0.25–0.5", "yes")


def test_table_shows_a_difference_with_its_sign_and_unit() -> None:
    cells = tables.target_cells(find(P99, echoes(0, 1.0, 0.98), echoes(1, 1.0, 1.02)))
    assert cells[2:] == ("+0.000 ms", "-0.020–+0.020 ms", "yes")


def test_table_shows_that_there_is_no_number() -> None:
    assert tables.target_cells(find(MEMORY))[2:] == ("–", "–", "failed")


def test_markdown_holds_every_row_and_every_note() -> None:
    trials = [bare(0, "gevent", 10, 1), costs(0, "gevent", "node", 40, 1)]
    findings = [find(row, *trials) for row in (AGAINST_NODE, MEMORY)]
    text = tables.to_markdown(findings, trials, NOTES)
    lines = text.splitlines()
    assert lines[0] == "| what | target | median | min–max | met |"
    for finding in findings:
        assert any(line.startswith(f"| {finding.what} |") for line in lines)
        assert f"- {finding.what}: {finding.note}" in lines
    assert "| echo | websocket | Node socket.io-client | gevent | 40.0 | 1.0 | 1,000 |" in lines
    assert "echo × websocket gevent 100" in text


def test_terminal_shows_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    trials = [bare(0, "gevent", 10, 1), costs(0, "gevent", "node", 40, 1)]
    tables.to_terminal([find(AGAINST_NODE, *trials), find(MEMORY)], trials, NOTES)
    shown = capsys.readouterr().out
    assert "≤ 0.5" in shown
    assert "failed" in shown
    assert "memory: it was not measured" in shown


@pytest.mark.parametrize(
    ("server", "generator", "said"),
    [([1], [0], "server on core 1, client on core 0"), ([], [], "server on any core")],
)
def test_cores_are_plain_numbers(server: list[int], generator: list[int], said: str) -> None:
    pinning = {"server": server, "generator": generator, "note": None}
    notes = NOTES._replace(machine=NOTES.machine | {"pinning": pinning})
    assert said in notes.lines()[-1]


def test_costs_of_the_pilot_are_no_medians_of_the_rounds() -> None:
    assert tables.cost_rows(piloted(gevent=1)) == []


@pytest.mark.parametrize(
    ("trial", "line"),
    [
        (ours(0, "gevent", 10, 100), "echo × websocket: ours and gevent: 10.0 µs, server 100.0 µs"),
        (failed(0, "node"), "echo × websocket: node and gevent: it broke"),
        (echoes(0, 1, 1.5), "latency × websocket: ours and gevent: p50 +0.500 ms, p99 +0.500 ms"),
    ],
)
def test_a_line_says_what_came_of_a_trial(trial: ContenderTrial, line: str) -> None:
    assert line == tables.one_line(trial)
