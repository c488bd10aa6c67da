"""What is measured under a name that is no mode's: running servers, and modes with something else.

``[[subject]]`` tables of an experiment say it, or ``--url`` and ``--label``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from loadtests import ROOT
from loadtests.client.target import HIDDEN, Target
from loadtests.machine.launch import ANY, SERVE
from loadtests.record.label import problem_of
from loadtests.record.proof import Proof
from loadtests.scenarios.own_messages import Messages
from loadtests.scenarios.scenario import Heartbeat

#: Serves an application of somebody else's; run by its path, see there.
ELSEWHERE = ROOT / "servers" / "elsewhere.py"
#: What runs its program once more, which would not find it.
_NOT_FOR_APPS = ("uwsgi-gevent",)
#: What stands for a running server that nobody has named.
OWN = "own"


class SubjectTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[subject]]``; what it does not say is as for the modes.

    Attributes:
        label: what it is called in files, charts and tables.
        url: of a server that is running; nothing else is said of it then.
        mode: how the application is served.
        app: ``MODULE:OBJECT`` of an application of one's own; None for the one under test.
        folder: where that is imported from, and served; None for where this runs.
        python: interpreter that serves: a command or a path. It has the application's packages and
            the mode's.
        server: its heartbeat, in place of the experiment's.
        environment: variables of its servers.
        target: what its connections are told, in place of the experiment's.
        messages: that it is sent, in place of the experiment's.
    """

    label: str
    url: str | None = None
    mode: str | None = None
    app: str | None = None
    folder: str | None = None
    python: str | None = None
    server: Heartbeat | None = None
    environment: dict[str, str] = {}
    target: Target | None = None
    messages: Messages | None = None

    def unsaid(self) -> SubjectTable:
        """The same for everybody's eyes: no values of variables, no paths."""
        return msgspec.structs.replace(
            self,
            python=self.python and Path(self.python).name,
            folder=self.folder and Path(self.folder).name,
            environment=dict.fromkeys(self.environment, HIDDEN),
            target=self.target and self.target.unsaid(),
            messages=self.messages and self.messages.unsaid(),
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
        app: of somebody else's application, whose events are in a namespace of ours; None for the
            one under test.
        target: what its connections are told, in place of the experiment's.
        messages: that it is sent, in place of the experiment's.
    """

    mode: str | None = None
    command: Sequence[str] = SERVE
    folder: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    heartbeat: Heartbeat | None = None
    proof: Proof = ANY
    url: str | None = None
    app: str | None = None
    target: Target | None = None
    messages: Messages | None = None


def running(url: str, target: Target | None = None, messages: Messages | None = None) -> Subject:
    """A server that somebody else has started; see Subject for the rest."""
    return Subject(url=url.rstrip("/"), target=target, messages=messages)


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
        more = (
            *(table.mode, table.app, table.folder, table.python, table.server),
            table.environment or None,
        )
        if any(each is not None for each in more):
            return f"{table.label} is at a url, so how it is served is not ours to say"
        return ""
    if table.mode is None:
        return f"{table.label} has neither a mode nor the url of a running server"
    if table.mode not in modes:
        return f"unknown mode {table.mode!r}; known: {', '.join(modes)}"
    if table.app is None and (table.target is not None or table.messages is not None):
        return f"{table.label} is a server of ours, and how it is spoken to is known"
    if table.folder is not None and table.app is None:
        return f"{table.label} has a folder and no app in it"
    if table.python is not None and shutil.which(table.python) is None:
        return f"python {table.python}: no such command, and no file that can be run"
    if table.app is not None:
        return problem_of_app(table.app, table.folder, table.mode)
    return ""


def problem_of_app(app: str, folder: str | None, mode: str) -> str:
    """Why an application cannot be served; nothing where it can be tried."""
    module, colon, name = app.partition(":")
    if not (colon and all(part.isidentifier() for part in (*module.split("."), *name.split(".")))):
        return f"app {app!r}: give MODULE:OBJECT, such as app:socketio"
    if mode in _NOT_FOR_APPS:
        return f"mode {mode} serves the application under test only"
    if folder is not None and not Path(folder).is_dir():
        return f"folder {folder}: no such folder"
    return ""


def subjects_of(tables: Sequence[SubjectTable]) -> dict[str, Subject]:
    """Label -> what is measured under it."""
    return {each.label: _subject(each) for each in tables}


def _subject(table: SubjectTable) -> Subject:
    if table.url is not None:
        return running(table.url, table.target, table.messages)
    python = SERVE[0] if table.python is None else _program(table.python)
    if table.app is None:
        return Subject(
            mode=table.mode,
            command=(python, *SERVE[1:]),
            environment=table.environment,
            heartbeat=table.server,
        )
    return Subject(
        mode=table.mode,
        command=(python, "-B", str(ELSEWHERE), f"--app={table.app}"),
        folder=Path(table.folder or ".").resolve(),
        environment=table.environment,
        heartbeat=table.server,
        app=table.app,
        target=table.target,
        messages=table.messages,
    )


def _program(python: str) -> str:
    """An interpreter's path from anywhere: servers run in folders of their own."""
    # Not resolved: an environment's interpreter is a link out of it.
    return os.path.abspath(shutil.which(python) or python)  # noqa: PTH100


def modes_of(python: str) -> dict[str, str | None]:
    """Every mode, with why it cannot be served by an interpreter; None where it can.

    Raises:
        ValueError: that is no interpreter which can serve anything.
    """
    command = [_program(python), "-B", str(ELSEWHERE), "--modes"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        last = done.stdout.strip().splitlines()[-1:]  # whatever its own start-up prints
        found: dict[str, str | None] = msgspec.json.decode(
            "".join(last), type=dict[str, str | None]
        )
    except subprocess.CalledProcessError as error:
        words = (error.stderr.strip().splitlines() or [f"code {error.returncode}"])[-1]
        raise ValueError(f"{python} cannot serve anything: {words}") from error
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(f"{python} is no Python that can be run ({why})") from error
    return {mode: why for mode, why in found.items() if mode not in _NOT_FOR_APPS}
