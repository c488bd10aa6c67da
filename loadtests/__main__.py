"""``python -m loadtests run EXPERIMENT``: measure, then have the report made.

``calibrate`` measures the load generator instead of a server, ``bench-client`` compares it with
other clients. Exit codes: 0 fine; 2 the call or a file is wrong; 4 a measurement failed or is
missing; 99 a target of bench-client is not met.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import msgspec

from loadtests import ROOT
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.generator.bench_client import command as bench_client
from loadtests.generator.calibrate import command as calibrate
from loadtests.record.results import FILE_NAME, Result
from loadtests.record.words import Status, Transport
from loadtests.run.executor import OwnServer, ProcessExecutor
from loadtests.run.experiment import Experiment, ExperimentError, load, narrow
from loadtests.run.feasible import check
from loadtests.run.progress import reporter
from loadtests.run.runner import Run
from loadtests.scenarios.registry import SCENARIOS
from servers.modes import ADAPTERS

RUNS = ROOT / "reports" / "runs"

FINE, WRONG_CALL, FAILED = 0, 2, 4


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_CALL, f"{self.prog}: {message}; see --help\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = _Parser(prog="python -m loadtests", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run an experiment and build its report")
    run.add_argument("experiment", help="quick, default, full, ci, reference, or a TOML file")
    run.add_argument("--modes", type=_names, help=f"of {', '.join(ADAPTERS)}")
    run.add_argument("--transports", type=_names, help=f"of {', '.join(Transport)}")
    run.add_argument("--scenarios", type=_names, help=f"of {', '.join(SCENARIOS)}")
    run.add_argument("--out", type=Path, metavar="DIR", help="the run folder")
    run.add_argument("--url", help="measure this running server instead of starting our own")
    run.add_argument("--label", help="what stands for its mode (default: own)")
    run.set_defaults(act=_run)
    for name, command, purpose in (
        ("calibrate", calibrate, "measure the load generator itself against a do-nothing peer"),
        ("bench-client", bench_client, "compare our client with others against the same server"),
    ):
        other = commands.add_parser(name, help=purpose)
        command.add_options(other)
        other.set_defaults(act=command.run)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code: int = options.act(options)
        return code
    except KeyboardInterrupt:
        print("python -m loadtests: interrupted", file=sys.stderr)
        return FAILED


def _run(options: argparse.Namespace) -> int:
    try:
        experiment = narrow(
            load(options.experiment),
            modes=options.modes,
            transports=options.transports,
            scenarios=options.scenarios,
        )
        own_server = _own_server(options)
        if own_server is not None:
            experiment = msgspec.structs.replace(experiment, modes=[own_server.label])
        # Against a server of one's own some scenarios do not run at all.
        able = [
            name
            for name in experiment.scenarios
            if own_server is None or not SCENARIOS[name].needs_journal
        ]
        check(experiment, able)
        folder = _new_folder(options.out, experiment)
    except (ExperimentError, ConnectionFailed, OSError) as error:
        print(f"python -m loadtests: {error}", file=sys.stderr)
        return WRONG_CALL
    try:
        executor = ProcessExecutor(experiment, folder, own_server)
        result = Run(experiment, folder, executor).run(reporter)
    except OSError as error:  # no room, or the folder is gone
        print(f"python -m loadtests: cannot go on: {error}", file=sys.stderr)
        return FAILED
    if result.ended == "interrupted":
        print("interrupted; what was measured is kept", file=sys.stderr)
    reported = _report(folder)
    return reported or _exit_code(result)


def _own_server(options: argparse.Namespace) -> OwnServer | None:
    if options.url is None:
        if options.label is not None:
            raise ExperimentError("--label names the server of --url; give that too")
        return None
    if options.modes is not None:
        raise ExperimentError("--modes starts servers of ours; with --url there is only that one")
    locate(options.url)
    return OwnServer(url=options.url.rstrip("/"), label=options.label or "own")


def _new_folder(out: Path | None, experiment: Experiment) -> Path:
    """Make the run folder, and point ``runs/latest`` at it."""
    if out is None:
        RUNS.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = RUNS / f"{stamp}-{experiment.name}"
    else:
        folder = out.resolve()
    if (folder / FILE_NAME).exists():
        raise ExperimentError(f"{folder} holds a run already; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    if folder.parent == RUNS:
        latest = RUNS / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(folder.name)
    return folder


def _report(folder: Path) -> int:
    """Have the report made, by a process that has none of our libraries in it."""
    command = [sys.executable, "-m", "reports", "build", str(folder)]
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        again = f"python -m reports build {folder}"
        print(f"interrupted; the measurements are kept, for their report: {again}", file=sys.stderr)
        return FAILED


def _exit_code(result: Result) -> int:
    failed = any(trial.status is Status.FAILED for trial in result.trials)
    return FAILED if failed or result.ended != "complete" else FINE


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("no name given")
    return names


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
