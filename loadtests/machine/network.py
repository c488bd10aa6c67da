"""A network that can be cut, for clients whose packets are to vanish in both directions.

Three network namespaces without names: in the outer one run the server and all that is not to be
cut, in the inner one the clients that are. Between them lies a switch (a bridge, in the third), so
that the cut is that of a cable at the clients' end: with the inner interface down, the server's own
interface keeps its carrier. Each end knows the other's hardware address, as behind a router.

What the server's machine sees of a cut: nothing. No FIN, no RST, no ICMP; its connections stay
ESTABLISHED, what it sends waits in their buffers and is sent again at growing intervals until the
kernel gives up (tcp_retries2, a quarter of an hour by default), and no call of the server fails
before. Without the switch it would differ: a veth whose other end is taken down loses its carrier,
address resolution then fails, and after three seconds the kernel notes EHOSTUNREACH in the server's
connections (getsockopt SO_ERROR reads it; sends still succeed).

The machine's own network is not touched. A namespace lasts as long as somebody is in it or holds
it, and so do its interfaces; connections that were left across the cut keep theirs until the kernel
has sent their last words once more (see network_holder.py).

What a new namespace does not take from the machine: its ephemeral ports are the kernel's default,
32768 to 60999 (see ``machine.ephemeral_ports``), and so is most else below /proc/sys/net.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from loadtests.machine.launch import LaunchError, started
from loadtests.machine.network_holder import INNER, OUTER_ADDRESS

_HOLDER = Path(__file__).with_name("network_holder.py")

#: What is needed -> the package that has it, of the same name on all distributions.
_PROGRAMS = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}
#: Where programs for administrators are, which others do not have in their path.
_MORE_PATHS = "/usr/sbin:/sbin"

#: The kernel settings that keep users from namespaces -> the value that does, what to set instead.
_FORBIDDING = {
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),  # Ubuntu, from 23.10
    "kernel/unprivileged_userns_clone": ("0", "1"),  # Debian
    "user/max_user_namespaces": ("0", "10000"),
    "user/max_net_namespaces": ("0", "10000"),
}

_TRIAL = '"$0" link add name a type bridge && "$0" link add name b type veth peer name c'
_TRIAL_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Network:
    """A network that can be cut.

    Attributes:
        address: of the outer side, for a server to listen on; those inside reach it too.
        outer: what to put before a command to have it run in the outer namespace.
        inner: the same for the inner one, from within the outer.
        interface: of the inner namespace; taken down, it cuts the network.
    """

    address: str
    outer: tuple[str, ...]
    inner: tuple[str, ...]
    interface: str


class _Held(msgspec.Struct, frozen=True):
    """The holder's READY line: who it is, and which of its descriptors is the inner namespace."""

    pid: int
    inner: int


@cache
def unavailable() -> str | None:
    """Why there can be no such network here, in one line that says what would help; None if it can.

    Tried out once, not guessed.
    """
    if sys.platform != "linux":
        return "network namespaces are Linux's; run this on Linux"
    for program, package in _PROGRAMS.items():
        if _find(program) is None:
            return f"the program {program} is missing; install {package}"
    command = [*_unshare(), "sh", "-c", _TRIAL, str(_find("ip"))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TRIAL_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"network namespaces cannot be made: {error}"
    if done.returncode == 0:
        return None
    words = " ".join(done.stderr.split())
    if words.startswith("unshare:") or "not permitted" in words:
        return f"network namespaces are not permitted ({words}); {_remedy()}"
    return f"this kernel makes no bridge or no veth ({words}); load them: modprobe -a bridge veth"


@contextmanager
def isolated(*, log: Path) -> Iterator[Network]:
    """A fresh network that can be cut, until the block ends.

    Processes that were started in it are to be ended before.

    Args:
        log: file for what its holder prints.

    Raises:
        LaunchError: there can be none here.
    """
    reason = unavailable()
    if reason is not None:
        raise LaunchError(reason)
    command = [sys.executable, "-I", "-S", str(_HOLDER), str(_find("ip"))]
    with started("network", command, type=_Held, log=log, prefix=_unshare(), kill=True) as holder:
        pid = holder.ready.pid
        enter = str(_find("nsenter"))
        outer = [enter, f"--net=/proc/{pid}/ns/net"]
        if not _is_root():
            # In a user namespace of one user its credentials are all there are.
            outer[1:1] = [f"--user=/proc/{pid}/ns/user", "--preserve-credentials"]
        inner = (enter, f"--net=/proc/{pid}/fd/{holder.ready.inner}")
        yield Network(OUTER_ADDRESS, tuple(outer), inner, INNER)


def _unshare() -> tuple[str, ...]:
    """What makes the outer namespace."""
    user = () if _is_root() else ("--user", "--map-root-user")
    return (str(_find("unshare")), *user, "--net")


def _is_root() -> bool:
    return os.geteuid() == 0


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_MORE_PATHS}")


def _remedy(settings: Path = Path("/proc/sys")) -> str:
    """What would help where it is not permitted."""
    changes = []
    for name, (forbids, allows) in _FORBIDDING.items():
        try:
            value = (settings / name).read_text(encoding="ascii").strip()
        except OSError:  # not every kernel has it
            continue
        if value == forbids:
            changes.append(f"sysctl {name.replace('/', '.')}={allows}")
    if changes:
        return f"an administrator allows them with {' and '.join(changes)}"
    if _is_root():
        return "a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN (docker run --privileged)"
    return "run this as root, or where unprivileged users may make user namespaces"
