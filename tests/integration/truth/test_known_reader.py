"""A real server whose one client stops reading: given up by its rules, and its share is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect.windows import Situation, is_outside, window
from tests.support.measuring import measured
from tests.support.present import present

RATE_HZ, PAYLOAD_BYTES = 50, 32_768
READER = f"""
modes = ["gevent"]
transports = ["{{transport}}"]
[reader]
clients = 2
rate_hz = {RATE_HZ}
payload_bytes = {PAYLOAD_BYTES}
before_s = 1.0
after_s = 0.5
ping_interval_s = 2
ping_timeout_s = 2
"""


@pytest.mark.parametrize("transport", Transport)
def test_reader_is_given_up_by_the_rules_and_the_server_keeps_what_is_for_it(
    tmp_path: Path, transport: Transport
) -> None:
    result = measured(READER.format(transport=transport), tmp_path)
    found = {each.row: each for trial in result.trials for each in trial.measurements}
    reads, stops = found["reader:reads"], found["reader:stops"]
    given_up_s = present(stops.metrics["given_up"])
    rules = window(
        Situation(
            transport=transport,
            cause=Cause.FREEZE,
            ping_interval_s=2,
            ping_timeout_s=2,
            websocket="simple-websocket",
            connections=3,
            leaving=1,
            sent_every_s=1 / RATE_HZ,
        )
    )
    assert not is_outside(given_up_s, stops.notes["given_up"], rules), (given_up_s, rules)
    assert stops.metrics["undetected"] == 0
    for each in (reads, stops):
        assert each.metrics["missing"] == 0
    kept_mib = present(stops.metrics["kept_rss"])
    published_mib = given_up_s * RATE_HZ * PAYLOAD_BYTES / 2**20
    # Pieces of memory have others between them.
    assert kept_mib < 4 * published_mib, (kept_mib, published_mib)
    # For a WebSocket the kernel takes some megabytes of it; who does not poll leaves it nothing.
    if transport is Transport.POLLING:
        assert kept_mib > 0.8 * published_mib, (kept_mib, published_mib)
