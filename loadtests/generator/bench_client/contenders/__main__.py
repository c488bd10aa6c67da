"""Runs one contender of Python once; see this package for what it prints."""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import sys
import time
from importlib import metadata
from typing import cast

from loadtests import __version__
from loadtests.generator.bench_client.contenders.contract import Call, ContenderModule, Running

_MODULES = {
    "ours": "ours",
    "ours-bare": "ours_bare",
    "python-socketio": "python_socketio",
    "locust": "locust_user",
}


def parser() -> argparse.ArgumentParser:
    """The command line; that of node_client.js is the same from the workload on."""
    result = argparse.ArgumentParser(prog="python -m loadtests.generator.bench_client.contenders")
    result.add_argument("contender", choices=sorted(_MODULES))
    result.add_argument("workload", choices=["echo", "broadcast"])
    result.add_argument("--url", required=True)
    result.add_argument("--transport", choices=["polling", "websocket"], required=True)
    result.add_argument("--clients", type=int, required=True)
    result.add_argument("--seconds", type=float, required=True)
    result.add_argument("--warmup", type=float, required=True, metavar="SECONDS")
    result.add_argument("--rate", type=float, default=0.0, metavar="HZ", help="of broadcasts")
    result.add_argument("--payload-bytes", type=int, default=32)
    return result


def main() -> None:
    """Patch first, import the client after, as its users do."""
    options = parser().parse_args()
    name = f"{__package__}.{_MODULES[options.contender]}"
    adapter = cast(ContenderModule, importlib.import_module(name))
    adapter.patch()
    call = Call(
        options.url, options.transport, options.clients, options.rate, options.payload_bytes
    )
    running = (adapter.echo if options.workload == "echo" else adapter.broadcast)(call)
    gc.collect()  # what connecting left behind belongs to connecting
    begin_ns = time.monotonic_ns() + round(options.warmup * 1e9)
    end_ns = begin_ns + round(options.seconds * 1e9)
    _say({"begin_ns": begin_ns, "end_ns": end_ns})
    begin = _look(running, begin_ns)
    end = _look(running, end_ns)
    if running.lost():
        sys.exit(f"{running.lost()} of {call.clients} clients lost their connection")
    messages, cpu_ns, wall_ns = (after - before for before, after in zip(begin, end, strict=True))
    _say({"client": _client(adapter), "messages": messages, "cpu_ns": cpu_ns, "wall_ns": wall_ns})
    os._exit(0)  # goodbyes of hundreds of clients would only take time


def _look(running: Running, moment_ns: int) -> tuple[int, int, int]:
    """Count, CPU time of this process and the time, at a moment."""
    import gevent

    gevent.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))
    return running.count(), time.process_time_ns(), time.monotonic_ns()


def _client(adapter: ContenderModule) -> str:
    if not adapter.PACKAGE:
        return f"transport-bench {__version__}"
    return f"{adapter.PACKAGE} {metadata.version(adapter.PACKAGE)}"


def _say(line: dict[str, int | str]) -> None:
    # print would do, but a Locust process has its own ideas of standard output.
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main()
