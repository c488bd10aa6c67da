"""Servers with a fault of known size: what is measured must be exactly that."""

from __future__ import annotations

import pytest

from loadtests.run.progress import reporter
from loadtests.run.runner import Run
from servers.modes import MAIN
from tests.integration.conftest import experiment, faulty, in_a_quiet_moment, loadtests, measure

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


@pytest.mark.parametrize("mode", MODES)
def test_delay_of_50_ms_in_the_handler_raises_the_median_by_50_ms(serve, tmp_path, mode):
    def check(folder):
        medians = {}
        for name, command in (("plain", None), ("delayed", faulty("delay:0.05"))):
            with serve(mode, **({"command": command} if command else {})) as server:
                result = measure(server.url, ECHO, folder / name)
            for planned, trial in zip(result.plan, result.trials, strict=True):
                medians[name, planned.transport] = trial.measurements[0].metrics["latency_p50"]
        for transport in ("polling", "websocket"):
            added_ms = medians["delayed", transport] - medians["plain", transport]
            assert added_ms == pytest.approx(50, abs=3), medians

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize(
    ("fault", "metric"),
    [("drop:10", "missing"), ("double:10", "duplicate"), ("swap:10", "reordered")],
)
def test_every_tenth_broadcast_to_one_client_is_counted(serve, tmp_path, fault, metric, transport):
    with serve("gevent", command=faulty(fault)) as server:
        result = measure(server.url, BROADCAST.format(transport=transport), tmp_path)
    metrics = result.trials[0].measurements[0].metrics
    # 100 broadcasts; the last one that is held back to be swapped has none behind it.
    held_for_ever = 1 if metric == "reordered" else 0
    expected = dict.fromkeys(("missing", "duplicate", "reordered"), 0)
    expected[metric] = 10 - held_for_ever
    expected["missing"] += held_for_ever
    assert {name: metrics[name] for name in expected} == expected


def test_server_that_never_answers_is_a_failure_and_not_a_fast_server(serve, tmp_path):
    file = tmp_path / "echo.toml"
    file.write_text(f'name = "test"\ntransports = ["websocket"]\n{ECHO}')
    with serve("gevent", command=faulty("mute:0")) as server:
        done = loadtests("run", str(file), "--url", server.url, "--out", str(tmp_path / "run"))
    assert done.returncode == 4
    assert "answered none of 60 messages" in done.stdout


def test_kept_polling_connections_to_gevent_wait_for_an_acknowledgement(tmp_path):
    def check(folder):
        run = Run(experiment('modes = ["gevent"]\ntransports = ["polling"]\n' + ECHO), folder)
        (trial,) = run.run(reporter).trials
        metrics = trial.measurements[0].metrics
        # Linux delays an acknowledgement by 40 ms; the server is nearly idle meanwhile.
        assert 40 <= metrics["latency_p50"] <= 60
        assert metrics["server_busy_open"] < 50

    in_a_quiet_moment(check, tmp_path)


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
        (trial,) = Run(experiment(text), folder).run(reporter).trials
        metrics = trial.measurements[0].metrics
        assert metrics["server_busy"] >= 90
        assert metrics["generator_busy"] < metrics["server_busy"] / 2
        assert trial.measurements[0].invalid.keys() & {"throughput", "server_cpu"} == set()

    in_a_quiet_moment(check, tmp_path)
