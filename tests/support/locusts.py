"""Starting Locust, talking to its web page and reading its files."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil

from loadtests import ROOT
from loadtests.machine.launch import LOCUSTFILE
from tests.support.waiting import PATIENCE_S, SLOWNESS, until

#: Workers that report more often than every three seconds, so that a test need not take those. And
#: a master waits half a second for the last report, which a busy machine may not make.
HASTY = """
import locust.runners
locust.runners.WORKER_REPORT_INTERVAL = 0.5
from loadtests.locustfile import *
"""


@contextmanager
def locust(*options: str, log: Path, file: Path = LOCUSTFILE) -> Iterator[subprocess.Popen[bytes]]:
    """A Locust process with all that it starts, ended with the block."""
    command = [sys.executable, "-m", "locust", "-f", str(file), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    family = [psutil.Process(process.pid)]
    try:
        yield process
    finally:
        if process.poll() is None:
            family += family[0].children(recursive=True)
        for member in family:
            if member.is_running():
                member.kill()
        process.wait()


def run(*options: str, log: Path, file: Path = LOCUSTFILE, timeout_s: float = 30 * SLOWNESS) -> int:
    """Run Locust without a web page, until it and all that it started have ended; its exit code."""
    workers: set[psutil.Process] = set()
    # Its master's and workers' alone: another test's may run beside it.
    port = str(free_port())
    ports = ("--master-bind-port", port, "--master-port", port)
    with locust("--headless", *ports, *options, log=log, file=file) as process:
        own = psutil.Process(process.pid)

        def ended() -> bool:
            with suppress(psutil.NoSuchProcess):
                workers.update(own.children(recursive=True))
            return process.poll() is not None

        try:
            until(ended, "Locust ends", timeout_s)
        except AssertionError as error:
            error.add_note(log.read_text())
            raise
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert [(each.pid, each.status(), each.cmdline()) for each in alive] == []
        return process.returncode


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def requests_of_locust(prefix: Path) -> dict[str, int]:
    """But for what was emitted, which nobody answers."""
    found = rows(Path(f"{prefix}_stats.csv"))
    return {
        row["Name"]: int(row["Request Count"]) for row in found if row["Type"] not in ("", "emit")
    }


def requests_of_ours(prefix: Path) -> dict[str, int]:
    """Everything that is one request of Locust's: answered, timed or not, lost and failed."""
    columns = ("count", "untimed", "lost", "failed")
    return {
        row["name"]: sum(int(row[column]) for column in columns)
        for row in rows(Path(f"{prefix}_latency.csv"))
        if row["measure"] == "latency"
    }


def latency_of(prefix: Path, name: str) -> dict[str, str]:
    (row,) = [
        each
        for each in rows(Path(f"{prefix}_latency.csv"))
        if (each["name"], each["measure"]) == (name, "latency")
    ]
    return row


class Page:
    """Locust's web page, as its own script talks to it."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        with urlopen(self._base + path, timeout=5) as answer:
            body = answer.read().decode()
            return json.loads(body) if "json" in answer.headers["Content-Type"] else body

    def post(self, path: str, **form: Any) -> Any:
        with urlopen(self._base + path, urlencode(form).encode(), timeout=5) as answer:
            return json.loads(answer.read())

    def is_there(self) -> bool:
        """Whether anybody answers, be it that there is no such page."""
        try:
            self.get("/")
        except HTTPError:
            return True
        except (URLError, OSError):
            return False
        return True

    def users(self) -> int:
        return int(self.get("/stats/requests")["user_count"])

    def count_of(self, name: str) -> int:
        found = [row for row in self.get("/socketio/latency") if row["name"] == name]
        return found[0]["count"] if found else 0


@contextmanager
def served(application: Path, log: Path) -> Iterator[str]:
    """A server that listens on the port that its environment names."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(application)],
            env=os.environ | {"PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(Page(port).is_there)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
