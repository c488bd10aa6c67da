"""Everything that can be made from ``result.json``, from two of them, or from ``gate.json``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loadtests.record import called, files
from loadtests.record.gate import Gate
from reports.facts.errors import WriteError
from reports.facts.sides import Sides
from reports.pages.benchmark_action import ARRAYS, benchmarks
from reports.pages.compare import compare_html, compare_json, compare_markdown
from reports.pages.exports import to_csv, to_json, to_markdown
from reports.pages.gate import gate_html
from reports.pages.gate_markdown import gate_markdown
from reports.pages.html import to_html
from reports.pages.junit import junit
from reports.sections.drawn import draw_all
from reports.summary import Summary

PAGE = "index.html"


def build(summary: Summary, folder: Path) -> Path:
    """Write tables, charts and the page; replaces what an earlier build left under these names.

    Args:
        summary: of the run.
        folder: the run folder; it exists.

    Returns:
        The path of the page.

    Raises:
        ReportError: the result holds something that cannot be drawn.
        WriteError: a file cannot be written. It is as it was, and so is all that follows it.
    """
    again = called.command(f"python -m reports build {folder}")
    return _write(_contents(summary), folder, again)


def build_comparison(sides: Sides, folder: Path) -> Path:
    """The same of two stored runs beside each other; makes the folder where it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"{folder} cannot be made: {error.strerror}; choose another --out"
        ) from error
    return _write(_compared(sides), folder, called.command("python -m reports compare"))


def build_gate(gate: Gate, folder: Path) -> Path:
    """The same of a gate, beside its ``gate.json``."""
    return _write(_gated(gate), folder, called.command(f"python -m reports gate {folder}"))


def _write(contents: Iterator[tuple[str, bytes]], folder: Path, again: str) -> Path:
    for name, content in contents:
        path = folder / name
        try:
            if path.parent != folder:  # a run folder that has vanished is not to come back empty
                path.parent.mkdir(exist_ok=True)
            files.replace(path, content)
        except OSError as error:
            raise WriteError(
                f"{path} cannot be written: {error.strerror}; when it can be: {again}"
            ) from error
    return folder / PAGE


def _compared(sides: Sides) -> Iterator[tuple[str, bytes]]:
    yield "compare.json", compare_json(sides).encode()
    yield "compare.md", compare_markdown(sides).encode()
    yield PAGE, compare_html(sides).encode()


def _gated(gate: Gate) -> Iterator[tuple[str, bytes]]:
    yield "gate.md", gate_markdown(gate).encode()
    yield "junit.xml", junit(gate)
    for better, name in ARRAYS.items():
        yield name, benchmarks(gate, better).encode()
    yield PAGE, gate_html(gate).encode()


def _contents(summary: Summary) -> Iterator[tuple[str, bytes]]:
    """The name of each file, and what is to be in it."""
    # The tables first: they are there even if a chart cannot be drawn.
    yield "summary.csv", to_csv(summary).encode()
    yield "summary.json", to_json(summary).encode()
    yield "summary.md", to_markdown(summary).encode()
    charts = draw_all(summary)
    for chart in (drawn.chart for drawn in charts):
        yield f"charts/{chart.kind.name}.svg", chart.svg.encode()
        yield f"charts/{chart.kind.name}.png", chart.png
    yield PAGE, to_html(summary, charts).encode()
