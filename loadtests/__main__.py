"""``python -m loadtests run EXPERIMENT``: measure, then have the report made.

``calibrate`` measures the load generator instead of a server, ``bench-client`` compares it with
other clients, ``noise`` says how small a difference this machine can tell, ``gate`` whether one
version of the application is slower than another.
"""

from __future__ import annotations

from loadtests.record import called, command_line

NAME = "python -m loadtests"

if __name__ == "__main__":
    command_line.begin(NAME)

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from loadtests import ROOT
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.gate import command as gate
from loadtests.generator.arguments import (
    EXPERIMENT,
    FOLDER,
    LABEL,
    NAMES,
    beside,
    connections,
    messages,
)
from loadtests.generator.bench_client import command as bench_client
from loadtests.generator.calibrate import command as calibrate
from loadtests.generator.noise import command as noise
from loadtests.machine.alone import NotAlone, measuring
from loadtests.record.exits import Exit
from loadtests.record.places import RUNS, make
from loadtests.record.results import FILE_NAME, Result
from loadtests.record.words import Status, Transport
from loadtests.run.asked import Asked, asked, telling
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import MOST_GENERATORS, Experiment, ExperimentError, load
from loadtests.run.feasible import check
from loadtests.run.narrowing import narrow
from loadtests.run.preflight import tried
from loadtests.run.progress import reporter
from loadtests.run.runner import Run
from loadtests.run.subjects import Subject, subjects_of
from loadtests.scenarios.registry import SCENARIOS
from servers.modes import ADAPTERS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the arguments are those of the command line if None.

    Returns:
        The exit code.
    """
    return command_line.run(cli, NAME, arguments)


@click.group(cls=command_line.Commands, no_args_is_help=False)
def cli() -> None:
    """Measure how Flask-SocketIO's modes and transports compare.

    Exit codes: 0 fine; 2 the call or a file is wrong; 3 inconclusive (gate); 4 a measurement failed
    or is missing; 99 gate found head slower, or bench-client a target that is not met.
    """


cli.add_command(calibrate.command)
cli.add_command(bench_client.command)
cli.add_command(noise.command)
cli.add_command(gate.command)


@cli.command()
@click.argument("experiment", type=EXPERIMENT)
@click.option("--modes", type=NAMES, metavar="A,B", help=f"Of {', '.join(ADAPTERS)}.")
@click.option("--transports", type=NAMES, metavar="A,B", help=f"Of {', '.join(Transport)}.")
@click.option("--scenarios", type=NAMES, metavar="A,B", help=f"Of {', '.join(SCENARIOS)}.")
@click.option("--out", type=FOLDER, metavar="DIR", help="The run folder.")
@click.option(
    "--url",
    multiple=True,
    help="Measure this running server instead of starting our own; several are compared.",
)
@click.option(
    "--label", type=LABEL, multiple=True, help="What stands for its mode (one only: own)."
)
@click.option(
    "--app", metavar="MODULE:OBJECT", help="Serve this application of your own in every mode."
)
@click.option("--app-dir", metavar="DIR", help="Where it is imported from (default: here).")
@click.option(
    "--python", metavar="PATH", help="The interpreter that has it (default: the active one)."
)
@click.option(
    "--generators",
    type=click.IntRange(1, MOST_GENERATORS),
    help="Processes that hold the clients, where one core of load is too little.",
)
@click.option("--no-report", is_flag=True, help="Measure only; the report can be made later.")
@connections
@messages
@beside
def run(
    experiment: str,
    modes: list[str] | None,
    transports: list[str] | None,
    scenarios: list[str] | None,
    out: Path | None,
    url: Sequence[str],
    label: Sequence[str],
    app: str | None,
    app_dir: str | None,
    python: str | None,
    no_report: bool,
    beside: bool,
    **given: Any,
) -> int:
    """Run an experiment and build its report.

    EXPERIMENT is a profile (quick, default, full, workloads, ...) or a TOML file.
    """
    try:
        wanted = narrow(load(experiment), modes=modes, transports=transports, scenarios=scenarios)
        if wanted.base or wanted.head:
            raise ExperimentError(
                f"experiment {wanted.name} compares a base with a head; "
                f"{called.command('python -m loadtests gate')} does that"
            )
        wanted = asked(wanted, Asked(url, label, modes, app, app_dir, python), tell=print)
        subjects = subjects_of(wanted.subject)
        wanted = _checked(wanted, subjects, given)
        chosen = modes is None and app is not None
        wanted = tried(wanted, subjects, narrows=chosen, tell=print)
        subjects = {label: each for label, each in subjects.items() if label in wanted.modes}
        with measuring(f"experiment {wanted.name}", beside=beside):
            folder = _new_folder(out, wanted)
            result = _measured(wanted, folder, subjects)
    except (ExperimentError, NotAlone) as error:
        return command_line.complain(NAME, str(error), Exit.WRONG_CALL)
    except _Stuck as error:
        return command_line.complain(NAME, str(error), Exit.FAILED)
    except OSError as error:
        return command_line.complain(NAME, command_line.system_words(error), Exit.WRONG_CALL)
    if result.ended == "interrupted":
        print("interrupted; what was measured is kept", file=sys.stderr)
    reported = _unreported(folder) if no_report else _report(folder)
    return reported or _exit_code(result)


def _checked(
    wanted: Experiment, subjects: Mapping[str, Subject], given: dict[str, Any]
) -> Experiment:
    """The experiment with what the command line says of connections, if all of it can be done.

    Raises:
        ExperimentError: it cannot.
    """
    running = [each for each in subjects.values() if each.url is not None]
    wanted = telling(wanted, given)
    _check_urls(running, wanted)
    # Where all servers are of one's own some scenarios do not run at all.
    started = len(running) < len(wanted.modes)
    able = [each for each in wanted.scenarios if started or not SCENARIOS[each].needs_journal]
    check(wanted, able)
    return wanted


class _Stuck(Exception):
    """Measuring has begun and cannot go on."""


def _measured(wanted: Experiment, folder: Path, subjects: Mapping[str, Subject]) -> Result:
    executor = ProcessExecutor(wanted, folder, subjects=subjects)
    try:
        return Run(wanted, folder, executor).run(reporter)
    except OSError as error:  # no room, or the folder is gone
        raise _Stuck(f"cannot go on: {command_line.system_words(error)}") from error


def _check_urls(subjects: Sequence[Subject], wanted: Experiment) -> None:
    for each in subjects:
        try:
            locate(each.url or "", each.target or wanted.target)
        except ConnectionFailed as error:
            said = str(error)
            whole = said if said.startswith("ca_file") else f"--url {said}"
            raise ExperimentError(whole) from error


def _new_folder(out: Path | None, experiment: Experiment) -> Path:
    """Make the run folder, and point ``runs/latest`` at it."""
    if out is None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = RUNS / f"{stamp}-{experiment.name}"
    else:
        folder = out.resolve()
    if (folder / FILE_NAME).exists():
        raise ExperimentError(f"{folder} holds a run already; choose another folder")
    make(folder, RUNS)
    if not os.access(folder, os.W_OK):
        raise ExperimentError(f"{folder}: cannot be written to; choose another folder")
    if folder.parent == RUNS:
        latest = RUNS / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(folder.name)
    return folder


def _report(folder: Path) -> int:
    """Have the report made, by a process that has none of our libraries in it."""
    command = [sys.executable, "-m", "reports", "build", str(folder)]
    try:
        # A Ctrl-C in the terminal is for us alone, and so is its one line.
        return subprocess.run(command, cwd=ROOT, check=False, start_new_session=True).returncode
    except KeyboardInterrupt:
        again = called.command(f"python -m reports build {folder}")
        problem = f"interrupted; the measurements are kept, for their report: {again}"
        return command_line.complain(NAME, problem, Exit.FAILED)


def _unreported(folder: Path) -> int:
    """Say where the measurements are, and what makes the report of them."""
    again = called.command(f"python -m reports build {folder}")
    print(f"{folder / FILE_NAME}; its report: {again}")
    return Exit.FINE


def _exit_code(result: Result) -> Exit:
    failed = any(trial.status is Status.FAILED for trial in result.trials)
    return Exit.FAILED if failed or result.ended != "complete" else Exit.FINE


if __name__ == "__main__":
    command_line.run_as_program(cli, NAME)
