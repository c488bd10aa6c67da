"""Servers with a fault of known size: what is measured must be exactly that."""

from __future__ import annotations

import re
from itertools import compress
from pathlib import Path

import pytest

from loadtests.record.results import Trial
from servers.modes import MAIN
from tests.support.measuring import (
    faulty,
    in_a_quiet_moment,
    loadtests,
    measured,
    measured_at,
    tried,
)
from tests.support.present import present

MODES = sorted(MAIN)

ECHO = """
[echo]
clients = 5
rate_hz = 40
warmup_s = 0.3
latency_s = 1.5
throughput_s = 0.2
"""

BROADCAST = """
transports = ["{transport}"]
[broadcast]
recipients = 5
publishers = 1
rate_hz = 50
warmup_s = 0
measure_s = 2.0
rounds = {rounds}
"""


def counted(url: str, folder: Path, transport: str, rounds: int) -> tuple[Trial, list[float]]:
    """A trial of broadcasts; what was missing, came twice, and came out of order."""
    text = BROADCAST.format(transport=transport, rounds=rounds)
    (trial,) = measured_at(url, text, folder).trials
    names = ("missing", "duplicate", "reordered")
    return trial, [present(trial.measurements[0].metrics[name]) for name in names]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_what_is_dropped_doubled_and_swapped_is_counted_as_that(serve, tmp_path, transport):
    with serve("gevent", command=faulty("spoil:10")) as server:
        _, found = counted(server.url, tmp_path, transport, 1)
    # Each fault has a tenth of 100 broadcasts to a recipient of its own; the last one that is held
    # back to be swapped has none behind it.
    assert found == [10 + 1, 10, 9]


@pytest.mark.parametrize(
    "transport", [pytest.param("polling", marks=pytest.mark.long), "websocket"]
)
def test_what_is_dropped_doubled_and_swapped_is_counted_in_the_slices_that_count(
    serve, tmp_path, transport
):
    with serve("gevent", command=faulty("spoil:10")) as server:
        trial, found = counted(server.url, tmp_path, transport, 4)
    # 25 broadcasts, and in the later turns three before them that do not count: those of the
    # numbers 9, 19, ..., 99 are spoilt, of which all are followed by one that counts.
    spoilt = [2, 3, 3, 2]
    whole = [not each.left_out for each in trial.generator.slices]
    assert found == 3 * [sum(compress(spoilt, whole))]


def test_server_that_never_answers_is_a_failure_and_not_a_fast_server(serve, tmp_path):
    file = tmp_path / "echo.toml"
    file.write_text(f'name = "test"\ntransports = ["websocket"]\n{ECHO}')
    with serve("gevent", command=faulty("mute:0")) as server:
        done = loadtests("run", str(file), "--url", server.url, "--out", str(tmp_path / "run"))
    assert done.returncode == 4
    assert "the server answered nothing; does it handle 'my event'" in done.stdout


@pytest.mark.parametrize(
    ("mode", "says", "do"),
    [("gevent", "does not compress", "all"), ("gevent-websocket", "compresses", "none")],
)
def test_server_that_lies_about_its_compression_fails_over_websocket(tmp_path, mode, says, do):
    text = f'modes = ["{mode}"]\ntransports = ["websocket", "polling"]\n{ECHO}'
    text += "[compression]\nsizes = [64]\nclients = 2\nrecipients = 2\n"
    result = tried(text, tmp_path, faulty("lie:0"))
    reasons = {
        (planned.scenario, str(planned.transport)): trial.reason
        for planned, trial in zip(result.plan, result.trials, strict=True)
    }
    for scenario in ("echo", "compression"):
        reason = present(reasons[scenario, "websocket"])
        assert re.search(rf"its WebSocket \(.*\) {says} messages, and {do} of \d+ connec", reason)
        assert reasons[scenario, "polling"] is None


@pytest.mark.long
def test_what_connections_negotiated_is_in_the_facts_of_every_trial(tmp_path):
    text = f"""
modes = ["gevent"]
transports = ["websocket", "polling"]
{ECHO}
[payload]
sizes = [4096]
clients = 2
rate_hz = 40
latency_s = 1
throughput_s = 0.3
[compression]
sizes = [64]
clients = 2
recipients = 2
rounds = 1
latency_s = 0.4
throughput_s = 0.2
measure_s = 0.4
"""
    result = measured(text, tmp_path)
    found = {
        (planned.rows[0], planned.transport): trial.generator
        for planned, trial in zip(result.plan, result.trials, strict=True)
    }
    for (row, transport), facts in found.items():
        over_websocket = transport == "websocket"
        assert facts.compression == ("permessage-deflate" if over_websocket else "")
        if over_websocket or row.startswith("compression"):  # that makes no polling clients
            assert facts.codings == []
        else:  # python-engineio packs from 1,024 bytes on
            expected = {"identity"} if row == "echo" else {"gzip", "identity"}
            assert set(facts.codings) == expected, row


@pytest.mark.timing
def test_kept_polling_connections_to_gevent_wait_for_an_acknowledgement(tmp_path):
    def check(folder):
        text = 'modes = ["gevent"]\ntransports = ["polling"]\n' + ECHO
        (trial,) = measured(text, folder).trials
        metrics = trial.measurements[0].metrics
        # Linux delays an acknowledgement by 40 ms; the server is nearly idle meanwhile.
        assert 40 <= present(metrics["latency_p50"]) <= 60
        assert present(metrics["server_busy_open"]) < 50

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.timing
@pytest.mark.parametrize("mode", MODES)
def test_closed_loop_is_bounded_by_the_server_and_not_by_the_generator(tmp_path, mode):
    text = f"""
modes = ["{mode}"]
transports = ["websocket"]
[echo]
clients = 20
rate_hz = 20
warmup_s = 0.3
latency_s = 0.3
throughput_s = 1.5
"""

    def check(folder):
        (trial,) = measured(text, folder).trials
        metrics = trial.measurements[0].metrics
        server_busy = present(metrics["server_busy"])
        assert server_busy >= 90
        assert present(metrics["generator_busy"]) < server_busy / 2
        assert trial.measurements[0].invalid.keys() & {"throughput", "server_cpu"} == set()

    in_a_quiet_moment(check, tmp_path)


def test_broadcasts_of_one_cell_are_not_heard_by_another_at_the_same_server(serve, tmp_path):
    text = """
[broadcast]
recipients = 3
publishers = 1
rate_hz = 50
warmup_s = 0
measure_s = 1
rounds = 2
"""
    with serve("gevent") as server:
        result = measured_at(server.url, text, tmp_path)
    assert {planned.transport for planned in result.plan} == {"polling", "websocket"}
    for trial in result.trials:
        (found,) = trial.measurements
        counts = {name: found.metrics[name] for name in ("missing", "duplicate", "reordered")}
        assert counts == dict.fromkeys(counts, 0)
        assert found.samples["delivery"] in (3 * 50, 3 * 25)
