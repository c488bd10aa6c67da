"""What departures need beyond server and generator: a network that can be cut, a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loadtests.record.words import Cause, Client
from loadtests.scenarios.bench import Cable, Site
from loadtests.scenarios.disconnect.hosts import browser
from loadtests.scenarios.disconnect.options import Disconnect

_TAB_IS_NO_REFERENCE = "a browser's tab has the official JavaScript client"


@contextmanager
def prepared(options: Disconnect, client: Client, label: Path) -> Iterator[Site]:
    """The network that a trial runs in, where clients are to be cut off; what cannot be had here.

    What is missing costs the rows of its cause, not the others.

    Args:
        options: of the trial.
        client: whose Socket.IO client its users have.
        label: path that the names of the trial's files begin with.
    """
    # These know of the servers, which who only reads a declaration does without.
    from loadtests.machine import network
    from loadtests.machine.launch import LaunchError

    missing = {
        str(cause): why
        for cause in options.causes
        if (why := _unavailable(cause, options, client, network.unavailable)) is not None
    }
    with ExitStack() as stack:
        site = Site(missing=missing)
        if Cause.CUT in options.causes and Cause.CUT not in missing:
            log = label.with_name(f"{label.name}-network.log")
            try:
                wires = stack.enter_context(network.isolated(log=log))
            except LaunchError as error:
                missing[Cause.CUT] = str(error)
            else:
                cable = Cable(prefix=wires.inner, interface=wires.interface)
                site = Site(wires.outer, wires.address, cable, missing)
        yield site


def _unavailable(
    cause: Cause, options: Disconnect, client: Client, network: Callable[[], str | None]
) -> str | None:
    """Why clients cannot go in some way here."""
    if cause is Cause.CUT:
        return network()
    if cause is not Cause.TAB:
        return None
    if client is not Client.TRANSPORT_BENCH:
        return _TAB_IS_NO_REFERENCE
    tabs = options.clients * sum(row.cause is Cause.TAB for row in options.departing)
    return browser.unavailable() or browser.too_many(tabs)
