"""Everything of a run folder that can be made from ``result.json``."""

from __future__ import annotations

from pathlib import Path

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
        OSError: the folder cannot be written to.
    """
    # The tables first: they are there even if a chart cannot be drawn.
    _write(folder / "summary.csv", to_csv(summary))
    _write(folder / "summary.json", to_json(summary))
    _write(folder / "summary.md", to_markdown(summary))
    charts = draw_all(summary)
    drawings = folder / "charts"
    drawings.mkdir(exist_ok=True)
    for chart in (drawn.chart for drawn in charts):
        _write(drawings / f"{chart.kind.name}.svg", chart.svg)
        (drawings / f"{chart.kind.name}.png").write_bytes(chart.png)
    page = folder / PAGE
    _write(page, to_html(summary, charts))
    return page


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
