"""Make the network that can be cut, and hold it until killed; see network.py.

``python -I -S network_holder.py IP`` in a network namespace of its own, the outer one, with the
right to change it; IP is iproute2's program. Prints one line of JSON that begins with ``ready`` and
tells which of its descriptors is the inner namespace. Only this process holds the namespaces that
it makes: when it is gone, and those that entered them, the kernel takes them apart.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

#: Of RFC 5737's TEST-NET-1, which no real network has.
OUTER_ADDRESS, INNER_ADDRESS = "192.0.2.1", "192.0.2.2"
#: The interfaces with these addresses.
OUTER, INNER = "outer", "inner"

# Of the locally administered ones, so that each end can be told the other's before there is one.
_OUTER_MAC, _INNER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
_CLONE_NEWNET = 0x40000000  # unshare(2), setns(2)

_SETTINGS = {
    # Spares interfaces to come the search for addresses and routers; the loopback keeps its own.
    "ipv6/conf/default/disable_ipv6": "1",
    # A connection that its process has closed keeps its namespace until the peer has answered or
    # the kernel gives up: after 8 tries, a hundred seconds (tcp_orphan_retries in its ip-sysctl
    # text). Across a cut nobody answers, so once has to do.
    "ipv4/tcp_orphan_retries": "1",
}

_SWITCH = """\
link add switch type bridge
link add name port1 master switch type veth peer name {outer} address {outer_mac} netns {outer_ns}
link add name port2 master switch type veth peer name {inner} address {inner_mac} netns {inner_ns}
link set switch up
link set port1 up
link set port2 up
"""
_END = """\
link set lo up
address add {address}/24 dev {name}
link set {name} up
neighbour add {other} lladdr {other_mac} dev {name} nud permanent
"""


def main() -> None:
    """Make everything, say so, and wait."""
    (ip,) = sys.argv[1:]
    # The first is the one that this process was started in. A namespace is made by moving there.
    outer = _here()
    _settle_in()
    inner = _new()
    switch = _new()
    held = f"/proc/{os.getpid()}/fd"
    text = _SWITCH.format(
        outer=OUTER,
        outer_mac=_OUTER_MAC,
        outer_ns=f"{held}/{outer}",
        inner=INNER,
        inner_mac=_INNER_MAC,
        inner_ns=f"{held}/{inner}",
    )
    _configure(ip, switch, text)
    text = _END.format(name=INNER, address=INNER_ADDRESS, other=OUTER_ADDRESS, other_mac=_OUTER_MAC)
    _configure(ip, inner, text)
    text = _END.format(name=OUTER, address=OUTER_ADDRESS, other=INNER_ADDRESS, other_mac=_INNER_MAC)
    _configure(ip, outer, text)
    print(json.dumps({"ready": True, "pid": os.getpid(), "inner": inner}), flush=True)
    while True:
        signal.pause()


def _here() -> int:
    """A descriptor of the namespace that this process is in."""
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def _new() -> int:
    """Make a namespace and go there; a descriptor of it."""
    if _libc().unshare(_CLONE_NEWNET):
        _give_up("no namespace", os.strerror(ctypes.get_errno()))
    _settle_in()
    return _here()


def _configure(ip: str, namespace: int, text: str) -> None:
    """Go to a namespace and run a batch of iproute2's there."""
    if _libc().setns(namespace, _CLONE_NEWNET):
        _give_up("cannot enter a namespace", os.strerror(ctypes.get_errno()))
    done = subprocess.run([ip, "-batch", "-"], input=text, text=True, capture_output=True)
    if done.returncode:
        _give_up(f"{ip} failed", " ".join(done.stderr.split()))


def _settle_in() -> None:
    """Change what this namespace has of its own; where that may not be, it does without."""
    for name, value in _SETTINGS.items():
        with suppress(OSError):
            Path("/proc/sys/net", name).write_text(value, encoding="ascii")


def _libc() -> ctypes.CDLL:
    # os.unshare and os.setns come with Python 3.12.
    return ctypes.CDLL(None, use_errno=True)


def _give_up(what: str, why: str) -> NoReturn:
    print(f"{what}: {why}", flush=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
