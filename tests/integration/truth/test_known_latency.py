"""Servers with latencies of a known distribution: its quantiles must come out, a stall's too."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from hdrh.histogram import HdrHistogram

from loadtests.machine.journal import entries
from loadtests.record.words import Client
from tests.support.measuring import faulty, in_a_quiet_moment, measured_at

pytestmark = pytest.mark.timing

#: A thousand messages, all of them measured.
ECHO = """
transports = ["{transport}"]
[echo]
clients = 10
rate_hz = 200
warmup_s = 0
latency_s = 5
throughput_s = 1
rounds = {rounds}
"""

#: Of a hundred messages half are answered after 20 ms, 49 after 80 and one after 200.
PEAKS = ",".join(["0.02", "0.08"] * 49 + ["0.02", "0.2"])

#: Over long-polling the reference's own milliseconds are as many as the tolerance allows.
BOTH_CLIENTS = """
client = "reference"
transports = ["websocket"]
[echo]
clients = 5
rate_hz = 40
warmup_s = 0.3
latency_s = 2
throughput_s = 0.8
rounds = 4
"""

#: Long enough to be stopped for a second in its midst. So many clients that none of them has
#: more than sixteen messages waiting after it: python-engineio takes no more in one POST.
STALLED = """
transports = ["{transport}"]
[echo]
clients = 10
rate_hz = 100
warmup_s = 0
latency_s = 5
throughput_s = 0.1
drain_s = 5
"""


def quantiles_ms(measurement, family: str, *shares: float) -> list[float]:
    """Of a measurement's stored distribution."""
    histogram = HdrHistogram.decode(measurement.distributions[family])
    return [histogram.get_value_at_percentile(100 * share) / 1e6 for share in shares]


@pytest.mark.parametrize("rounds", [pytest.param(1, marks=pytest.mark.long), 5])
@pytest.mark.parametrize(
    ("mode", "transport"),
    [
        ("gevent", "websocket"),
        pytest.param("eventlet", "polling", marks=pytest.mark.long),
        pytest.param("threading", "websocket", marks=pytest.mark.long),
    ],
)
def test_latencies_of_a_known_distribution_have_its_quantiles(
    serve, tmp_path, mode, transport, rounds
):
    def check(folder):
        with serve(mode, command=faulty(f"delays:{PEAKS}")) as server:
            text = ECHO.format(transport=transport, rounds=rounds)
            (trial,) = measured_at(server.url, text, folder).trials
        (echo,) = trial.measurements
        # Those of the open loop, each with as many of the closed one behind it.
        opened = trial.generator.slices[:: len(trial.generator.slices) // rounds]
        whole = [each for each in opened if not each.left_out]
        # Each slice has as many of each kind as any other: a hundred are a whole turn of delays.
        assert echo.samples["latency"] == 1000 / rounds * len(whole)
        low, below, above, high, before, after, longest = quantiles_ms(
            echo, "latency", 0.25, 0.49, 0.51, 0.75, 0.989, 0.991, 1
        )
        assert 20 <= low < 30
        # Half of a thousand lie in each peak, and nothing between.
        assert below < 50 < above
        # What an echo costs besides is the same in both.
        assert high - low == pytest.approx(60, abs=3)
        # One slow message of a hundred is one of a hundred.
        assert before < 120
        assert 200 <= after <= longest < 300
        assert echo.metrics["lost"] == 0

    in_a_quiet_moment(check, tmp_path)


def test_both_clients_read_60_ms_between_two_peaks_as_60_ms(serve, tmp_path):
    def check(folder):
        with serve("gevent", command=faulty("delays:0.02,0.08")) as server:
            result = measured_at(server.url, BOTH_CLIENTS, folder)
        assert {planned.client for planned in result.plan} == {
            Client.TRANSPORT_BENCH,
            Client.REFERENCE,
        }
        for trial in result.trials:
            low, high = quantiles_ms(trial.measurements[0], "latency", 0.25, 0.75)
            assert 20 <= low < 30
            assert high - low == pytest.approx(60, abs=3)

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_stall_is_charged_to_every_message_that_was_due_in_it(serve, tmp_path, transport):
    def stop_for_a_second(pid, journal, over):
        while len(entries(journal)) < 10:  # until all clients have connected
            if over.wait(0.05):
                return
        time.sleep(1.5)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(pid, signal.SIGCONT)

    def check(folder):
        with serve("gevent") as server:
            journal = server.log.with_suffix(".jsonl")
            over = threading.Event()
            stopper = threading.Thread(
                target=stop_for_a_second, args=(server.process.pid, journal, over)
            )
            stopper.start()
            try:
                result = measured_at(server.url, STALLED.format(transport=transport), folder)
            finally:
                over.set()
                stopper.join()
        found = result.trials[0].measurements[0]
        [latency] = quantiles_ms(found, "latency", 0.95)
        [service] = quantiles_ms(found, "service", 0.95)
        # One of five seconds: a fifth of the messages is late, half of those by half a second.
        assert latency >= 500
        assert found.metrics["lost"] == 0
        if transport == "polling":
            # A client waits with its next POST for the answer to the last: few were really sent.
            assert service < latency / 5
        else:
            # The stopped server's kernel takes what is sent: those messages were really under way.
            assert service == pytest.approx(latency, rel=0.05)

    in_a_quiet_moment(check, tmp_path)
