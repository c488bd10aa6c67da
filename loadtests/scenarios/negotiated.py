"""What WebSocket connections have agreed on, held against what was to be."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.machine.journal import WrongConnections
from loadtests.record.generator_facts import DEFLATE, NOT_COMPRESSED
from loadtests.record.words import Client, Transport
from loadtests.scenarios.bench import Place


def verify_compression(
    compressed: Sequence[bool], place: Place, *, offered: bool | None = None
) -> str:
    """What was agreed on with the server, by each of a trial's connections.

    Args:
        compressed: whether messages are, on each of them.
        place: where they lead, and what the server there says of itself.
        offered: whether they have offered it; None where they are the trial's usual ones.

    Returns:
        ``permessage-deflate`` or ``none``; empty where there is no WebSocket of the generator's.

    Raises:
        WrongConnections: they do not all have the same, compress what was not to be compressed, or
            it is not what the server's READY line says of its WebSocket.
    """
    if place.transport is not Transport.WEBSOCKET or not compressed:
        return ""
    if offered is None:  # python-socketio's client has no such offer to make
        offered = place.compression and place.client is not Client.REFERENCE
    every, some = len(compressed), sum(compressed)
    if some and not offered:
        raise WrongConnections(
            f"{some} of {every} WebSocket connections compress, which nobody offered"
        )
    if 0 < some < every:
        raise WrongConnections(
            f"{some} of {every} WebSocket connections compress and the others do not: "
            "is there more than one server behind the address?"
        )
    if offered and place.compresses is not None and place.compresses is not bool(some):
        says = "compresses" if place.compresses else "does not compress"
        do = "all" if some else "none"
        raise WrongConnections(
            f"the server says that its WebSocket ({place.websocket}) {says} messages, and {do} of "
            f"{every} connections that offered it do: is it another one that answers?"
        )
    return DEFLATE if some else NOT_COMPRESSED
