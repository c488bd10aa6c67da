"""What must be right before Locust spawns users: each check gives one line that says what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.machine import limits
from loadtests.users.attributes import target_of_class
from loadtests.users.telling import target_of

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

#: Connections that one user holds, at most, with each way of carrying a session: polling has one
#: for the waiting GET and one for POSTs, and an upgrade opens the WebSocket beside them.
_CONNECTIONS = {"polling": 2, "websocket": 1, "upgrade": 3}


def raise_open_files() -> None:
    """Have as many file descriptors as the system lets us without asking."""
    if resource is not None:
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Linux refuses an infinite limit (fs.nr_open); `files_problem` asks for what is needed.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def socketio_users(user_classes: Sequence[Any]) -> list[Any]:
    """Those of the user classes that are SocketIOUsers; others are no concern of ours."""
    return [each for each in user_classes if hasattr(each, "carriage")]


def host_problem(
    host: str | None, user_classes: Sequence[Any], *, resolve: bool, options: Any = None
) -> str | None:
    """What is wrong with where the users are to connect.

    Args:
        host: Locust's, which goes before that of a user class.
        user_classes: those that are to run.
        resolve: whether the name must be known here; only workers may know it.
        options: Locust's, which may say what connections are told.
    """
    for user_class in socketio_users(user_classes):
        url = host or user_class.host
        if not url:
            return "no host: give --host http://HOST:PORT (or https, ws, wss)"
        try:
            locate(url, target_of(options, target_of_class(user_class)))
        except ValueError as error:
            return f"{user_class.__name__}: {error}"
        except ConnectionFailed as error:
            if resolve or not isinstance(error.__cause__, OSError):
                said = str(error)
                return said if said.startswith("ca_file") else f"--host {said}"
    return None


def files_problem(
    users: int, processes: int, user_classes: Sequence[Any], options: Any
) -> str | None:
    """Whether a process has too few file descriptors for its share of the users.

    Args:
        users: in all processes together.
        processes: that share them; assumed to have this one's limit.
        user_classes: those that are to run.
        options: Locust's, which may say how a session is carried.
    """
    try:
        carriages = [each.carriage(options) for each in socketio_users(user_classes)]
    except ValueError as error:
        return str(error)
    if not carriages:
        return None
    carriage = max(carriages, key=lambda each: _CONNECTIONS[each])
    needed = math.ceil(users / processes) * _CONNECTIONS[carriage] + limits.OTHER_FILES
    allowed = limits.allow_open_files(needed)
    if allowed is None:
        return None
    most = max(0, allowed - limits.OTHER_FILES) // _CONNECTIONS[carriage] * processes
    each = "" if processes == 1 else f" in each of {processes} processes"
    return (
        f"{users} users ({carriage}) need {needed} open files{each}, and {allowed} are allowed: "
        f"at most {most} users would work, or raise ulimit -n, or share them among more processes"
    )
