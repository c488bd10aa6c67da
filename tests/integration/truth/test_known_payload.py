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
sizes = [1024, 800000, 999990]
clients = 2
rate_hz = 20
latency_s = 1.5
throughput_s = 0.5
warmup_s = 0.2
"""

#: The limit of 1,000,000 bytes holds for a message as it is sent: with what is around its data, and
#: in base64 where bytes are over long-polling.
BEYOND = {
    ("websocket", "999990"),
    ("polling", "999990"),
    ("polling", "999990:binary"),
    ("polling", "800000:binary"),
}


def test_an_injected_delay_is_the_latency_and_a_size_beyond_the_limit_says_so(
    tmp_path: Path,
) -> None:
    def check(folder: Path) -> None:
        result = measured(PAYLOAD, folder, faulty("delays:0.05"))
        found = {
            (planned.transport, planned.variant): trial.measurements[0]
            for planned, trial in zip(result.plan, result.trials, strict=True)
        }
        assert len(found) == 12
        for (transport, variant), each in found.items():
            if (transport, variant) in BEYOND:
                (why,) = set(each.unavailable.values())
                assert why.startswith("beyond the server's limit of 1,000,000 bytes (maxPayload), ")
                continue
            p50 = each.metrics["latency_p50"]
            assert p50 is not None
            # Bytes are two messages over WebSocket, of which the second may wait 40 ms.
            quick = variant == "1024" or (transport, variant) == ("polling", "1024:binary")
            waits_ms = 8 if quick else 45
            assert 50 <= p50 <= 50 + waits_ms, (transport, variant)

    in_a_quiet_moment(check, tmp_path)
