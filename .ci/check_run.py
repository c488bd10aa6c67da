"""Check the run folder of tests/data/tiny.toml: every file, every row, nothing that failed."""

from __future__ import annotations

import csv
import re
import sys
from itertools import product
from pathlib import Path

from loadtests.record.words import Transport
from loadtests.scenarios.registry import METRICS
from servers.modes import MAIN

FILES = ("index.html", "summary.csv", "summary.json", "summary.md", "result.json")
CHARTS = (
    "broadcast-delivery",
    "cpu-per-message",
    "disconnect-detection",
    "echo-latency",
    "echo-percentiles",
    "echo-throughput",
)
ROWS = ("echo", "broadcast", "disconnect:close", "disconnect:kill")
COLUMNS = "scenario,mode,transport,metric,unit,estimate,ci_low,ci_high,trials,status"


def problems(folder: Path) -> list[str]:
    """What is wrong with the run in ``folder``, one line each."""
    charts = [f"charts/{name}.{kind}" for name, kind in product(CHARTS, ("svg", "png"))]
    found = [f"{name} is missing" for name in (*FILES, *charts) if not (folder / name).is_file()]
    if found:
        return found
    page = (folder / "index.html").read_text(encoding="utf-8")
    if loads := re.findall(r"""<script[^>]*src|<link[^>]*href|(?:src|href)=["']https?:""", page):
        found.append(f"index.html loads something from outside: {loads[0]}")
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        if file.readline().strip() != COLUMNS:
            found.append("summary.csv has other columns")
        file.seek(0)
        rows = {
            (row["scenario"], row["mode"], row["transport"], row["metric"]): row
            for row in csv.DictReader(file)
        }
    for scenario, mode, transport in product(ROWS, MAIN, Transport):
        for metric in METRICS[scenario.partition(":")[0]].values():
            place = (scenario, mode, str(transport), metric.name)
            row = rows.pop(place, None)
            if row is None:
                found.append(f"no row: {' '.join(place)}")
            elif row["status"] not in ("ok", "invalid") or not row["estimate"]:
                found.append(f"{row['status']}, {row['estimate'] or 'empty'}: {' '.join(place)}")
            elif row["unit"] != metric.unit:
                found.append(f"unit {row['unit']}: {' '.join(place)}")
    return found + [f"unexpected row: {' '.join(place)}" for place in rows]


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]))
    print("\n".join(lines) or "the run folder is whole")
    sys.exit(1 if lines else 0)
