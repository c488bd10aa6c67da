"""The charts of docs/disconnect.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.charts.gallery import KINDS, draw_one
from reports.pages.disconnect import CHARTS
from reports.summary import Summary


def wanted(summaries: Sequence[Summary]) -> dict[str, Summary]:
    """Which charts there are, each with the first result that has what it shows."""
    kinds = {kind.name: kind for kind in KINDS}
    found = {}
    for name in CHARTS:
        summary = next((one for one in summaries if kinds[name].wanted(one)), None)
        if summary is not None:
            found[name] = summary
    return found


def draw(summaries: Sequence[Summary], folder: Path) -> list[str]:
    """Write them as PNG, and say which.

    Raises:
        OSError: the folder cannot be written to.
    """
    kinds = {kind.name: kind for kind in KINDS}
    found = wanted(summaries)
    folder.mkdir(parents=True, exist_ok=True)
    for name, summary in found.items():
        chart = draw_one(kinds[name], summary)
        (folder / f"{name}.png").write_bytes(chart.png)
    return list(found)
