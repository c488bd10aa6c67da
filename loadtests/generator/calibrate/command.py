"""``python -m loadtests calibrate``: what can this machine's load generator do?"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests import __version__
from loadtests.generator.arguments import count, seconds
from loadtests.generator.calibrate.capabilities import CalibrationError
from loadtests.generator.calibrate.plan import Plan
from loadtests.generator.calibrate.rounds import Rounds
from loadtests.machine import cores, facts, limits
from loadtests.machine.launch import LaunchError
from loadtests.record import calibration
from loadtests.record.calibration import Calibration, Capability, Figure
from loadtests.scenarios.bench import TrialFailed

FINE, WRONG_CALL, FAILED = 0, 2, 4

_COMMAND = "python -m loadtests calibrate"
#: What a pipe or a CI log is given, which have no width of their own.
_WIDTH = 140
#: In the sentence beside the numbers already, or nobody's question.
_TOLD = {"generator_busy", "server_busy", "server_cpu"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    usual = Plan()
    parser.add_argument(
        "--rounds", type=count, default=usual.rounds, help="how often each is measured"
    )
    parser.add_argument(
        "--seconds", type=seconds, default=usual.seconds, help="how long each loop is measured"
    )
    parser.add_argument(
        "--recipients", type=count, default=usual.recipients, help="of the broadcast's fan-out"
    )
    parser.add_argument(
        "--connections",
        type=_counts,
        default=usual.connections,
        metavar="N,N",
        help="how many are idle when memory is measured",
    )
    parser.add_argument(
        "--out", type=Path, default=calibration.PATH, metavar="FILE", help="what it writes"
    )


def run(options: argparse.Namespace) -> int:
    """Calibrate, write the file, print the table; returns the exit code."""
    plan = Plan(
        rounds=options.rounds,
        seconds=options.seconds,
        recipients=options.recipients,
        connections=options.connections,
        users=min(Plan().users, *options.connections),
    )
    problem = _files_problem(plan)
    if problem is not None:
        return _complain(problem, WRONG_CALL)
    path = options.out.resolve()
    logs = path.with_suffix("")
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _complain(str(error), WRONG_CALL)
    try:
        measured = calibrate(plan, logs)
        calibration.write(measured, path)
    except (CalibrationError, LaunchError, TrialFailed, OSError) as error:
        return _complain(str(error), FAILED)
    out = Console(highlight=False)
    show(measured, out if out.is_terminal else Console(highlight=False, width=_WIDTH))
    print(path)
    return FINE


def _files_problem(plan: Plan) -> str | None:
    asked = {"--connections": max(plan.connections), "--recipients": plan.recipients}
    needed = max(asked.values())
    allowed = limits.allow_open_files(needed + limits.OTHER_FILES)
    if allowed is None:
        return None
    most = max(1, allowed - limits.OTHER_FILES)
    advice = " ".join(f"{option} {most}" for option, count in asked.items() if count > most)
    return (
        f"{needed} connections need more open files than the {allowed} that are allowed; "
        f"give {advice}, or raise ulimit -n"
    )


def calibrate(plan: Plan, logs: Path) -> Calibration:
    """Measure what the plan says.

    Args:
        plan: how much.
        logs: folder for what the processes print; exists.

    Raises:
        LaunchError, TrialFailed: a process did not do what it was started for.
        CalibrationError: a round did not give its numbers.
    """
    pins = cores.pinning()
    environment = facts.describe(pins)
    begun = time.monotonic()
    with cores.staying_off(pins.server):
        capabilities = Rounds(plan, logs, pins, _tell).run()
    return Calibration(
        format=calibration.FORMAT,
        version=__version__,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.monotonic() - begun,
        environment=environment,
        capabilities=capabilities,
    )


def show(measured: Calibration, out: Console) -> None:
    """Print a line for each thing that was measured, and what it means."""
    out.print(table(measured.capabilities))
    note = measured.environment["pinning"]["note"]
    if note:
        out.print(Text(f"warning: {note}", style="yellow"))


def table(capabilities: Sequence[Capability]) -> Table:
    """One row for each, in their order: the medians over all rounds, least and greatest behind."""
    drawn = Table(title="What the load generator can do", title_justify="left", title_style="bold")
    for head in ("what", "over", "median (least to greatest of the rounds)", "what it means"):
        drawn.add_column(head, overflow="fold", vertical="top")
    for each in capabilities:
        numbers = "\n".join(words(one) for one in each.figures if one.name not in _TOLD)
        texts = (f"{each.scenario}, {each.load}", each.transport, numbers, each.meaning)
        drawn.add_row(*map(Text, texts), end_section=True)
    return drawn


def words(figure: Figure) -> str:
    """``throughput 51,200 (50,900 to 51,300) messages/s``."""
    spread = ""
    if len(figure.rounds) > 1:
        spread = f" ({_short(figure.low)} to {_short(figure.high)})"
    return f"{figure.title} {_short(figure.median)}{spread} {figure.unit}"


def _short(value: float) -> str:
    """Three significant digits; whole numbers from 100 on."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _tell(what: str) -> None:
    print(what, flush=True)


def _complain(problem: str, code: int) -> int:
    print(f"{_COMMAND}: {problem}", file=sys.stderr)
    return code


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({count(each.strip()) for each in text.split(",")}))
