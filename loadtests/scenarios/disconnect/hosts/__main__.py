"""``python -m loadtests.scenarios.disconnect.hosts DIARY``: each client a process."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from loadtests.record.words import Client


class _Whose(msgspec.Struct):
    client: Client


def main() -> None:
    """Hold what the configuration says, until standard input ends."""
    (diary,) = sys.argv[1:]
    config = sys.stdin.buffer.readline()
    if msgspec.json.decode(config, type=_Whose).client is Client.REFERENCE:
        _import_reference()
    from loadtests.scenarios.disconnect.hosts.process import ProcessHost, hold

    hold(msgspec.json.decode(config, type=ProcessHost), Path(diary))


def _import_reference() -> None:
    import gevent
    from gevent import monkey

    # As Locust does for it; before anything else is imported. Forking stays the system's own:
    # gevent's needs a loop, and here every child is to make its own.
    monkey.patch_all(os=False, signal=False)
    import loadtests.client.reference  # noqa: F401  # now, so that the children share it

    # urllib3 makes a socket when it is imported, and gevent's, which it is then, makes a loop.
    gevent.get_hub().destroy(destroy_loop=True)


if __name__ == "__main__":
    main()
