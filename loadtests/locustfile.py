"""What ``locust -f`` loads: one user class, our options, and a conductor where there is a trial.

``locust -f loadtests/locustfile.py --host http://127.0.0.1:5000 --transport websocket`` works as
any locustfile does, with its web page or ``--headless``, ``--csv``, ``--html``.
"""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

# Locust does not put the folder above a locustfile on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gevent
import msgspec
from locust import events

from loadtests.conductor import Conductor
from loadtests.model import Transport
from loadtests.trial import Assignment
from loadtests.users import SocketIOUser

__all__ = ["SocketIOUser"]


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Our options, also on the web page's start form."""
    group = parser.add_argument_group("Socket.IO")
    group.add_argument(
        "--transport",
        choices=[str(transport) for transport in Transport],
        default=str(Transport.WEBSOCKET),
        help="Engine.IO's transport",
    )
    group.add_argument(
        "--scenario",
        choices=["echo", "broadcast"],
        default="echo",
        help="echo: each user gets its own messages back; broadcast: everybody gets everything",
    )
    group.add_argument(
        "--rate", type=_positive, default=1.0, help="messages per second that each user sends"
    )
    group.add_argument(
        "--payload-bytes", type=_length, default=32, help="length of a message, at least 32"
    )
    parser.add_argument(
        "--assigned",
        action="store_true",
        include_in_web_ui=False,
        help="read a trial's assignment from standard input; python -m loadtests run uses it",
    )


@events.init.add_listener
def take_assignment(environment: Any, **_others: Any) -> None:
    """Wait for the assignment, if this process has one coming."""
    if not environment.parsed_options.assigned:
        return
    line = sys.stdin.readline()
    if not line:  # whoever started this process has gone
        sys.exit(4)
    assignment = msgspec.json.decode(line, type=Assignment)
    environment.host = assignment.url
    conductor = Conductor(assignment, lambda: gevent.spawn(environment.runner.quit))
    SocketIOUser.conductor = conductor
    environment.events.test_start.add_listener(lambda **_: gevent.spawn(conductor.run))


def _length(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 32:  # a message says who sent it and which of his it is
        raise ArgumentTypeError(f"{text} is below 32")
    return value


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ArgumentTypeError(f"{text} is not above 0")
    return value
