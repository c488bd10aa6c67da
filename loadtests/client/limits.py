"""How long a thing from a server may be that this client takes."""

from __future__ import annotations

from loadtests.client.errors import ProtocolError

#: A WebSocket message, compressed or not, or the body of a response, bytes. No session has a use
#: for a longer one, and whoever sends one without an end is not to fill this machine's memory.
LONGEST = 16 * 1024 * 1024


def too_long(what: str, length: int, longest: int = LONGEST) -> ProtocolError:
    """The error about something longer, of which the server cannot know that it is one."""
    return ProtocolError(
        f"{what} of {length} bytes or more; this client takes {longest} at most, a limit of its "
        "own and not the server's"
    )
