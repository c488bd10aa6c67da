"""``python -m loadtests calibrate``: what can this machine's load generator do?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests import __version__
from loadtests.generator.arguments import COUNT, FILE, SECONDS, beside
from loadtests.generator.calibrate.capabilities import CalibrationError
from loadtests.generator.calibrate.plan import Plan
from loadtests.generator.calibrate.rounds import Rounds
from loadtests.machine import cores, facts, limits
from loadtests.machine.alone import NotAlone, measuring
from loadtests.machine.launch import LaunchError
from loadtests.record import calibration, command_line
from loadtests.record.calibration import Calibration, Capability, Gauged
from loadtests.record.exits import Exit
from loadtests.scenarios.errors import TrialFailed

_USUAL = Plan()
_COMMAND = "python -m loadtests calibrate"
#: What a pipe or a CI log is given, which have no width of their own.
_WIDTH = 140
#: In the sentence beside the numbers already, or nobody's question.
_TOLD = {"generator_busy", "server_busy", "server_cpu"}


class _Counts(click.ParamType[tuple[int, ...]]):
    name = "counts"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        texts = str(value).split(",")
        return tuple(sorted({COUNT(text.strip(), param, ctx) for text in texts}))


@click.command("calibrate", cls=command_line.Command)
@click.option(
    "--rounds",
    type=COUNT,
    metavar="N",
    default=_USUAL.rounds,
    show_default=True,
    help="How often each is measured.",
)
@click.option(
    "--seconds",
    type=SECONDS,
    metavar="S",
    default=_USUAL.seconds,
    show_default=True,
    help="How long each loop is measured.",
)
@click.option(
    "--recipients",
    type=COUNT,
    metavar="N",
    default=_USUAL.recipients,
    show_default=True,
    help="Of the broadcast's fan-out.",
)
@click.option(
    "--connections",
    type=_Counts(),
    default=_USUAL.connections,
    show_default="1000,10000",
    metavar="N,N",
    help="How many are idle when memory is measured.",
)
@click.option("--out", type=FILE, default=calibration.PATH, metavar="FILE", help="What it writes.")
@beside
def command(
    rounds: int,
    seconds: float,
    recipients: int,
    connections: tuple[int, ...],
    out: Path,
    beside: bool,
) -> int:
    """Measure the load generator itself against a do-nothing peer."""
    plan = Plan(
        rounds=rounds,
        seconds=seconds,
        recipients=recipients,
        connections=connections,
        users=min(_USUAL.users, *connections),
    )
    problem = _files_problem(plan)
    if problem is not None:
        return command_line.complain(_COMMAND, problem, Exit.WRONG_CALL)
    path = out.resolve()
    logs = path.with_name(f"{path.stem}-logs")
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return command_line.complain(_COMMAND, command_line.system_words(error), Exit.WRONG_CALL)
    try:
        with measuring("calibrate", beside=beside):
            measured = calibrate(plan, logs)
        calibration.write(measured, path)
    except NotAlone as error:
        return command_line.complain(_COMMAND, str(error), Exit.WRONG_CALL)
    except OSError as error:
        return command_line.complain(_COMMAND, command_line.system_words(error), Exit.FAILED)
    except (CalibrationError, LaunchError, TrialFailed) as error:
        return command_line.complain(_COMMAND, str(error), Exit.FAILED)
    console = Console(highlight=False)
    show(measured, console if console.is_terminal else Console(highlight=False, width=_WIDTH))
    print(path)
    return Exit.FINE


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
        numbers = "\n".join(figure_line(one) for one in each.figures if one.name not in _TOLD)
        texts = (f"{each.scenario}, {each.load}", each.transport, numbers, each.meaning)
        drawn.add_row(*map(Text, texts), end_section=True)
    return drawn


def figure_line(figure: Gauged) -> str:
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
