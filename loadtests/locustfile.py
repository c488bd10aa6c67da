"""What ``locust -f`` loads: one user class, its options, and a conductor where there is a trial.

``locust -f loadtests/locustfile.py --host http://127.0.0.1:5000 --transport websocket`` works as
any locustfile does, with its web page or ``--headless``, ``--csv``, ``--html``.
"""

from __future__ import annotations

import math
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

# Locust does not put the folder above a locustfile on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from locust import events

from loadtests.run import assigned
from loadtests.run.bench_user import BenchUser
from loadtests.users.endless import SHORTEST_BYTES, WORKLOADS
from loadtests.users.plugin import FORM_CHECKS, one_of

__all__ = ["BenchUser"]


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Our options, also on the web page's start form; ``--transport`` is there already."""
    parser.add_argument(
        "--scenario",
        choices=list(WORKLOADS),
        default=next(iter(WORKLOADS)),
        help="; ".join(f"{name}: {workload.told}" for name, workload in WORKLOADS.items()),
    )
    parser.add_argument(
        "--rate", type=_positive, default=1.0, help="messages per second that each user sends"
    )
    parser.add_argument(
        "--payload-bytes",
        type=_length,
        default=SHORTEST_BYTES,
        help=f"length of a message, at least {SHORTEST_BYTES}",
    )


def _length(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < SHORTEST_BYTES:  # a message says when it was due and who sent it
        raise ArgumentTypeError(f"{text} is not a number of bytes from {SHORTEST_BYTES} on")
    return value


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise ArgumentTypeError(f"{text} is not a number above 0")
    return value


FORM_CHECKS.update(scenario=one_of(*WORKLOADS), rate=_positive, payload_bytes=_length)
assigned.listen()
