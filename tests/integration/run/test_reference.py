"""python-socketio's client through the same scenarios, and both clients at a known truth."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from loadtests import ROOT
from loadtests.machine.journal import entries
from loadtests.record.results import read
from loadtests.record.words import Client
from tests.support.measuring import loadtests
from tests.support.present import present

TINY = """
client = "reference"
modes = ["gevent"]

[echo]
clients = 3
rate_hz = 30
warmup_s = 0.1
latency_s = 0.5
throughput_s = 0.2

[broadcast]
recipients = 3
publishers = 1
rate_hz = 20
warmup_s = 0.1
measure_s = 0.5

[disconnect]
clients = 2
causes = ["close", "kill", "reset", "freeze"]
ping_interval_s = 1
ping_timeout_s = 0.5
"""


@pytest.mark.long
def test_tiny_experiment_goes_the_whole_way_with_both_clients(tmp_path):
    file, out = tmp_path / "tiny.toml", tmp_path / "run"
    file.write_text(f'name = "tiny"\n{TINY}', encoding="utf-8")
    done = loadtests("run", str(file), "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    result = read(out)
    for planned, trial in zip(result.plan, result.trials, strict=True):
        assert trial.generator.client == planned.client
        assert [each.row for each in trial.measurements] == planned.rows
        assert trial.server["mode"] == planned.mode
        if planned.client is Client.REFERENCE:
            assert trial.generator.arrival_clock == "user"
            assert trial.generator.versions.keys() >= {"python-socketio", "python-engineio"}
            assert "-reference-server.log" in present(trial.server_log)
        else:
            assert trial.generator.arrival_clock == "kernel"
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = {(row["scenario"], row["metric"]) for row in rows if not row["estimate"]}
    assert {metric for _, metric in missing} == {"receive_lag_p99"}
    assert {scenario for scenario, _ in missing} == {
        "echo:reference",
        "broadcast:reference",
        "disconnect:close:reference",
        "disconnect:kill:reference",
        "disconnect:reset:reference",
        "disconnect:freeze:reference",
    }
    assert "Our client beside python-socketio" in (out / "index.html").read_text(encoding="utf-8")
    _departures_are_what_the_rules_say(result)


def _departures_are_what_the_rules_say(result):
    """Each cause means the same for both clients: the server is told so, and as late."""
    for planned, trial in zip(result.plan, result.trials, strict=True):
        for measurement in trial.measurements if planned.scenario == "disconnect" else ():
            cause = measurement.row.split(":")[1]
            told = {each.reason for each in measurement.detections}
            at_once = cause == "close" or (
                cause in ("kill", "reset") and planned.transport == "websocket"
            )
            where = (measurement.row, planned.transport)
            assert (told == {"ping timeout"}) is not at_once, (where, told)
            # A silent client: see loadtests/scenarios/disconnect/windows.py for when.
            for each in measurement.detections:
                assert (each.detected_s < 0.4) is at_once, (where, each)


# gevent answers a POST on a kept connection 40 ms late, so it is still under way here.
HASTY = """
from gevent import monkey; monkey.patch_all()
import sys, gevent
from loadtests.client.link import locate
from loadtests.client.packets import Packet, PacketType, encode
from loadtests.record.words import Transport
from loadtests.client.reference import ReferenceSession

session = ReferenceSession(locate(sys.argv[1]), (Transport.POLLING,), "/test")
session.connect()
(echo,) = encode(Packet(PacketType.EVENT, "/test", None, ["my event", {"data": "x"}]))
gone = session._client.eio.read_loop_task
session.send(echo)
gevent.sleep(0.01)
session.close()
gone.join(5)
"""


def test_goodbye_of_the_reference_arrives_when_it_leaves_during_a_post(serve, tmp_path):
    with serve("gevent") as server:
        subprocess.run([sys.executable, "-c", HASTY, server.url], cwd=ROOT, timeout=30, check=True)
        noted = entries(tmp_path / "gevent.jsonl")
        reasons = [each["reason"] for each in noted if each["event"] == "disconnect"]
        assert reasons == ["client disconnect"]
