"""Payload against servers with a fault of known size: it must come out as exactly that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.measuring import faulty, in_a_quiet_moment, measured

pytestmark = pytest.mark.timing

PAYLOAD = """
modes = ["threading"]
transports = ["websocket", "polling"]
[payload]
sizes = [1024, 1048576]
clients = 2
rate_hz = 20
latency_s = 1.5
throughput_s = 0.5
warmup_s = 0.2
"""


def test_an_injected_delay_is_the_latency_and_a_size_beyond_the_limit_says_so(
    tmp_path: Path,
) -> None:
    def check(folder: Path) -> None:
        result = measured(PAYLOAD, folder, faulty("delays:0.05"))
        found = {
            (planned.transport, planned.variant): trial.measurements[0]
            for planned, trial in zip(result.plan, result.trials, strict=True)
        }
        assert len(found) == 8
        for (transport, variant), each in found.items():
            if variant.startswith("1048576"):
                (why,) = set(each.unavailable.values())
                assert why.startswith("more than the 1,000,000 bytes that the server reads")
                continue
            p50 = each.metrics["latency_p50"]
            assert p50 is not None
            # Bytes are two messages over WebSocket, of which the second may wait 40 ms.
            waits_ms = 45 if (transport, variant) == ("websocket", "1024:binary") else 8
            assert 50 <= p50 <= 50 + waits_ms, (transport, variant)

    in_a_quiet_moment(check, tmp_path)
