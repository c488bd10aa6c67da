"""``python -m loadtests noise``: how small a difference can this machine tell?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from loadtests.arithmetic.pairs import LogRatios
from loadtests.generator.arguments import FOLDER, NAMES, Numbers, beside
from loadtests.generator.noise.pairs import USUAL_S, Noise, compare, experiment, measure
from loadtests.machine.alone import NotAlone, measuring
from loadtests.record import command_line
from loadtests.record.exits import Exit
from loadtests.record.places import RUNS, make
from loadtests.record.results import FILE_NAME, Result
from loadtests.record.words import Transport
from loadtests.run.experiment import Experiment, ExperimentError, known
from loadtests.run.feasible import check, room
from loadtests.scenarios.registry import metrics_of
from servers.modes import ADAPTERS

_COMMAND = "python -m loadtests noise"
_WIDTH = 150
_DIFFERENCES = (0.02, 0.05, 0.10, 0.20)


@click.command("noise", cls=command_line.Command)
@click.option("--modes", type=NAMES, default="gevent", metavar="A,B", help="Which to pair.")
@click.option(
    "--transports", type=NAMES, default="websocket", metavar="A,B", help="Over which transports."
)
@click.option(
    "--blocks",
    type=click.IntRange(min=2, max=1000),
    default=6,
    show_default=True,
    metavar="N",
    help="How many pairs of each.",
)
@click.option(
    "--seconds",
    type=Numbers(min=1, max=60),
    default=USUAL_S,
    show_default=True,
    metavar="S",
    help="Of each load in each pair: four times as many halve what the machine adds.",
)
@click.option("--out", type=FOLDER, metavar="DIR", help="For the results and the logs.")
@beside
def command(
    modes: list[str],
    transports: list[str],
    blocks: int,
    seconds: float,
    out: Path | None,
    beside: bool,
) -> int:
    """Measure identical servers against each other (A/A), in turns and one after the other.

    Says how much two of a pair differ on this machine, and from that how many blocks it takes to
    tell a difference of 2, 5, 10 or 20 %.
    """
    try:
        known("mode", modes, ADAPTERS)
        known("transport", transports, list(Transport))
        wanted = experiment(modes, [Transport(each) for each in transports], blocks, seconds)
        check(wanted, wanted.scenarios)
        _check_room(wanted)
        folders = _folders(out)
    except ExperimentError as error:
        return command_line.complain(_COMMAND, str(error), Exit.WRONG_CALL)
    except OSError as error:
        return command_line.complain(_COMMAND, command_line.system_words(error), Exit.WRONG_CALL)
    try:
        with measuring("noise", beside=beside):
            results = _measured(wanted, folders)
    except NotAlone as error:
        return command_line.complain(_COMMAND, str(error), Exit.WRONG_CALL)
    if len(results) < len(folders):
        problem = f"interrupted; what was measured is in {folders[0].parent}"
        return command_line.complain(_COMMAND, problem, Exit.FAILED)
    found = compare(*results)
    if not found:
        logs = " and ".join(str(folder / "logs") for folder in folders)
        return command_line.complain(
            _COMMAND, f"no cell has two pairs to compare; look into {logs}", Exit.FAILED
        )
    console = Console(highlight=False)
    out_console = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    out_console.print(table(found))
    print(folders[0].parent)
    return Exit.FINE


def _check_room(wanted: Experiment) -> None:
    """Both of a pair are to be alive at the same time.

    Raises:
        ExperimentError: there is no room for that.
    """
    cells = len(wanted.modes) * len(wanted.transports)
    most = min(room(wanted.variant(scenario)) for scenario in wanted.scenarios)
    if cells > most:
        raise ExperimentError(
            f"{cells} servers do not fit into this machine's memory or file descriptors at the "
            f"same time, {most} would; fewer --modes or --transports would do"
        )


def _measured(wanted: Experiment, folders: Sequence[Path]) -> list[Result]:
    """In turns, then one after the other; fewer after a Ctrl-C."""
    results: list[Result] = []
    for in_turns, folder in zip((True, False), folders, strict=True):
        print("in turns:" if in_turns else "one after the other:", flush=True)
        found = measure(wanted, folder, in_turns=in_turns, tell=_tell)
        if found.ended != "complete":
            break
        results.append(found)
    return results


def _folders(out: Path | None) -> tuple[Path, Path]:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    parent = (RUNS / f"{stamp}-noise") if out is None else out.resolve()
    folders = parent / "in-turns", parent / "one-after-the-other"
    make(parent)
    for folder in folders:
        if (folder / FILE_NAME).exists():
            raise ExperimentError(f"{folder} holds a run already; choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def table(found: Sequence[Noise]) -> Table:
    """One row for each metric of each cell."""
    drawn = Table(
        title="Two identical servers, how far apart? (standard deviation of a pair's ratio)",
        title_justify="left",
        title_style="bold",
        caption="Blocks: so many tell such a difference from nothing, four times out of five.",
        caption_justify="left",
    )
    for head in ("metric", "cell", "in turns", "mean ratio", "one after the other"):
        drawn.add_column(head)
    for difference in _DIFFERENCES:
        drawn.add_column(f"blocks for {difference:.0%}", justify="right")
    for each in found:
        metric = metrics_of(each.scenario)[each.metric]
        low, high = each.in_turns.interval
        drawn.add_row(
            f"{each.scenario}, {metric.title}",
            f"{each.mode} × {each.transport}",
            _percent(each.in_turns) + (f" ({each.left_out} left out)" if each.left_out else ""),
            f"{each.in_turns.ratio:.3f} [{low:.3f}, {high:.3f}]",
            "–" if each.apart is None else _percent(each.apart),
            *(_blocks(each.in_turns.blocks_for(difference)) for difference in _DIFFERENCES),
        )
    return drawn


def _percent(found: LogRatios) -> str:
    return f"{100 * found.deviation:.1f} %"


def _blocks(count: int | None) -> str:
    return "more than 1,000" if count is None else str(count)


def _tell(what: str) -> None:
    print(what, flush=True)
