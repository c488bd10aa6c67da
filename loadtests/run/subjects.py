"""What is measured under a name that is no mode's: running servers, and modes with something else.

``[[subject]]`` tables of an experiment say it, or ``--url`` and ``--label``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from loadtests import ROOT
from loadtests.client.target import HIDDEN
from loadtests.machine.launch import ANY, SERVE
from loadtests.record.label import problem_of
from loadtests.record.proof import Proof
from loadtests.scenarios.scenario import Heartbeat

#: What stands for a running server that nobody has named.
OWN = "own"


class SubjectTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[subject]]``; what it does not say is as for the modes.

    Attributes:
        label: what it is called in files, charts and tables.
        url: of a server that is running; nothing else is said of it then.
        mode: how the application is served.
        python: interpreter that serves it: a path, which has the mode's package and ours.
        server: its heartbeat, in place of the experiment's.
        environment: variables of its servers.
    """

    label: str
    url: str | None = None
    mode: str | None = None
    python: str | None = None
    server: Heartbeat | None = None
    environment: dict[str, str] = {}

    def unsaid(self) -> SubjectTable:
        """The same for everybody's eyes: no values of variables, no paths."""
        return msgspec.structs.replace(
            self,
            python=self.python and Path(self.python).name,
            environment=dict.fromkeys(self.environment, HIDDEN),
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured under a name.

    Attributes:
        mode: one of ``servers.modes``; None: the name is the mode's.
        command: what starts it; the mode and the options are appended.
        folder: where it runs, and finds the application.
        environment: variables beside ours, or in place of them.
        heartbeat: in place of the experiment's, but for scenarios that have their own.
        proof: what it must say of itself beside its mode.
        url: of a server that is running already: it is not started, and the rest says nothing.
    """

    mode: str | None = None
    command: Sequence[str] = SERVE
    folder: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    heartbeat: Heartbeat | None = None
    proof: Proof = ANY
    url: str | None = None


def running(url: str) -> Subject:
    """A server that somebody else has started."""
    return Subject(url=url.rstrip("/"))


def check(tables: Sequence[SubjectTable], modes: Sequence[str]) -> None:
    """Whether subjects make sense.

    Args:
        tables: of an experiment.
        modes: that there are.

    Raises:
        ValueError: one does not, or two have one name.
    """
    for place, table in enumerate(tables, start=1):
        if problem := _problem(table, modes):
            raise ValueError(f"[[subject]] {place}: {problem}")
    labels = [each.label for each in tables]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"two subjects are called {label!r}")


def _problem(table: SubjectTable, modes: Sequence[str]) -> str:
    if problem := problem_of(table.label):
        return problem
    if table.url is not None:
        more = (table.mode, table.python, table.server, table.environment or None)
        if any(each is not None for each in more):
            return f"{table.label} is at a url, so how it is served is not ours to say"
        return ""
    if table.mode is None:
        return f"{table.label} has neither a mode nor the url of a running server"
    if table.mode not in modes:
        return f"unknown mode {table.mode!r}; known: {', '.join(modes)}"
    return ""


def subjects_of(tables: Sequence[SubjectTable]) -> dict[str, Subject]:
    """Label -> what is measured under it."""
    return {each.label: _subject(each) for each in tables}


def _subject(table: SubjectTable) -> Subject:
    if table.url is not None:
        return running(table.url)
    return Subject(
        mode=table.mode,
        command=SERVE if table.python is None else (table.python, *SERVE[1:]),
        environment=table.environment,
        heartbeat=table.server,
    )
