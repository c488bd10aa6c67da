"""Clients that begin with long-polling and are carried by WebSocket in the end, as pages do it."""

from __future__ import annotations

from loadtests.record.words import Transport
from loadtests.scenarios.bench import Bench

#: A client that is not upgraded by then is not upgraded.
_PATIENCE_S = 5.0
#: Why there is no upgrade in a cell.
NO_UPGRADE = "over long-polling nothing is upgraded"


def upgrades_ns(bench: Bench, many: int) -> tuple[list[int], str]:
    """Connect some clients, one after the other, and have each upgraded.

    Returns:
        Of each, how long it took from the server's handshake until WebSocket carried it; and why
        some, or all, were not upgraded, else nothing.
    """
    if bench.place.transport is Transport.POLLING:
        return [], NO_UPGRADE
    from loadtests.client.errors import ConnectionFailed, tallied
    from loadtests.client.link import locate
    from loadtests.client.session import Session

    place = bench.place
    server = locate(place.url, place.target, compression=place.compression)
    took_ns: list[int] = []
    failures: list[str] = []
    for _ in range(many):
        session = Session(server, (Transport.POLLING, Transport.WEBSOCKET), place.namespace)
        try:
            session.connect(place.target.auth, _PATIENCE_S)
            opened_ns = session.pinged_ns
            session.wait_for_upgrade(_PATIENCE_S)
            took_ns.append(bench.now_ns() - opened_ns)
        except ConnectionFailed as error:
            failures.append(str(error))
        finally:
            session.close()
        if len(failures) > len(took_ns) + 1:  # each of them takes as long as that
            break
    return took_ns, tallied(failures) if failures else ""
