"""Servers with latencies of a known distribution: its quantiles must come out, a stall's too."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from hdrh.histogram import HdrHistogram

from loadtests.machine.journal import entries
from tests.integration.conftest import faulty, in_a_quiet_moment, measure

#: A thousand messages, all of them measured.
ECHO = """
transports = ["{transport}"]
[echo]
clients = 10
rate_hz = 200
warmup_s = 0
latency_s = 5
throughput_s = 0.1
"""

#: Long enough to be stopped for two seconds in its midst. So many clients that none of them has
#: more than sixteen messages waiting after it: python-engineio takes no more in one POST.
STALLED = """
transports = ["{transport}"]
[echo]
clients = 20
rate_hz = 100
warmup_s = 0
latency_s = 10
throughput_s = 0.1
drain_s = 5
"""


def quantiles_ms(measurement, family: str, *shares: float) -> list[float]:
    """Of a measurement's stored distribution."""
    histogram = HdrHistogram.decode(measurement.distributions[family])
    return [histogram.get_value_at_percentile(100 * share) / 1e6 for share in shares]


def measured(serve, folder, text: str, fault: str | None, mode: str):
    with serve(mode, **({"command": faulty(fault)} if fault else {})) as server:
        result = measure(server.url, text, folder)
    return result.trials[0].measurements[0]


@pytest.mark.parametrize(("mode", "transport"), [("gevent", "websocket"), ("eventlet", "polling")])
def test_two_peaks_come_out_as_two_peaks(serve, tmp_path, mode, transport):
    def check(folder):
        text = ECHO.format(transport=transport)
        found = measured(serve, folder, text, "delays:0.02,0.08", mode)
        low, below, above, high = quantiles_ms(found, "latency", 0.25, 0.49, 0.51, 0.75)
        assert 20 <= low < 30
        # Half of a thousand lie in each peak, and nothing between.
        assert below < 50 < above
        # What an echo costs besides is the same in both.
        assert high - low == pytest.approx(60, abs=3)

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.parametrize(("mode", "transport"), [("gevent", "websocket"), ("eventlet", "polling")])
def test_one_slow_message_of_a_hundred_is_one_of_a_hundred(serve, tmp_path, mode, transport):
    def check(folder):
        text = ECHO.format(transport=transport)
        found = measured(serve, folder, text, "slow:100,0.2", mode)
        assert found.samples["latency"] == 1000
        median, before, after, longest = quantiles_ms(found, "latency", 0.5, 0.989, 0.991, 1)
        assert before < 100
        assert after >= 200
        assert median < 50
        assert longest < 300
        assert found.metrics["lost"] == 0

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_stall_is_charged_to_every_message_that_was_due_in_it(serve, tmp_path, transport):
    def stop_for_two_seconds(pid, journal, over):
        while len(entries(journal)) < 20:  # until all clients have connected
            if over.wait(0.05):
                return
        time.sleep(3)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(pid, signal.SIGCONT)

    def check(folder):
        with serve("gevent") as server:
            journal = server.log.with_suffix(".jsonl")
            over = threading.Event()
            stopper = threading.Thread(
                target=stop_for_two_seconds, args=(server.process.pid, journal, over)
            )
            stopper.start()
            try:
                result = measure(server.url, STALLED.format(transport=transport), folder)
            finally:
                over.set()
                stopper.join()
        found = result.trials[0].measurements[0]
        [latency] = quantiles_ms(found, "latency", 0.95)
        [service] = quantiles_ms(found, "service", 0.95)
        # Two of ten seconds: a fifth of the messages is late, half of those by more than a second.
        assert latency >= 1000
        assert found.metrics["lost"] == 0
        if transport == "polling":
            # A client waits with its next POST for the answer to the last: few were really sent.
            assert service < latency / 5
        else:
            # The stopped server's kernel takes what is sent: those messages were really under way.
            assert service == pytest.approx(latency, rel=0.05)

    in_a_quiet_moment(check, tmp_path)
