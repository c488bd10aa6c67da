"""Run a command that is pinned to a core and dies with whoever started it.

``python -I -S leash.py [--kill] PARENT CORE COMMAND...``; CORE is ``-`` for any. Becomes the
command, so that its process id is the command's. It dies by SIGTERM, or with ``--kill`` by SIGKILL,
which ends a stopped process too and leaves it no time to tidy up. A file of its own, run as a
script, because doing this between fork and exec of a process with threads is not safe.
"""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2); kept across exec


def dies_with(parent: int, number: signal.Signals) -> bool:
    """Have the kernel signal this process when its parent ends, however that ends.

    Only Linux does. It is the parent's thread that counts, the one that started this process.

    Returns:
        Whether the parent was still there when this was set.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    return os.getppid() == parent


def main() -> None:
    """Put on the leash, then become the command."""
    kill = sys.argv[1] == "--kill"
    parent, core, *command = sys.argv[2 if kill else 1 :]
    if core != "-":
        os.sched_setaffinity(0, {int(core)})
    if not dies_with(int(parent), signal.SIGKILL if kill else signal.SIGTERM):
        sys.exit(0)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
