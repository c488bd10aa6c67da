"""A result file with anything changed in it: one line, or a report; a traceback never."""

from __future__ import annotations

import copy
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtests.record.results import ResultError, read, write
from reports.__main__ import main
from reports.facts.errors import ReportError
from reports.pages.exports import to_csv, to_json, to_markdown
from reports.pages.html import to_html
from reports.pages.terminal import show
from reports.sections.drawn import draw_all
from reports.summary import summarise
from tests.support import ROOT
from tests.unit.reports.builder import measurement, planned, ran, result
from tests.unit.reports.disconnect_builder import Faults, disconnects

STORED = ROOT / "tests" / "data" / "result-quick.json"
DIGITS = "9" * 5000
HOSTILE_ROWS = (
    *("disconnect:server-kill:", "echo:", ":", "", "disconnect", "disconnect:nonsense:10/5:3"),
    *("disconnect:freeze:1e309/5", "disconnect:freeze:0/5", f"disconnect:freeze:{DIGITS}/5"),
    *(f"disconnect:freeze:5/5:{DIGITS}", f"echo:{DIGITS}", "disconnect:server-kill:python"),
    *("payload", "payload:x", "payload:0", "payload:32:purple", "payload:32:reference"),
    *(f"payload:{'9' * 400}", f"payload:{DIGITS}:binary", "payload:32:binary:reference"),
    *("echo:reference", "disconnect:server-kill:reference", "echo:\x1b[31m", "teleport:fast"),
)
KNOWN = ("echo", "disconnect", "payload")
NUMBERS = (0, -1, 1, 0.0, 5e-324, 1e-300, 1e14, 1e15, 1e308, -1e308, 10**18, 10**400)
OTHERS: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    [[]],
    float("nan"),
    float("inf"),
    "x" * 20_000,
    "\x1b[31m\u202e\ufffe",
)
HOSTILE: tuple[Any, ...] = (*HOSTILE_ROWS, *NUMBERS, *OTHERS)


def nested(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = {"deeper": [found]}
    return found


def changed(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same with a value replaced (mostly by one of its own type), dropped or doubled."""
    found = copy.deepcopy(document)
    node: Any = found
    while True:
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        inner = node[key]
        if not (isinstance(inner, dict | list) and inner and chance.random() < 0.85):
            break
        node = inner
    alike = [each for each in HOSTILE if isinstance(each, type(inner))]
    match chance.randrange(6):
        case 0:
            del node[key]
        case 1 if isinstance(node, list):
            node.append(copy.deepcopy(inner))
        case 1 | 2:
            node[key] = copy.deepcopy(chance.choice((*HOSTILE, nested(20), nested(40))))
        case _:
            node[key] = copy.deepcopy(chance.choice(alike or HOSTILE))
    return found


def reported(path: Path) -> str:
    """How it ends: the error's one line, or nothing where there is a report."""
    try:
        summary = summarise(read(path))
        for text in (to_csv, to_json, to_markdown):
            text(summary).encode()
        to_html(summary, []).encode()
        show(summary, Console(file=io.StringIO(), width=100))
    except (ResultError, ReportError) as error:
        return str(error)
    return ""


def sizes(folder: Path) -> Path:
    """The result file of a payload run."""
    rows = ["payload:32", "payload:65536", "payload:32:binary", "payload:32:reference"]
    plan = [planned(number, row) for number, row in enumerate(rows)]
    write(result(plan, [ran(number, measurement(row)) for number, row in enumerate(rows)]), folder)
    return folder / "result.json"


@pytest.mark.parametrize("start", [lambda _: STORED, sizes], ids=["quick", "payload"])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))]
)
def test_a_changed_result_is_reported_or_refused(
    seed: int, start: Callable[[Path], Path], tmp_path: Path
) -> None:
    document = json.loads(start(tmp_path).read_bytes())
    ends = []
    for number in range(60):
        chance = random.Random(f"{seed} {number}")
        once = changed(document, chance)
        path = tmp_path / "result.json"
        path.write_text(json.dumps(changed(once, chance) if number % 3 == 0 else once))
        ends.append(reported(path))
    assert any(ends)  # some are refused,
    assert "" in ends  # and some are reported


@pytest.mark.parametrize("row", HOSTILE_ROWS)
def test_a_row_of_any_name_is_drawn_or_refused(row: str) -> None:
    plan = [planned(0, "disconnect"), planned(1, "disconnect", "eventlet")]
    plan[0].rows[:] = [row, f"{row}:reference"]
    detection = [measurement(each) for each in plan[0].rows if each.startswith(KNOWN)]
    try:
        summary = summarise(result(plan[:1], [ran(0, *detection)]))
    except ReportError:
        assert not row.startswith(KNOWN)
        return
    assert to_html(summary, draw_all(summary))


def edited(edit: Callable[[dict[str, Any]], object], tmp_path: Path) -> Path:
    """A small run's result file after an edit."""
    write(result([planned(0)], [ran(0, measurement("echo"))]), tmp_path)
    path = tmp_path / "result.json"
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    "facts",
    [
        None,
        [],
        "kernel",
        {"arrival_clock": 5},
        {"stolen_percent": "much"},
        {"stolen_percent": 1e300},
        {"connections": 1.5},
        {"connections": -1},
        {"outages": {"server-kill": {"python": 3}}},
        {"crashes": "KeyError"},
        {"numbers": {"x": None}},
    ],
)
def test_generator_facts_that_are_none_are_one_line(
    facts: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = edited(lambda document: document["trials"][0].update(generator=facts), tmp_path)
    assert main(["build", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "not a result file" in line
    assert "generator" in line


def test_a_trial_that_says_nothing_of_its_generator_is_reported(tmp_path: Path) -> None:
    path = edited(lambda document: document["trials"][0].pop("generator"), tmp_path)
    assert not reported(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document["trials"][0].update(number=7),
        lambda document: document["environment"].update(pinning={"server": [{}], "generator": [1]}),
        lambda document: document["environment"].update(deep=nested(20), cores=10**400),
        lambda document: document["experiment"].update(echo={"rate_hz": 10**400, "blocks": -1}),
    ],
)
def test_what_is_strange_and_no_fault_of_the_format_is_reported(
    edit: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    assert not reported(edited(edit, tmp_path))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda document: document.update(environment=nested(200)), "nested too deeply"),
        (lambda document: document.update(seconds=1e308), "seconds"),
        (lambda document: document.update(format="x" * 20_000), "this version reads"),
        (lambda document: document["plan"][0].update(transport="x" * 20_000), "not a result file"),
    ],
)
def test_a_line_about_a_file_is_short_whatever_it_holds(
    edit: Callable[[dict[str, Any]], object], expected: str, tmp_path: Path
) -> None:
    line = reported(edited(edit, tmp_path))
    assert expected in line
    assert len(line) < 1000


@pytest.mark.parametrize("heartbeat", [(0.0, 1.0), (-1.0, 1.0), (1e300, 1e300)])
def test_a_heartbeat_that_no_server_has_predicts_nothing(heartbeat: tuple[float, float]) -> None:
    run = disconnects(clients=2, sweep=(), server=False, modes=("gevent",), faults=Faults())
    interval_s, timeout_s = heartbeat
    options = {"ping_interval_s": interval_s, "ping_timeout_s": timeout_s}
    run.experiment["disconnect"] = options
    assert {drawn.chart.kind.name for drawn in draw_all(summarise(run))} == {"disconnect-detection"}
