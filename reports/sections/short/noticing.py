"""When the server notices that somebody is gone, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.record.words import Status, Transport
from reports.facts.numbers import counted, seconds, seconds_span
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.sections.disconnect.clients import hull
from reports.sections.disconnect.settings import LIBRARYS, main_heartbeat, predicted
from reports.sections.disconnect.words import window_text
from reports.sections.short.lines import CLOSED, GOODBYE, SILENT, Going, cells_over, going

#: What takes less is at once to whoever reads a list of who is there, seconds.
_AT_ONCE_S = 1.0


def told(facts: Facts) -> tuple[str, str] | None:
    """The gist and the rest; None where nobody went away.

    Who says goodbye, or closes a WebSocket, is one kind; who falls silent, or dies over
    long-polling, which the server cannot tell from silence, the other.
    """
    sockets = cells_over(facts, Transport.WEBSOCKET)
    polls = cells_over(facts, Transport.POLLING)
    closed = _together(
        going(facts, GOODBYE, [*sockets, *polls]),
        ended := going(facts, CLOSED, sockets),
    )
    silent = _together(
        going(facts, SILENT, [*sockets, *polls]),
        dead := going(facts, CLOSED, polls),
    )
    parts = []
    if closed.clients:
        who = "Who says goodbye or closes a WebSocket" if ended.clients else "Who says goodbye"
        parts.append(_closed(who, closed))
    if silent.clients:
        both = "Who falls silent, or dies over long-polling," if dead.clients else _SILENT
        parts.append(_silent(facts, both, silent, [*sockets, *polls]))
    if not parts:
        return None
    gist, rest = parts[0]
    return gist, rest + "".join(f" {first}{then}" for first, then in parts[1:])


_SILENT = "Who falls silent"


def _together(*several: Going) -> Going:
    """All of them that are to be trusted: what is not is in the table, and marked."""
    groups = (group for one in several for group in one.groups)
    return Going(tuple(group for group in groups if group.status is Status.OK))


def _closed(who: str, found: Going) -> tuple[str, str]:
    if found.missed:
        return f"{who} was not always noticed", f": {_missed(found)} never."
    worst_s = max(found.times_s)
    if worst_s < _AT_ONCE_S:
        clients = counted(found.clients, "client")
        return f"{who} was noticed at once", f" (slowest of {clients}: {seconds(worst_s)})."
    return f"{who} was noticed within {seconds(worst_s)}", f", the slowest of {found.clients:,}."


def _silent(facts: Facts, who: str, found: Going, cells: Sequence[Cell]) -> tuple[str, str]:
    here = main_heartbeat(facts.result)
    at = f"at this run's heartbeat of {here} s" if here else "at this run's heartbeat"
    seen = found.times_s
    text = f" after {seconds_span(min(seen), max(seen))} {at}" if seen else f" by nobody {at}"
    text += f" ({_missed(found)} never)" if found.missed else ""
    if here == LIBRARYS:
        return f"{who} was noticed", f"{text}, the library's own."
    windows = [predicted(facts.result, cell, LIBRARYS) for cell in cells]
    ruled = hull(window for window in windows if window is not None)
    if ruled is None:
        return f"{who} was noticed", f"{text}; at another heartbeat, at another time."
    return f"{who} was noticed", (
        f"{text}, and after {window_text(ruled)} at the library's {LIBRARYS} s, by its rules."
    )


def _missed(found: Going) -> str:
    return f"{found.missed} of {counted(found.clients, 'client')}"
