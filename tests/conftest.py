"""Real servers, each ended with the test that started it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from loadtests.machine import scheduling
from loadtests.machine.launch import SERVE, RunningServer, serving
from servers.modes import ADAPTERS
from tests.support.modes import MODES


def pytest_configure() -> None:
    """Signals as a terminal has them; and one run beside another, as tests are themselves."""
    # ``nohup`` and ``&`` have heirs ignore some.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["TRANSPORT_BENCH_BESIDE"] = "1"
    if "PYTEST_XDIST_WORKER" in os.environ:  # others would wait for its generators
        os.environ[scheduling.SWITCH] = "no"


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., AbstractContextManager[RunningServer]]:
    """Start a server of a mode with short heartbeats."""

    def start(
        mode: str, command: tuple[str, ...] = SERVE, heartbeat_s: float = 25
    ) -> AbstractContextManager[RunningServer]:
        return serving(
            mode,
            ping_interval_s=heartbeat_s,
            ping_timeout_s=heartbeat_s,
            log=tmp_path / f"{mode}.log",
            journal=tmp_path / f"{mode}.jsonl",
            command=command,
        )

    return start


@pytest.fixture(params=MODES)
def installed_mode(request: pytest.FixtureRequest) -> str:
    """Every mode; skips those whose package is not there."""
    lack = ADAPTERS[request.param].MODE.missing()
    if lack is not None:
        pytest.skip(lack)
    return str(request.param)
