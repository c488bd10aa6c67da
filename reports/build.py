"""Everything of a run folder that can be made from ``result.json``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loadtests.record import files
from reports.facts.errors import WriteError
from reports.pages.exports import to_csv, to_json, to_markdown
from reports.pages.html import to_html
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
    for name, content in _contents(summary):
        path = folder / name
        try:
            if path.parent != folder:  # a run folder that has vanished is not to come back empty
                path.parent.mkdir(exist_ok=True)
            files.replace(path, content)
        except OSError as error:
            raise WriteError(
                f"{path} cannot be written: {error.strerror}; "
                f"when it can be: python -m reports build {folder}"
            ) from error
    return folder / PAGE


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
