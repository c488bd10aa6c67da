"""A real Chromium beside our client on the same server, in turns, watched by a packet capture.

``python -m tests.browser.compare_wire eventlet gevent threading gunicorn-gevent`` prints a table:
the server's time on the wire for an echo of either client, and how long the page itself waits. The
difference of the latter two is the browser's own. Needs Chromium, tcpdump and its rights.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loadtests.generator.bench_client.capture import segments
from loadtests.generator.bench_client.tcpdump import capturing
from loadtests.machine.cores import pinning
from loadtests.machine.launch import serving
from loadtests.machine.processes import process
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.hosts.browser.chromium import installed, launch_options
from tests.support.wire import Turn, server_times_ns

OURS, CHROMIUM = "ours", "chromium"
#: Long enough for the slowest cell's 44 ms.
INTERVAL_MS = 60
CLIENT = (sys.executable, "-m", "tests.browser.wire_client")
PAGE = """<!doctype html><title>echoes</title><script src="/client/socket.io.min.js"></script>
<script>
const socket = io("/test", { transports: [new URLSearchParams(location.search).get("by")] });
const connected = new Promise((resolve) => socket.on("connect", resolve));
async function echoes(count, interval) {
  const took = [];
  for (let number = 0; number < count; number++) {
    const begun = performance.now();
    const heard = new Promise((resolve) => socket.once("my response", resolve));
    socket.emit("my event", { data: "echo " + String(number).padStart(20) });
    await heard;
    took.push(performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, interval - took.at(-1))));
  }
  return took;
}
</script>"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one client had of a cell, in milliseconds.

    Attributes:
        wire_ms: the server's time on the wire, of each echo.
        own_ms: from the call that sends to the answer, as the client itself saw it.
    """

    wire_ms: list[float]
    own_ms: list[float]


def compare(
    mode: str, transport: Transport, folder: Path, *, turns: int, echoes: int
) -> dict[str, Seen]:
    """Client -> what it had of one server.

    Args:
        mode: of the server.
        transport: of both clients.
        folder: for logs and the capture.
        turns: of each client.
        echoes: in each turn.
    """
    pins = pinning()
    pcap = folder / f"{mode}-{transport}.pcap"
    with serving(
        mode,
        ping_interval_s=25,
        ping_timeout_s=20,
        log=folder / f"{mode}.log",
        journal=folder / f"{mode}.jsonl",
        core=pins.server,
    ) as server:
        port = int(server.url.rpartition(":")[2])
        with capturing(port, pcap):
            taken, own = _in_turns(server.url, transport, pins.generator, turns, echoes)
    with pcap.open("rb") as file:
        wire = server_times_ns(segments(file), port, taken, polling=transport is Transport.POLLING)
    pcap.unlink()
    return {who: Seen([each / 1e6 for each in wire[who]], own[who]) for who in own}


def _in_turns(
    url: str, transport: Transport, core: int | None, turns: int, echoes: int
) -> tuple[list[Turn], dict[str, list[float]]]:
    """When each had its turns, and what it saw of its echoes, in milliseconds."""
    own: dict[str, list[float]] = {OURS: [], CHROMIUM: []}
    taken: list[Turn] = []
    with (
        process(
            [*CLIENT, url, str(transport), str(INTERVAL_MS)],
            core=core,
            stdout=subprocess.PIPE,
            pipe=True,
        ) as client,
        _page(url, transport) as page,
    ):
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdout.readline()
        for number in range(-1, turns):  # the first turn warms both up
            for who in (OURS, CHROMIUM) if number % 2 else (CHROMIUM, OURS):
                begin_ns = time.time_ns()
                if who == OURS:
                    client.stdin.write(f"{echoes}\n".encode())
                    client.stdin.flush()
                    took: Any = json.loads(client.stdout.readline())
                else:
                    took = page.evaluate(f"echoes({echoes}, {INTERVAL_MS})")
                if number >= 0:
                    own[who] += took
                    taken.append(Turn(who, begin_ns, time.time_ns()))
    return taken, own


@contextmanager
def _page(url: str, transport: Transport) -> Iterator[Any]:
    """A page of Chromium's that is connected."""
    from playwright.sync_api import sync_playwright

    executable = installed()
    assert executable is not None, "Chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options(executable, "127.0.0.1"))
        page = browser.new_page()
        page.route("**/echoes?*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        page.goto(f"{url}/echoes?by={transport}")
        page.evaluate("connected")
        yield page
        browser.close()


def main() -> None:
    """A line per cell."""
    print("| cell | wire p50, ours | wire p50, Chromium | apart | page p50 | our own p50 |")
    print("| --- | --- | --- | --- | --- | --- |")
    with TemporaryDirectory() as folder:
        for mode in sys.argv[1:]:
            for transport in Transport:
                seen = compare(mode, transport, Path(folder), turns=10, echoes=12)
                ours, theirs = (statistics.median(seen[who].wire_ms) for who in (OURS, CHROMIUM))
                own = {who: statistics.median(seen[who].own_ms) for who in seen}
                counts = "/".join(str(len(seen[who].wire_ms)) for who in (OURS, CHROMIUM))
                print(
                    f"| {mode} × {transport} ({counts}) | {ours:.2f} ms | {theirs:.2f} ms | "
                    f"{theirs - ours:+.2f} ms, {100 * (theirs / ours - 1):+.0f} % | "
                    f"{own[CHROMIUM]:.2f} ms | {own[OURS]:.2f} ms |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
