"""The load generator ahead of everything else that runs on its core.

What happens to be on that core when a send is due is not interrupted for it at once: a kernel
thread or another program goes on for the rest of its time slice, some milliseconds, and being nice
or not changes nothing of that. A process of a real-time policy (sched(7)) does not wait for them.
The kernel keeps a twentieth of each second for all others, so it cannot take the machine.

Servers stay as their users run them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: The least of a real-time process, which is above all that are none.
_PRIORITY = 1
#: ``no`` in this variable of the environment: on a machine that others use at the same time.
SWITCH = "TRANSPORT_BENCH_AHEAD"
#: Whether this system has such policies.
KNOWN = hasattr(os, "sched_setscheduler")


def go_ahead() -> bool:
    """Have this process, and none that it starts, go ahead of all that are not real-time.

    Returns:
        Whether that is permitted: to root and CAP_SYS_NICE, or by RLIMIT_RTPRIO (``ulimit -r``).
        Where it is not, everything stays as it was.
    """
    if not KNOWN or os.environ.get(SWITCH) == "no":
        return False
    policy = os.SCHED_FIFO | getattr(os, "SCHED_RESET_ON_FORK", 0)
    try:
        os.sched_setscheduler(0, policy, os.sched_param(_PRIORITY))
    except OSError:
        return False
    return True


@contextmanager
def ahead() -> Iterator[bool]:
    """The same for a while; gives whether it is permitted."""
    if not KNOWN:
        yield False
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    permitted = go_ahead()
    try:
        yield permitted
    finally:
        if permitted:
            _go_back(policy, parameters)


def _go_back(policy: int, parameters: os.sched_param) -> None:
    try:
        os.sched_setscheduler(0, policy, parameters)
    except PermissionError:
        # By RLIMIT_RTPRIO alone it stays so that nobody inherits a policy.
        os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, parameters)
