"""The recipe of CONTRIBUTING: one file more, and a workload goes from an experiment to the page."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

SCENARIO = '''
"""Ping: everybody sends one message, and the answers are counted."""

import msgspec

from loadtests.record.results import Measurement
from loadtests.record.words import Better, Metric, Unit
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.scenario import Count, Scenario, table


class Ping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    clients: Count = 3


METRICS = table(Metric("answered", Unit.MESSAGES, Better.HIGHER, "answered", "pings answered"))


def measure(bench, options):
    clients = [EchoClient(each, bench.alarm, 32, now_ns=bench.now_ns) for each in bench.sessions]
    for client in clients:
        client.closed_loop(0)  # one message, and none after its reply
    bench.sleep_until(bench.now_ns() + 500_000_000)
    bench.numbers["asked"] = float(len(clients))
    answered = sum(len(client.numbers) for client in clients)
    return [Measurement(row="ping", metrics={"answered": float(answered)})]


SCENARIO = Scenario(
    name="ping",
    rank=50,
    options=Ping,
    metrics=METRICS,
    clients=lambda options: options.clients,
    expected_s=lambda options: 1.0,
    measure=measure,
)
'''

EXPERIMENT = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling", "websocket"]\n[ping]\n'


def test_a_scenario_without_a_section_goes_from_toml_to_the_page(tmp_path: Path) -> None:
    house = tmp_path / "house"
    for room in ("servers", "loadtests", "reports"):
        kept_out = shutil.ignore_patterns("__pycache__", "runs")
        shutil.copytree(ROOT / room, house / room, ignore=kept_out)
    (house / "loadtests" / "scenarios" / "ping.py").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "mine.toml").write_text(EXPERIMENT, encoding="utf-8")
    out = tmp_path / "run"
    command = [sys.executable, "-m", "loadtests", "run", str(tmp_path / "mine.toml")]
    environment = os.environ | {"PYTHONPATH": str(house)}
    done = subprocess.run(
        [*command, "--out", str(out)],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["scenario"], row["metric"], row["estimate"]) for row in csv.DictReader(file)]
    assert rows == [("ping", "answered", "3")] * 2
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["experiment"]["ping"] == {"clients": 3}
    assert [each["generator"]["numbers"] for each in result["trials"]] == [{"asked": 3.0}] * 2
    page = (out / "index.html").read_text(encoding="utf-8")
    assert '<h2 id="ping-title">Ping</h2>' in page
    for text in (page, (out / "summary.md").read_text(encoding="utf-8"), done.stdout):
        assert "answered" in text
