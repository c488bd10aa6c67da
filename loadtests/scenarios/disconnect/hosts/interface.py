"""Taking a network interface down, in the network of this process (netdevice(7))."""

from __future__ import annotations

import socket
import struct

# linux/sockios.h and linux/if.h; Python names none of them.
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

#: struct ifreq: the interface's name, its flags, and room for what other requests hold.
_REQUEST = struct.Struct("16sh22x")
_LONGEST_NAME = 15


def check_link(interface: str) -> None:
    """Try all that ``take_down`` needs, and change nothing.

    Raises:
        OSError: there is no such interface, or this process may not change it.
    """
    _change(interface, 0)


def take_down(interface: str) -> None:
    """Take it down at once: nothing goes out or comes in by it any more.

    Raises:
        OSError: see ``check_link``.
    """
    _change(interface, _IFF_UP)


def _change(interface: str, cleared: int) -> None:
    import fcntl  # only where there are such requests

    name = interface.encode()[:_LONGEST_NAME]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _REQUEST.pack(name, 0))
        flags = _REQUEST.unpack(answer)[1] & ~cleared
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _REQUEST.pack(name, flags))
