"""Several running servers in one run: each is a row of cells, compared as modes are."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from pathlib import Path

from loadtests.machine.launch import serving
from tests.support.measuring import TINY, loadtests


def test_two_running_servers_are_in_one_report(tmp_path: Path) -> None:
    with ExitStack() as stack:
        told: list[str] = []
        for mode in ("gevent", "threading"):
            server = stack.enter_context(
                serving(
                    mode,
                    ping_interval_s=25,
                    ping_timeout_s=20,
                    log=tmp_path / f"{mode}.log",
                    journal=tmp_path / f"{mode}.jsonl",
                )
            )
            told += ["--url", server.url, "--label", f"my {mode}"]
        done = loadtests(
            *("run", str(TINY), "--scenarios", "echo,broadcast", "--beside"),
            *("--out", str(tmp_path / "run"), *told),
        )
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "run" / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "throughput"]
    assert {(row["mode"], row["status"]) for row in rows} == {
        ("my gevent", "ok"),
        ("my threading", "ok"),
    }
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    assert "my gevent" in page
    assert "my threading" in page
