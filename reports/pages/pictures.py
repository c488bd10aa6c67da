"""Charts that stand in docs/, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtests.record import files
from reports.charts.gallery import draw
from reports.facts.run import Facts
from reports.sections.disconnect import SECTION
from reports.sections.drawn import kinds_of


def wanted(runs: Sequence[Facts]) -> dict[str, Facts]:
    """The charts of docs/disconnect.md, each with the first result that has what it shows."""
    found = {}
    for kind in SECTION.charts:
        facts = next((one for one in runs if kind.wanted(one)), None)
        if facts is not None:
            found[kind.name] = facts
    return found


def picture(facts: Facts, name: str) -> bytes:
    """One chart of a run.

    Raises:
        KeyError: it has none of that name.
    """
    kinds = {kind.name: kind for _, kind in kinds_of(facts)}
    return draw(kinds[name], facts).png


def draw_into(runs: Sequence[Facts], folder: Path) -> list[str]:
    """Write those of docs/disconnect.md, and say which.

    Raises:
        OSError: the folder cannot be written to.
    """
    kinds = {kind.name: kind for kind in SECTION.charts}
    found = wanted(runs)
    folder.mkdir(parents=True, exist_ok=True)
    for name, facts in found.items():
        files.replace(folder / f"{name}.png", draw(kinds[name], facts).png)
    return list(found)
