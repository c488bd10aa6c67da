"""What a connection that does nothing keeps resident, in a process that has nothing but those.

``python -m loadtests.generator.memory URL 1000 10000`` prints one JSON line,
``{"ready": true, "footprints": [...]}``: a Footprint for each number of connections.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import gevent
import msgspec
import psutil
from gevent.pool import Pool

from loadtests.client.link import Server, locate
from loadtests.client.session import Session
from loadtests.generator.footprint import Footprint
from loadtests.machine import limits
from loadtests.record.application import NAMESPACE, RESPONSE_EVENT
from loadtests.record.words import Transport

#: Sessions before the first look: by then everything that all of them share is loaded.
_FIRST = 50
#: Handshakes at a time: most of each is waiting.
_TOGETHER = 20
_CONNECT_TIMEOUT_S = 30.0
_SETTLE_S = 0.2


def measure(url: str, counts: Sequence[int]) -> Iterator[Footprint]:
    """Connect as many sessions as are wanted, or as open files allow, and look at each count.

    Args:
        url: of the peer.
        counts: from 1 on, ascending.

    Raises:
        ConnectionFailed: one was refused.
    """
    server = locate(url)
    allowed = limits.allow_open_files(counts[-1] + limits.OTHER_FILES)
    most = counts[-1]
    if allowed is not None:
        limits.allow_open_files(allowed)
        most = max(1, allowed - limits.OTHER_FILES)
    first = min(_FIRST, counts[0] // 2, most // 2)
    sessions = _connected(server, first)
    rss_before, uss_before = _resident()
    for wanted in counts:
        sessions += _connected(server, min(wanted, most) - len(sessions))
        rss_after, uss_after = _resident()
        ended = [each.ended for each in sessions if each.ended is not None]
        if ended:
            raise SystemExit(f"{len(ended)} of {len(sessions)} sessions ended: {ended[0]}")
        yield Footprint(
            connections=len(sessions),
            counted=len(sessions) - first,
            wanted=wanted,
            rss_before=rss_before,
            rss_after=rss_after,
            uss_before=uss_before,
            uss_after=uss_after,
        )


def _connected(server: Server, count: int) -> list[Session]:
    def connect(_index: int) -> Session:
        session = Session(server, (Transport.WEBSOCKET,), NAMESPACE)
        session.on(RESPONSE_EVENT, _heard)
        session.connect(timeout_s=_CONNECT_TIMEOUT_S)
        return session

    return list(Pool(_TOGETHER).imap(connect, range(count)))


def _heard(_arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
    """Every client of a trial listens to something."""


def _resident() -> tuple[int, int | None]:
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
    url, *counts = sys.argv[1:]
    found = list(measure(url, sorted(map(int, counts))))
    print(json.dumps({"ready": True, "footprints": msgspec.to_builtins(found)}), flush=True)


if __name__ == "__main__":
    main()
