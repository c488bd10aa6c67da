"""What measuring needs, what each costs where it is missing, and what would help. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: A descriptor each for hundreds of clients, at both ends: what the usual profiles ask for.
ENOUGH_FILES = 4096
_MODE = "mode "


class State(StrEnum):
    """How much of a need is met."""

    THERE = "there"
    PARTLY = "partly"  #: it measures, with less to be said of the numbers
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Need:
    """One row of the table.

    Attributes:
        name: what is needed.
        state: whether it is there.
        costs: what cannot be measured without, or how much less is known.
        remedy: what helps; nothing where it is there, or where nothing does.
    """

    name: str
    state: State
    costs: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Here:
    """What was found on a machine; a text says what is lacking and what helps, None: nothing.

    Attributes:
        modes: name -> what it lacks.
        main: the modes that are compared unless others are asked for.
        unwritable: the folder for runs, where it cannot be written to.
        open_files: the most that a process may have, to which runs raise their limit; None where
            there is none.
        one_core: what is wrong with the cores.
        ahead: whether the load generator may go ahead of what else runs on its core, or cannot
            anywhere on this machine.
        governor: of the cores' speed; None where the system does not tell.
        virtual: whether this is a virtual machine.
        client: the official client.
        tabs: a browser and what drives it.
        network: one that can be cut.
        tcpdump, git: whether they are installed.
    """

    modes: Mapping[str, str | None]
    main: Sequence[str]
    unwritable: str | None
    open_files: int | None
    one_core: str | None
    ahead: bool
    governor: str | None
    virtual: bool
    client: str | None
    tabs: str | None
    network: str | None
    tcpdump: bool
    git: bool


def needs(here: Here) -> list[Need]:
    """Every row, those first without which nothing is measured.

    Args:
        here: what was found.
    """
    return [*_modes(here), *_machine(here), *_more(here)]


def can_measure(found: Sequence[Need]) -> bool:
    """Whether a run of some mode would come to numbers.

    Args:
        found: all rows.
    """
    served = any(each.name.startswith(_MODE) and each.state is State.THERE for each in found)
    stuck = any(each.name == "run folders" and each.state is State.MISSING for each in found)
    return served and not stuck


def _modes(here: Here) -> Iterator[Need]:
    for mode in sorted(here.modes, key=lambda each: (each not in here.main, each)):
        usual = "" if mode in here.main else ", for those who ask for it"
        yield _row(f"{_MODE}{mode}", here.modes[mode], f"its rows in a report{usual}")


def _machine(here: Here) -> Iterator[Need]:
    yield _row("run folders", here.unwritable, "everything: no place for what is measured")
    some = "servers and clients share a core: their latencies are each other's, too"
    yield _partly("a second core", here.one_core, some)
    few = None
    if here.open_files is not None and here.open_files < ENOUGH_FILES:
        few = f"{here.open_files:,} may be open; ulimit -n {ENOUGH_FILES}, or limits.conf"
    yield _partly("open files", few, "scenarios of many clients: avalanche, connections, capacity")
    behind = None if here.ahead else "ulimit -r 1 (rtprio in limits.conf), or CAP_SYS_NICE, or root"
    late = "sends wait for what else runs on their core: more often late, more often invalid"
    yield _partly("precedence", behind, late)
    slow = None
    if here.governor not in (None, "performance"):
        slow = f"the cores' speed is {here.governor}'s; cpupower frequency-set -g performance"
    yield _partly("a steady speed", slow, "figures wander; ratios within a run bear it")
    shared = "a machine of one's own, for figures to be quoted" if here.virtual else None
    yield _partly("a real machine", shared, "neighbours are in the tails; ratios bear most of it")


def _more(here: Here) -> Iterator[Need]:
    yield _row(
        "the official client",
        here.client,
        "avalanche, outages of disconnect, the demo page, Node's rows of bench-client",
    )
    yield _row("browser tabs", here.tabs, "disconnect:tab, the closing of a real tab")
    yield _row("a network to cut", here.network, "disconnect:cut, the pulled cable")
    tcpdump = None if here.tcpdump else "install tcpdump, and run as root"
    yield _row("tcpdump", tcpdump, "bench-client's second witness of its times")
    yield _row("git", None if here.git else "install git", "commits as arms of a gate")


def _row(name: str, lack: str | None, costs: str) -> Need:
    return Need(name, State.THERE if lack is None else State.MISSING, costs, lack or "")


def _partly(name: str, lack: str | None, costs: str) -> Need:
    return Need(name, State.THERE if lack is None else State.PARTLY, costs, lack or "")
