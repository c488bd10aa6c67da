"""Findings about disconnects: clients that nobody noticed, or that the rules do not explain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from loadtests.record.generator_facts import ReturnFacts
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect import windows
from reports.facts.findings import Finding, Kind, Severity
from reports.facts.numbers import counted, seconds
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.sections.disconnect.clients import Group, departures, outages
from reports.sections.disconnect.names import CLIENTS
from reports.sections.disconnect.settings import LIBRARYS, main_heartbeat, rule
from reports.sections.disconnect.words import window_text

#: A finding names so many places; the tables name all.
_SHOWN = 4


def _not_noticed(facts: Facts) -> Iterator[Finding]:
    groups = [group for group in _groups(facts) if group.missed]
    if groups:
        clients = sum(group.missed for group in groups)
        yield Finding(
            Kind.NOT_NOTICED,
            Severity.WARNING,
            f"{counted(clients, 'client')} {_were(clients)} never noticed within the observation "
            "window: "
            + _listed(groups, lambda group: f"{group.missed} of {len(group.clients)}")
            + ".",
            "Read medians with these counted as the slowest; if the window is longer than the "
            "rules imply, the disconnect handler may never run there: look into the servers' logs.",
            _cells(groups),
        )


def _called_again(facts: Facts) -> Iterator[Finding]:
    def again(group: Group) -> list[int]:
        return [one.calls for one in group.clients if one.calls > 1]

    groups = [group for group in _groups(facts) if again(group)]
    if groups:
        yield Finding(
            Kind.CALLED_AGAIN,
            Severity.WARNING,
            "The server's disconnect handler ran more than once for the same client: "
            + _listed(
                groups,
                lambda group: (
                    f"{len(again(group))} of {counted(len(group.clients), 'client')}, "
                    f"up to {max(again(group))} times"
                ),
            )
            + ".",
            "Make what the handler does safe to do twice: a counter of who is online would be "
            "wrong by now.",
            _cells(groups),
        )


def _outside(facts: Facts) -> Iterator[Finding]:
    groups = [group for group in _groups(facts) if group.outside]
    if groups:
        clients = sum(len(group.outside) for group in groups)
        yield Finding(
            Kind.OUTSIDE,
            Severity.WARNING,
            f"{counted(clients, 'client')} {_were(clients)} noticed outside the window that the "
            f"library's rules imply and its tolerance of {windows.TOLERANCE_S:g} s: "
            + _listed(groups, _how_far)
            + ".",
            "The numbers stand: either the machine stalled (look at lateness and stolen time), or "
            "the library does something that its rules as written in docs/disconnect.md do not "
            "say.",
            _cells(groups),
        )


#: What an outage trial counts for each client library -> how it is told of.
_OTHERWISE = {
    "left_out": "not connected when the server went",
    "reconnected_later": "connected again later than their own delays explain",
    "connected_twice": "connected again more than once",
}


def _came_back_otherwise(facts: Facts) -> Iterator[Finding]:
    found: dict[str, list[str]] = {}
    cells = {each.number: Cell(each.mode, each.transport) for each in facts.result.plan}
    for trial in facts.result.trials:
        # A trial that nobody planned is in no cell.
        cell = str(cells.get(trial.number, f"trial {trial.number}"))
        for outage, seen in trial.generator.outages.items():
            for client, name in CLIENTS.items():
                counts: ReturnFacts | None = getattr(seen, client)
                told = [
                    f"{count} {words}"
                    for fact, words in _OTHERWISE.items()
                    if (count := getattr(counts, fact, 0))
                ]
                if told:
                    found.setdefault(cell, []).append(f"{outage}, {name}: {', '.join(told)}")
        if crashes := trial.generator.crashes:
            text = f"{counted(len(crashes), 'exception')} ended threads of clients ({crashes[0]})"
            found.setdefault(cell, []).append(text)
    if found:
        every = [f"{cell}: {each}" for cell, several in found.items() for each in several]
        yield Finding(
            Kind.CAME_BACK_OTHERWISE,
            Severity.WARNING,
            "Not all clients went through their server's outage as their library's rules say: "
            f"{'; '.join(every[:_SHOWN])}"
            + (f"; and {len(every) - _SHOWN} more" if len(every) > _SHOWN else "")
            + ".",
            "Read the reconnection times with that in mind; result.json has the counts, and the "
            "clients' logs in the run folder what they said.",
            tuple(found),
        )


def at_the_librarys_heartbeat(facts: Facts) -> Iterator[Finding]:
    """What the times of silent clients are at the heartbeat that most servers have."""
    here = main_heartbeat(facts.result)
    gone = departures(facts.own_outcomes, facts.own_rows)
    if here is None or here == LIBRARYS or not any(one.clients for one in gone):
        return
    own, librarys = (
        window_text(rule(Transport.POLLING, "simple-websocket", each)) for each in (here, LIBRARYS)
    )
    yield Finding(
        "heartbeat-of-the-run",
        Severity.NOTE,
        f"Whoever says goodbye, or closes a WebSocket, is noticed at once. Who falls silent, or "
        f"dies over long-polling, is found by the heartbeat: after {own} at this run's "
        f"{here} s, and after {librarys} at the library's {LIBRARYS} s.",
        "Read times of silent clients with the heartbeat they were measured at; docs/disconnect.md "
        "has what to set.",
        (),
    )


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _not_noticed,
    _called_again,
    _outside,
    _came_back_otherwise,
)


def _groups(facts: Facts) -> list[Group]:
    return [
        *departures(facts.own_outcomes, facts.own_rows),
        *outages(facts.own_outcomes, facts.own_rows),
    ]


def _listed(groups: Sequence[Group], text: Callable[[Group], str]) -> str:
    """``kill, gevent × polling: 2 of 20; …``, the first few of them."""
    shown = [
        f"{group.row.partition(':')[2]}, {group.cell}: {text(group)}" for group in groups[:_SHOWN]
    ]
    more = len(groups) - len(shown)
    return "; ".join(shown) + (f"; and in {more} more" if more else "")


def _how_far(group: Group) -> str:
    """``2 of 20, up to 1.30 s too late, expected 1 to 3.9 s``."""
    found = group.outside
    count = f"{len(found)} of {len(group.clients)}"
    late = max((one.beyond_s for one in found), default=0.0)
    early = min((one.beyond_s for one in found), default=0.0)
    parts = [count]
    if late > windows.TOLERANCE_S:
        parts.append(f"up to {seconds(late)} too late")
    if early < -windows.TOLERANCE_S:
        parts.append(f"up to {seconds(-early)} too early")
    if group.window is not None:
        others = [one for one in found if one.reason not in group.window.reasons]
        if others:
            given = " or ".join(dict.fromkeys(one.reason or "none" for one in others))
            parts.append(f"with the reason {given}, not {' or '.join(group.window.reasons)}")
        parts.append(f"expected {window_text(group.window)}")
    return ", ".join(parts)


def _cells(groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(group.cell) for group in groups))


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
