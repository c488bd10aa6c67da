"""Real servers of which one handler blocks: clients leave as their own rule says, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.record.words import Transport
from tests.support.measuring import measured
from tests.support.present import present

HANG = """
modes = ["{mode}"]
transports = ["{transport}"]
[hang]
clients = 12
hang_s = {hang_s}
ping_interval_s = 1
ping_timeout_s = 0.5
"""


@pytest.mark.parametrize(
    "transport",
    [Transport.WEBSOCKET, pytest.param(Transport.POLLING, marks=pytest.mark.long)],
)
def test_clients_of_an_event_loop_that_hangs_too_long_all_give_it_up(
    tmp_path: Path, transport: Transport
) -> None:
    # Longer than interval and timeout: no client may hear nothing for so long.
    text = HANG.format(mode="gevent", transport=transport, hang_s=2.5)
    (trial,) = measured(text, tmp_path).trials
    (found,) = trial.measurements
    assert found.metrics["dropped"] == 12
    assert found.metrics["answer_max"] is None


@pytest.mark.parametrize("transport", Transport)
def test_clients_of_a_server_with_threads_do_not_notice(
    tmp_path: Path, transport: Transport
) -> None:
    text = HANG.format(mode="threading", transport=transport, hang_s=2.5)
    (trial,) = measured(text, tmp_path).trials
    (found,) = trial.measurements
    assert found.metrics["dropped"] == 0
    assert present(found.metrics["answer_max"]) < 2000
