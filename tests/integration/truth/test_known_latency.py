"""Servers with latencies of a known distribution: its quantiles must come out, a stall's too.

They do so over connections whose messages are compressed, as browsers' are, and over those whose
messages are not; what was on the wire is held against which of the two it was to be.
"""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time

import pytest
from hdrh.histogram import HdrHistogram

from loadtests.machine.journal import entries
from loadtests.record.results import Trial
from loadtests.record.words import Client
from tests.support.measuring import faulty, in_a_quiet_moment, measured_at
from tests.support.tapped import Tap, tapped

pytestmark = pytest.mark.timing

#: A thousand messages, all of them measured.
ECHO = """
transports = ["{transport}"]
compression = {compression}
[echo]
clients = 10
rate_hz = 200
payload_bytes = 200
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
compression = {compression}
[echo]
clients = 10
rate_hz = 100
payload_bytes = 200
warmup_s = 0
latency_s = 5
throughput_s = 0.1
drain_s = 5
"""


def quantiles_ms(measurement, family: str, *shares: float) -> list[float]:
    """Of a measurement's stored distribution."""
    histogram = HdrHistogram.decode(measurement.distributions[family])
    return [histogram.get_value_at_percentile(100 * share) / 1e6 for share in shares]


def text_of(experiment: str, way: str, **more: object) -> str:
    """The experiment's text; ``way`` is a transport, or ``compressed``: WebSocket with that."""
    transport = "websocket" if way == "compressed" else way
    compression = "true" if way == "compressed" else "false"
    return experiment.format(transport=transport, compression=compression, **more)


def assert_went_by(way: str, tap: Tap, trial: Trial) -> None:
    """Connections were what the test is about, by what was on the wire and by the trial's facts."""
    # What every echo says, and around it what is not counted here.
    length = len('42/test,["my event",{"data":""}]') + 200
    messages = tap.messages()
    if way == "polling":
        assert messages == []
        assert trial.generator.compression == ""
        return
    compressed = way == "compressed"
    assert trial.generator.compression == ("permessage-deflate" if compressed else "none")
    agreed = {each.partition(";")[0] for each in tap.agreed()}
    assert agreed == ({"permessage-deflate"} if compressed else {""})
    for side in ("client", "server"):
        said = [each for each in messages if each.side == side]
        assert len(said) > 400
        assert {each.compressed for each in said} == {compressed}
        typical = statistics.median(each.length for each in said)
        assert typical < length / 3 if compressed else typical >= length


@pytest.mark.parametrize("rounds", [pytest.param(1, marks=pytest.mark.long), 5])
@pytest.mark.parametrize(
    ("mode", "way"),
    [
        ("gevent", "compressed"),
        ("gevent", "websocket"),
        pytest.param("eventlet", "compressed", marks=pytest.mark.full),
        pytest.param("eventlet", "polling", marks=pytest.mark.long),
        pytest.param("threading", "compressed", marks=pytest.mark.long),
    ],
)
def test_latencies_of_a_known_distribution_have_its_quantiles(serve, tmp_path, mode, way, rounds):
    def check(folder):
        with (
            serve(mode, command=faulty(f"delays:{PEAKS}")) as server,
            tapped(server.url) as (url, tap),
        ):
            (trial,) = measured_at(url, text_of(ECHO, way, rounds=rounds), folder).trials
        assert_went_by(way, tap, trial)
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


@pytest.mark.parametrize("way", ["polling", "websocket", "compressed"])
def test_stall_is_charged_to_every_message_that_was_due_in_it(serve, tmp_path, way):
    def stop_for_a_second(pid, journal, over):
        while len(entries(journal)) < 10:  # until all clients have connected
            if over.wait(0.05):
                return
        time.sleep(1.5)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(pid, signal.SIGCONT)

    def check(folder):
        with serve("gevent") as server, tapped(server.url) as (url, tap):
            journal = server.log.with_suffix(".jsonl")
            over = threading.Event()
            stopper = threading.Thread(
                target=stop_for_a_second, args=(server.process.pid, journal, over)
            )
            stopper.start()
            try:
                (trial,) = measured_at(url, text_of(STALLED, way), folder).trials
            finally:
                over.set()
                stopper.join()
        assert_went_by(way, tap, trial)
        (found,) = trial.measurements
        [latency] = quantiles_ms(found, "latency", 0.95)
        [service] = quantiles_ms(found, "service", 0.95)
        # One of five seconds: a fifth of the messages is late, half of those by half a second.
        assert latency >= 500
        assert found.metrics["lost"] == 0
        if way == "polling":
            # A client waits with its next POST for the answer to the last: few were really sent.
            assert service < latency / 5
        else:
            # The stopped server's kernel takes what is sent: those messages were really under way.
            assert service == pytest.approx(latency, rel=0.05)

    in_a_quiet_moment(check, tmp_path)
