"""How many files and ports a process may have here."""

from __future__ import annotations

from pathlib import Path

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]


#: Descriptors that a process has open beside its connections.
OTHER_FILES = 100


_IPV4_SETTINGS = Path("/proc/sys/net/ipv4")


def open_files() -> int | None:
    """How many files this process may have open; None where there is no such limit."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else None


def most_open_files() -> int | None:
    """To how many that limit can be raised; None where there is no limit."""
    if resource is None:
        return None
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard


def allow_open_files(needed: int) -> int | None:
    """Raise the limit of file descriptors as far as needed.

    Returns:
        None where ``needed`` can be had; otherwise how many can.
    """
    if resource is None:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    if hard != resource.RLIM_INFINITY and hard < needed:
        return hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return None


def ephemeral_ports(settings: Path = _IPV4_SETTINGS) -> int | None:
    """How many connections one address of this machine can have to one address and port.

    Of the network namespace that this process is in. A new one starts with the kernel's default of
    32768 to 60999, 28232 ports, whatever this machine is set to.

    Args:
        settings: the kernel's, of IPv4; those for IPv6 are the same.

    Returns:
        The ports that the kernel gives out by itself; None where it does not tell.
    """
    try:
        low, high = map(int, (settings / "ip_local_port_range").read_text(encoding="ascii").split())
        reserved = (settings / "ip_local_reserved_ports").read_text(encoding="ascii").strip()
    except (OSError, ValueError):  # not Linux
        return None
    ports = set(range(low, high + 1))
    for part in filter(None, reserved.split(",")):
        first, _, last = part.partition("-")
        ports -= set(range(int(first), int(last or first) + 1))
    return len(ports)
