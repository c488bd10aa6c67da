"""Servers with a fault of known size: what is measured must be exactly that."""

from __future__ import annotations

import pytest

from servers.modes import MAIN
from tests.support.measuring import (
    faulty,
    in_a_quiet_moment,
    loadtests,
    measured,
    measured_at,
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
"""


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_what_is_dropped_doubled_and_swapped_is_counted_as_that(serve, tmp_path, transport):
    with serve("gevent", command=faulty("spoil:10")) as server:
        result = measured_at(server.url, BROADCAST.format(transport=transport), tmp_path)
    metrics = result.trials[0].measurements[0].metrics
    # Each fault has a tenth of 100 broadcasts to a recipient of its own; the last one that is held
    # back to be swapped has none behind it.
    expected = {"missing": 10 + 1, "duplicate": 10, "reordered": 9}
    assert {name: metrics[name] for name in expected} == expected


def test_server_that_never_answers_is_a_failure_and_not_a_fast_server(serve, tmp_path):
    file = tmp_path / "echo.toml"
    file.write_text(f'name = "test"\ntransports = ["websocket"]\n{ECHO}')
    with serve("gevent", command=faulty("mute:0")) as server:
        done = loadtests("run", str(file), "--url", server.url, "--out", str(tmp_path / "run"))
    assert done.returncode == 4
    assert "answered none of 60 messages" in done.stdout


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
