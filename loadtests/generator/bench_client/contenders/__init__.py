"""The clients that are compared: one small adapter each, a fresh process for each trial.

``python -m loadtests.generator.bench_client.contenders NAME WORKLOAD --url ...`` runs one of
Python,
``node node_client.js WORKLOAD --url ...`` the official one; the rest of the command line is the
same. Once all clients are connected and loaded, a contender prints one JSON line with the moments
between which it will count (``begin_ns``, ``end_ns`` of the monotonic clock, which all processes of
a host share), so that the server's CPU time can be read at the same moments; and one JSON line with
what it counted when that time is over. Importing this package imports no client.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from loadtests.generator.bench_client.measured import BARE, OURS, Workload
from loadtests.machine import node

_NODE_SCRIPT = Path(__file__).with_name("node_client.js")


@dataclass(frozen=True, slots=True)
class Contender:
    """A client that is compared.

    Attributes:
        name: as in raw numbers and on the command line.
        title: as in tables.
        command: that runs it; workload and options are appended.
        workloads: that it can do.
    """

    name: str
    title: str
    command: tuple[str, ...]
    workloads: tuple[Workload, ...]


def _python(name: str, title: str, *workloads: Workload) -> Contender:
    return Contender(name, title, (sys.executable, "-m", __name__, name), workloads)


_ECHO, _BROADCAST = Workload.ECHO, Workload.BROADCAST


#: Name -> contender.
CONTENDERS: dict[str, Contender] = {
    each.name: each
    for each in (
        _python(OURS, "transport-bench", _ECHO, _BROADCAST),
        _python(BARE, "transport-bench, bare", _ECHO, _BROADCAST),
        _python("python-socketio", "python-socketio Client", _ECHO, _BROADCAST),
        _python("locust", "Locust SocketIOUser", _ECHO),
        Contender("node", "Node socket.io-client", node.command(_NODE_SCRIPT), (_ECHO,)),
    )
}


def missing(contender: str) -> str | None:
    """What a contender lacks on this machine and how to get it; None where it can run."""
    return node.missing() if contender == "node" else None
