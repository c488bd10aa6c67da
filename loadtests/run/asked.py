"""What a command line asks to have measured in place of the experiment's modes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from loadtests.client.told import Words, told
from loadtests.record.application import BESIDE_NAMESPACE
from loadtests.record.words import Client
from loadtests.run.experiment import Experiment, ExperimentError
from loadtests.run.feasible import for_servers_of_ours
from loadtests.run.said import said
from loadtests.run.subjects import OWN, SubjectTable, check, modes_of
from servers.modes import ADAPTERS


@dataclass(frozen=True, slots=True)
class Asked:
    """The options about it, as given.

    Attributes:
        urls, labels: of running servers.
        modes: of servers that are started; None where nothing is said.
        app: ``MODULE:OBJECT`` of an application of one's own.
        app_dir: where it is imported from.
        python: the interpreter that has it.
        able: mode -> why it cannot be served, None where it can; None: the interpreter says it.
    """

    urls: Sequence[str] = ()
    labels: Sequence[str] = ()
    modes: Sequence[str] | None = None
    app: str | None = None
    app_dir: str | None = None
    python: str | None = None
    able: Mapping[str, str | None] | None = None


def asked(
    wanted: Experiment,
    given: Asked,
    *,
    tell: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> Experiment:
    """The experiment with what the command line asks for as its subjects.

    Args:
        wanted: narrowed already.
        given: the options.
        tell: what is left out, and why, a line each.
        environment: whose active interpreter is taken where none is named.

    Raises:
        ExperimentError: the options make no sense together, or an interpreter serves nothing.
    """
    if given.app is None and (given.app_dir is not None or given.python is not None):
        raise ExperimentError("--app-dir and --python are about an --app; give that too")
    if not given.urls and given.app is None:
        if given.labels:
            raise ExperimentError("--label names the server of --url; give that too")
        return wanted
    if wanted.subject:
        option = "--url" if given.urls else "--app"
        raise ExperimentError(
            f"{option}: the experiment says by [[subject]] tables what is measured"
        )
    if given.urls and given.app is not None:
        raise ExperimentError(
            "--url and --app: one is running and the other is started; [[subject]] tables of an "
            "experiment can have both"
        )
    tables = _running(given) if given.urls else _served(wanted, given, tell, environment)
    try:
        check(tables, list(ADAPTERS))
    except ValueError as error:  # there is no table that it could name
        raise ExperimentError(re.sub(r"^\[\[subject\]\] \d+: ", "", str(error))) from error
    return msgspec.structs.replace(wanted, subject=tables, modes=[each.label for each in tables])


def _running(given: Asked) -> list[SubjectTable]:
    if given.modes is not None:
        raise ExperimentError("--modes starts servers of ours; with --url there are only those")
    labels = given.labels
    if len(given.urls) == 1 and not labels:
        labels = [OWN]
    if len(labels) != len(given.urls):
        raise ExperimentError(
            f"{len(given.urls)} --url and {len(labels)} --label: each server is named by one of "
            "its own"
        )
    return [SubjectTable(label, url) for label, url in zip(labels, given.urls, strict=True)]


def _served(
    wanted: Experiment, given: Asked, tell: Callable[[str], None], environment: Mapping[str, str]
) -> list[SubjectTable]:
    if given.labels:
        raise ExperimentError("--label names the server of --url; an --app goes by its modes")
    python = given.python or _active(environment, Path(given.app_dir or "."))
    if given.python is None:
        tell(f"served by {python} (--python for another)")
    try:
        able = modes_of(python) if given.able is None else given.able
    except ValueError as error:
        raise ExperimentError(f"--python: {error}") from error
    for mode in given.modes or ():
        if lack := able.get(mode, f"mode {mode} serves the application under test only"):
            where = "" if given.able is not None else f" (in {python})"
            raise ExperimentError(f"--modes: {lack}{where}")
    lacks = {
        mode: able.get(mode, f"{mode} serves the application under test only")
        for mode in wanted.modes
    }
    modes = list(given.modes or [mode for mode, lack in lacks.items() if lack is None])
    if not modes:
        raise ExperimentError(f"{python} can serve no mode: {next(iter(lacks.values()))}")
    for lack in lacks.values():
        if given.modes is None and lack is not None:
            tell(f"left out: {lack}")
    return [
        SubjectTable(mode, mode=mode, app=given.app, folder=given.app_dir, python=python)
        for mode in modes
    ]


def _active(environment: Mapping[str, str], beside: Path) -> str:
    """The interpreter of the active environment, or of one beside the application; else ours."""
    active = environment.get("VIRTUAL_ENV")
    folders = [*([Path(active)] if active else []), beside / ".venv", beside / "venv"]
    for folder in folders:
        for name in ("bin/python", "Scripts/python.exe"):
            if (found := folder / name).is_file():
                return str(found)
    return sys.executable


def telling(wanted: Experiment, given: Mapping[str, Any]) -> Experiment:
    """The experiment with what the command line says to connections, and in which words.

    Args:
        wanted: with its subjects.
        given: options of the command line, by their names.

    Raises:
        ExperimentError: it makes no sense to what is measured.
    """
    words = Words.of(given)
    try:
        target = told(words, wanted.target)
        tables = [
            msgspec.structs.replace(
                each,
                target=each.target and told(words, each.target),
                messages=each.messages and said(given, each.messages),
            )
            for each in wanted.subject
        ]
        messages = said(given, wanted.messages)
    except ValueError as error:
        raise ExperimentError(str(error)) from error
    compress = wanted.compress and not given["no_compression"]
    wanted = msgspec.structs.replace(
        wanted,
        target=target,
        compress=compress,
        messages=messages,
        subject=tables,
        generators=given.get("generators") or wanted.generators,
    )
    if not tables or any(each.url is None and each.app is None for each in tables):
        wanted = for_servers_of_ours(wanted)
    if wanted.client is Client.REFERENCE and (
        wanted.messages or any(each.messages for each in tables)
    ):
        raise ExperimentError(
            'client = "reference" speaks to the application under test alone: no [messages] with it'
        )
    if any(_in_two_namespaces(each, wanted) for each in tables):
        raise ExperimentError(
            f"an application of one's own is measured in {BESIDE_NAMESPACE}, unless [messages] say "
            "what is sent in a namespace of its own"
        )
    return wanted


def _in_two_namespaces(table: SubjectTable, wanted: Experiment) -> bool:
    """Whether a namespace is named for an application that is spoken to in ours."""
    target, messages = table.target or wanted.target, table.messages or wanted.messages
    return table.app is not None and bool(target.namespace) and messages is None
