"""``python -m loadtests.bench_client.memory``: what a connection that does nothing keeps resident.

Prints one JSON line, the fields of a Footprint.
"""

from __future__ import annotations

import argparse
import gc
import json
from typing import Any

import gevent
import msgspec
import psutil

from loadtests import machine
from loadtests.bench_client.contenders.contract import connect_all
from loadtests.bench_client.measured import Footprint
from loadtests.client.link import Server, locate
from loadtests.client.session import Session
from loadtests.model import Transport
from loadtests.scenarios.messages import NAMESPACE, RESPONSE_EVENT

#: Descriptors that a process has open beside its connections.
_OTHER_FILES = 100
#: Sessions before the first measurement: by then everything that all of them share is loaded.
_FIRST = 50
_CONNECT_TIMEOUT_S = 30.0
_SETTLE_S = 0.2


def measure(url: str, wanted: int) -> Footprint:
    """Connect as many sessions as are wanted, or as open files allow.

    Raises:
        ConnectionFailed: one was refused.
    """
    allowed = machine.allow_open_files(wanted + _OTHER_FILES)
    connections = wanted if allowed is None else max(2 * _FIRST, allowed - _OTHER_FILES)
    server = locate(url)
    first = _connect(server, _FIRST)
    rss_before, uss_before = _memory()
    others = _connect(server, connections - _FIRST)
    rss_after, uss_after = _memory()
    ended = [each.ended for each in (*first, *others) if each.ended is not None]
    if ended:
        raise SystemExit(f"{len(ended)} of {connections} sessions ended: {ended[0]}")
    return Footprint(
        connections=connections,
        counted=len(others),
        wanted=wanted,
        rss_before=rss_before,
        rss_after=rss_after,
        uss_before=uss_before,
        uss_after=uss_after,
    )


def _connect(server: Server, count: int) -> list[Session]:
    def connect(_index: int) -> Session:
        session = Session(server, (Transport.WEBSOCKET,), NAMESPACE)
        session.on(RESPONSE_EVENT, _heard)
        session.connect(timeout_s=_CONNECT_TIMEOUT_S)
        return session

    return connect_all(connect, count)


def _heard(_arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
    """Every client of a trial listens to something."""


def _memory() -> tuple[int, int | None]:
    """Resident memory, and what of it no other process shares, in bytes."""
    gevent.sleep(_SETTLE_S)  # greetings and timers of the handshakes
    gc.collect()
    process = psutil.Process()
    try:
        uss = process.memory_full_info().uss
    except (psutil.Error, AttributeError):  # not on every system
        uss = None
    return process.memory_info().rss, uss


def main() -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench_client.memory")
    parser.add_argument("--url", required=True)
    parser.add_argument("--connections", type=int, required=True)
    options = parser.parse_args()
    found = measure(options.url, options.connections)
    print(json.dumps(msgspec.to_builtins(found)), flush=True)


if __name__ == "__main__":
    main()
