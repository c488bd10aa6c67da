"""Check a run folder: every file, every chart, every row, and nothing that failed."""

from __future__ import annotations

import csv
import re
import sys
from itertools import product
from pathlib import Path

from loadtests.record import results
from loadtests.scenarios.registry import metrics_of
from reports.pages.exports import COLUMNS
from reports.sections.drawn import kinds_of
from reports.summary import summarise

FILES = ("index.html", "summary.csv", "summary.json", "summary.md", "result.json")


def problems(folder: Path) -> list[str]:
    """What is wrong with the run in ``folder``, one line each."""
    result = results.read(folder)
    charts = [
        f"charts/{kind.name}.{ending}"
        for (_, kind), ending in product(kinds_of(summarise(result)), ("svg", "png"))
    ]
    found = [f"{name} is missing" for name in (*FILES, *charts) if not (folder / name).is_file()]
    if found:
        return found
    page = (folder / "index.html").read_text(encoding="utf-8")
    if loads := re.findall(r"""<script[^>]*src|<link[^>]*href|(?:src|href)=["']https?:""", page):
        found.append(f"index.html loads something from outside: {loads[0]}")
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        if file.readline().strip() != ",".join(COLUMNS):
            found.append("summary.csv has other columns")
        file.seek(0)
        rows = {
            (row["scenario"], row["mode"], row["transport"], row["metric"]): row
            for row in csv.DictReader(file)
        }
    # Once each: every block plans the same cells again.
    cells = {
        (name, planned.mode, str(planned.transport)): None
        for planned in result.plan
        for name in planned.rows
    }
    for cell in cells:
        for metric in metrics_of(cell[0]).values():
            place = (*cell, metric.name)
            row = rows.pop(place, None)
            if row is None:
                found.append(f"no row: {' '.join(place)}")
            elif row["status"] not in ("ok", "invalid") or not row["estimate"]:
                said = row["estimate"] or "empty"
                found.append(f"{row['status']}, {said}: {' '.join(place)}")
            elif row["unit"] != metric.unit:
                found.append(f"unit {row['unit']}: {' '.join(place)}")
    return found + [f"unexpected row: {' '.join(place)}" for place in rows]


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]))
    print("\n".join(lines) or "the run folder is whole")
    sys.exit(1 if lines else 0)
