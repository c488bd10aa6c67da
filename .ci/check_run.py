"""Check a run folder: every file is there, every planned row has its numbers, nothing failed."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

FILES = ("index.html", "summary.csv", "summary.json", "summary.md", "result.json")


def problems(folder: Path) -> list[str]:
    """What is wrong with the run in ``folder``, one line each."""
    found = [f"{name} is missing" for name in FILES if not (folder / name).is_file()]
    for kind in ("svg", "png"):
        if not list((folder / "charts").glob(f"*.{kind}")):
            found.append(f"charts/*.{kind} is missing")
    if found:
        return found
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    planned = {
        (row, each["mode"], each["transport"]) for each in result["plan"] for row in each["rows"]
    }
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen = {(row["scenario"], row["mode"], row["transport"]) for row in rows}
    found += [f"no row for {' '.join(cell)}" for cell in sorted(planned - seen)]
    for row in rows:
        empty = row["status"] == "ok" and not row["estimate"]
        if row["status"] in ("failed", "unavailable") or empty:
            place = " ".join(row[key] for key in ("scenario", "mode", "transport", "metric"))
            found.append(f"{row['status']}: {place}")
    return found


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]))
    print("\n".join(lines) or "the run folder is whole")
    sys.exit(1 if lines else 0)
