"""Our client, which echoes when it is told to: ``URL TRANSPORT``, then a line with how many.

Answers each line with JSON: the round trips as this process saw them, in milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import gevent
from gevent.event import Event

from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.record.words import Transport


def main() -> None:
    url, transport, interval_ms = sys.argv[1:]
    session = Session(locate(url), (Transport(transport),), "/test")
    heard, arrived = Event(), [0]

    def received(arguments: list[Any], kernel_ns: int, _user_ns: int) -> None:
        if arguments[0]["data"] != "Connected":
            arrived[0] = kernel_ns
            heard.set()

    session.on("my response", received)
    session.connect()
    print(json.dumps({"compressed": session.compressed}), flush=True)
    stdin: Any = gevent.get_hub().loop.io(0, 1)
    while True:
        gevent.get_hub().wait(stdin)
        line = sys.stdin.readline()
        if not line:
            return
        took = []
        for number in range(int(line)):
            heard.clear()
            begun_ns = time.monotonic_ns()
            session.emit("my event", {"data": f"echo {number:20}"})
            if not heard.wait(5):
                sys.exit(f"no answer: {session.ended}")
            took.append((arrived[0] - begun_ns) / 1e6)
            gevent.sleep(
                max(0.0, float(interval_ms) / 1000 - (time.monotonic_ns() - begun_ns) / 1e9)
            )
        print(json.dumps(took), flush=True)


main()
