"""What a client can order of the application, in every mode: it is done, and no more of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.machine.launch import serving
from loadtests.record.application import EMITS_EVENT, EMITTED_EVENT, NAMESPACE, WORK_EVENT
from loadtests.record.words import Transport
from servers.modes import MAIN
from tests.support.waiting import until

#: One of them in every `make test`.
MODES = [
    pytest.param(mode, marks=() if mode == "gevent" else pytest.mark.full) for mode in sorted(MAIN)
]
NO_ORDERS: list[tuple[str, dict[str, Any]]] = [
    (WORK_EVENT, {"work": "dance", "amount": 1}),
    (WORK_EVENT, {"work": "sleep", "amount": "long"}),
    (WORK_EVENT, {"work": "sleep"}),
    (EMITS_EVENT, {"by": "nobody", "rate_hz": 1, "messages": 1}),
    (EMITS_EVENT, {"by": "task", "rate_hz": None, "messages": 1}),
]


@pytest.mark.parametrize("mode", MODES)
def test_orders_are_carried_out_and_acknowledged(mode: str, tmp_path: Path) -> None:
    log, journal = tmp_path / "log", tmp_path / "journal"
    with serving(mode, ping_interval_s=25, ping_timeout_s=20, log=log, journal=journal) as server:
        session = Session(locate(server.url), (Transport.WEBSOCKET,), NAMESPACE)
        emitted: list[str] = []
        session.on(EMITTED_EVENT, lambda arguments, *_: emitted.append(arguments[0]["data"]))
        session.connect()
        try:
            for work in ("compute", "sleep", "block"):
                begun = time.monotonic()
                assert session.call(WORK_EVENT, {"work": work, "amount": 0.1}) == [{"done": work}]
                assert time.monotonic() - begun > 0.09
            for event, order in NO_ORDERS:
                assert session.call(event, order) == [
                    {"error": f"{event}: this is not what it takes"}
                ]
            order = {"by": "task", "rate_hz": 100, "messages": 5}
            assert session.call(EMITS_EVENT, order) == [{"begun": "task"}]
            until(lambda: len(emitted) == 5)
            assert [each.split(":")[0] for each in emitted] == ["0", "1", "2", "3", "4"]
        finally:
            session.kill()
    assert "Traceback" not in log.read_text()
