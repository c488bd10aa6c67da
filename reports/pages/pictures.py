"""The charts of docs/disconnect.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtests.record import files
from reports.charts.gallery import draw
from reports.facts.run import Facts
from reports.sections.disconnect import SECTION


def wanted(runs: Sequence[Facts]) -> dict[str, Facts]:
    """Which charts there are, each with the first result that has what it shows."""
    found = {}
    for kind in SECTION.charts:
        facts = next((one for one in runs if kind.wanted(one)), None)
        if facts is not None:
            found[kind.name] = facts
    return found


def draw_into(runs: Sequence[Facts], folder: Path) -> list[str]:
    """Write them as PNG, and say which.

    Raises:
        OSError: the folder cannot be written to.
    """
    kinds = {kind.name: kind for kind in SECTION.charts}
    found = wanted(runs)
    folder.mkdir(parents=True, exist_ok=True)
    for name, facts in found.items():
        files.replace(folder / f"{name}.png", draw(kinds[name], facts).png)
    return list(found)
