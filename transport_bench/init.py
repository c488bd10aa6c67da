"""``transport-bench init``: an experiment and a workflow for an application of one's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from loadtests.record import command_line, files
from loadtests.record.exits import Exit
from loadtests.run.experiment import PROFILES
from loadtests.run.subjects import modes_of, problem_of_app
from servers.modes import MAIN
from transport_bench import PROGRAM, written
from transport_bench.applications import Found, applications
from transport_bench.written import EXPERIMENT, WORKFLOW, Served

_NAME = f"{PROGRAM} init"
_ENVIRONMENTS = (".venv", "venv", "env")
_LOCKS = ("requirements.lock", "requirements.txt")
TEMPLATE = Path(__file__).parent / "templates" / "workflow.yml"
#: An error is one line, however many applications there are.
_MOST_NAMED = 8


class _Refused(Exception):
    """Nothing is written; one line says why."""


@click.command("init", cls=command_line.Command)
@click.argument("folder", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option("--app", metavar="MODULE:OBJECT", help="The application, where several are found.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(folder: Path, app: str | None, force: bool) -> int:
    """Write an experiment and a workflow for the application in a folder.

    Looks for Flask-SocketIO in the Python files of DIR (default: here), and imports none of them.
    Writes transport-bench.toml, and .github/workflows/transport-bench.yml, which runs the gate.
    """
    try:
        found = _chosen(folder, app)
        places = [folder / EXPERIMENT, folder / WORKFLOW]
        for place in places:
            if place.exists() and not force:
                raise _Refused(f"{place} is there already; --force writes over it")
        served = _served(folder, found)
        for place, text in zip(places, _texts(folder, served), strict=True):
            place.parent.mkdir(parents=True, exist_ok=True)
            files.replace(place, text.encode())
    except _Refused as error:
        return command_line.complain(_NAME, str(error), Exit.WRONG_CALL)
    except OSError as error:
        return command_line.complain(_NAME, command_line.system_words(error), Exit.WRONG_CALL)
    print(f"{found.app} is measured in {', '.join(served.modes)}")
    print(f"  beside its own handlers, until [messages] in {EXPERIMENT} say what these are sent")
    for place in places:
        print(f"wrote {place}")
    there = "" if folder == Path() else f"in {folder}: "
    print(f"next, {there}{PROGRAM} run {EXPERIMENT}")
    return Exit.FINE


def _chosen(folder: Path, app: str | None) -> Found:
    """The application that is asked for, or the only one."""
    if not folder.is_dir():
        raise _Refused(f"{folder}: no such folder")
    there = applications(folder)
    if app is not None:
        if problem := problem_of_app(app, None, MAIN[0]):
            raise _Refused(f"--{problem}")
        known = next((each for each in there if each.app == app), None)
        if known is None:  # code can make names that nobody can read
            print(f"note: {app} is not seen in {folder}; a run will tell", file=sys.stderr)
        return known or Found(".", app)
    if not there:
        raise _Refused(
            f"no Flask-SocketIO application found in {folder}: no SocketIO(app), and no function "
            "without arguments that makes one and returns it; name yours with --app MODULE:OBJECT"
        )
    if len(there) > 1:
        raise _Refused(f"{len(there)} applications: {_named(there)}; choose one with --app")
    return there[0]


def _named(found: Sequence[Found]) -> str:
    names = [each.app for each in found[:_MOST_NAMED]]
    return ", ".join([*names, *(["and more"] if len(found) > _MOST_NAMED else [])])


def _served(folder: Path, found: Found) -> Served:
    """In which modes it can be measured, by the interpreter that probably has it."""
    inside = [name for name in _ENVIRONMENTS if (folder / name / "bin" / "python").exists()]
    if inside:
        able, why = _able(str(folder / inside[0] / "bin" / "python"))
        python = f"{inside[0]}/bin/python"
        if why:  # it may get its packages later
            print(f"note: it cannot be served yet: {why}", file=sys.stderr)
        return Served(found, able or MAIN, python)
    # That of the active environment, under the name that it has everywhere.
    able, _ = _able("python")
    if able:
        return Served(found, able, "python")
    able, _ = _able(sys.executable)
    return Served(found, able or MAIN, None)


def _able(python: str) -> tuple[list[str], str]:
    """The modes that an interpreter can serve; why there are none."""
    try:
        lacks = modes_of(python)
    except ValueError as error:
        return [], str(error)
    modes = [mode for mode in MAIN if lacks.get(mode, "it has none") is None]
    return modes, "" if modes else f"{lacks.get(MAIN[0])}"


def _texts(folder: Path, served: Served) -> tuple[str, str]:
    # The tables of a profile that comes along, so that there is one place to keep right.
    profile = (PROFILES / "quick.toml").read_text(encoding="utf-8")
    scenarios = profile[profile.index("[echo]") :]
    lock = next((each for each in _LOCKS if (folder / each).exists()), _LOCKS[-1])
    template = TEMPLATE.read_text(encoding="utf-8")
    return written.experiment(served, scenarios), written.workflow(template, served, lock)
