"""What an idle connection costs: opens sessions in a process of its own and weighs them.

``python -m loadtests.calibrate.idle URL 1000 10000`` prints one JSON line,
``{"ready": true, "kib": {"1000": ..., "10000": ...}}``: resident KiB per connection.
"""

from __future__ import annotations

import gc
import json
import sys

import psutil

from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.model import Transport
from loadtests.scenarios.messages import NAMESPACE

_KIB = 1024


def main() -> None:
    """Open as many sessions as are asked for, one after another, and weigh at each count."""
    url, *counts = sys.argv[1:]
    server = locate(url)

    def opened() -> Session:
        session = Session(server, (Transport.WEBSOCKET,), NAMESPACE)
        session.connect()
        return session

    first = opened()  # what the first session loads and caches belongs to none
    before_kib = _resident_kib()
    sessions: list[Session] = []
    found = {}
    for count in sorted(map(int, counts)):
        sessions += [opened() for _ in range(count - len(sessions))]
        found[str(count)] = (_resident_kib() - before_kib) / count
    ended = [session.ended for session in (first, *sessions) if session.ended is not None]
    if ended:
        sys.exit(f"{len(ended)} of {len(sessions)} sessions did not last: {ended[0]}")
    print(json.dumps({"ready": True, "kib": found}), flush=True)


def _resident_kib() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss / _KIB)


if __name__ == "__main__":
    main()
