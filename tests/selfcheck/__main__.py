"""``python -m tests.selfcheck``: real gates between arms of a known difference; how often right?

Goes on where it was stopped. Exit codes: 0 fine; 2 the call is wrong; 4 a gate failed.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from loadtests import ROOT
from loadtests.gate.arms import Arms, prepared
from loadtests.gate.command import rule_of, subjects_of
from loadtests.gate.comparing import compare
from loadtests.gate.errors import ArmError
from loadtests.gate.outcome import exit_code
from loadtests.gate.pairs import labelled
from loadtests.generator.arguments import FOLDER, NAMES, beside
from loadtests.machine.alone import NotAlone, measuring
from loadtests.record import command_line, files, gate, results
from loadtests.record.exits import Exit
from loadtests.record.gate import HEAD
from loadtests.record.results import ResultError
from loadtests.record.words import Transport
from loadtests.run.arm import Arm
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import Experiment, ExperimentError, load
from loadtests.run.narrowing import narrow
from loadtests.run.progress import reporter
from loadtests.run.runner import Run
from loadtests.run.subjects import Subject
from servers.modes import MAIN
from tests.selfcheck.rates import Checked, first_p_values, table

NAME = "python -m tests.selfcheck"
SERVER = Path(__file__).with_name("server.py")
_LEVELS = (0.05, 0.25, 0.5, 0.75)
#: Where echo's own cost is kept, by cell.
COSTS = "costs.json"

_PLAN = re.compile(r"(\d+):(\d+)")
_FOLDER = re.compile(r"(\d{3})-slower-by-(\d+)-?(\S*)")


class _Plan(click.ParamType[dict[int, int]]):
    name = "plan"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[int, int]:
        if isinstance(value, dict):
            return value
        found = [_PLAN.fullmatch(each) for each in str(value).split(",")]
        if not all(found):
            self.fail(f"{value!r} is no list like 0:20,10:20.", param, ctx)
        return {int(each[1]): int(each[2]) for each in found if each}


@click.command(cls=command_line.Command)
@click.option(
    "--gates",
    type=_Plan(),
    default="0:20,10:20,5:10,20:5,40:5",
    show_default=True,
    metavar="PERCENT:COUNT,...",
    help="How many gates with how large a slowdown.",
)
@click.option("--modes", type=NAMES, default=",".join(MAIN), help="Which to slow down, in turn.")
@click.option("--experiment", default="ci", show_default=True, help="A profile or a TOML file.")
@click.option("--out", type=FOLDER, metavar="DIR", help="For all gates.")
@click.option("--at-most", type=click.IntRange(min=0), help="Gates in this call; 0: show only.")
@beside
def command(
    gates: dict[int, int],
    modes: list[str],
    experiment: str,
    out: Path | None,
    at_most: int | None,
    beside: bool,
) -> int:
    """Run gates between identical arms, and with one mode's echoes slowed by a known share."""
    folder = (ROOT / "reports" / "runs" / "selfcheck") if out is None else out.resolve()
    try:
        wanted = load(experiment)
        narrow(wanted, modes=modes)
        folder.mkdir(parents=True, exist_ok=True)
        with (
            measuring("selfcheck", beside=beside),
            prepared(Arm(ref="HEAD"), Arm(ref="HEAD"), twin=True, tell=print) as arms,
        ):
            costs_us = _costs(wanted, modes, folder)
            for slowdown, mode, place in itertools.islice(_left(gates, modes, folder), at_most):
                print(f"\n{place.name}", flush=True)
                _gate(wanted, arms, slowdown, mode, costs_us, place)
    except (ExperimentError, ArmError, NotAlone, ResultError) as error:
        return command_line.complain(NAME, str(error), Exit.WRONG_CALL)
    checked = list(_checked(folder))
    print(table(checked))
    _show_p_values(folder, wanted)
    failed = [each for each in checked if each.found.failures]
    return Exit.FAILED if failed else Exit.FINE


def _left(
    gates: Mapping[int, int], modes: list[str], folder: Path
) -> Iterator[tuple[float, str, Path]]:
    """Gates that are still to be run, in an order that is always the same."""
    asked = []
    for percent, count in gates.items():
        turns = itertools.cycle(modes)
        asked += [(percent, next(turns) if percent else "", number) for number in range(count)]
    random.Random(1).shuffle(asked)
    for percent, mode, number in asked:
        place = folder / f"{number:03}-slower-by-{percent}{'-' + mode if mode else ''}"
        if not (place / gate.FILE_NAME).exists():
            place.mkdir(exist_ok=True)
            yield percent / 100, mode, place


def _gate(
    wanted: Experiment,
    arms: Arms,
    slowdown: float,
    mode: str,
    costs_us: Mapping[str, float],
    place: Path,
) -> None:
    # What is to be found is what there is, up to the usual tenth.
    detect = min(0.1, slowdown) if slowdown else wanted.gate.detect
    wanted = msgspec.structs.replace(
        wanted,
        seed=random.Random(place.name).getrandbits(32),
        gate=msgspec.structs.replace(wanted.gate, detect=detect),
    )
    subjects = subjects_of(wanted, arms)
    if slowdown:
        label = labelled(mode, HEAD)
        subjects[label] = _slowed(subjects[label], arms, mode, slowdown, costs_us)
    facts = [arms.base.facts, arms.head.facts]
    found = compare(wanted, rule_of(wanted), subjects, facts, place)
    code = exit_code(found, fail_on_inconclusive=False)
    if found.ended == "interrupted":
        raise KeyboardInterrupt
    gate.write(msgspec.structs.replace(found, exit_code=code), place)
    print(f"exit code {code}, {found.seconds / 60:.1f} min", flush=True)


def _slowed(
    subject: Subject, arms: Arms, mode: str, slowdown: float, costs_us: Mapping[str, float]
) -> Subject:
    spins = [round(slowdown * costs_us[f"{mode}/{each}"]) for each in ("websocket", "polling")]
    command = (arms.head.command[0], str(SERVER), ",".join(map(str, spins)))
    return dataclasses.replace(subject, command=command)


def _costs(wanted: Experiment, modes: list[str], folder: Path) -> dict[str, float]:
    """CPU time of an echo in each cell, microseconds; measured once."""
    path = folder / COSTS
    if path.exists():
        kept: dict[str, float] = msgspec.json.decode(path.read_bytes())
        return kept
    one = narrow(wanted, modes=modes, scenarios=["echo"])
    one = msgspec.structs.replace(one, transports=list(Transport), blocks=2)
    place = folder / "costs"
    place.mkdir(exist_ok=True)
    result = Run(one, place, ProcessExecutor(one, place)).run(reporter)
    if result.ended != "complete":  # the next call begins anew
        raise KeyboardInterrupt
    found: dict[str, list[float]] = {}
    for trial in result.trials:
        planned = result.plan[trial.number]
        for each in trial.measurements:
            if (cost := each.metrics["server_cpu"]) is not None:
                found.setdefault(f"{planned.mode}/{planned.transport}", []).append(cost)
    costs = {cell: sum(each) / len(each) for cell, each in found.items()}
    cells = {f"{mode}/{transport}" for mode in modes for transport in Transport}
    if lacking := sorted(cells - costs.keys()):
        raise ResultError(
            f"what an echo costs could not be measured in {', '.join(lacking)}; see {place}"
        )
    files.replace(path, msgspec.json.encode(costs))
    return costs


def _show_p_values(folder: Path, wanted: Experiment) -> None:
    """Whether the test keeps its level: of identical arms p is uniform, but for its steps."""
    found = [
        p
        for path in sorted(folder.glob("*-slower-by-0"))
        if (path / gate.FILE_NAME).exists()
        for p in first_p_values(results.read(path), wanted.gate.metrics, wanted.gate.first)
    ]
    if found:
        shares = {level: sum(p <= level for p in found) / len(found) for level in _LEVELS}
        told = ", ".join(f"{share:.1%} at most {level:g}" for level, share in shares.items())
        print(f"p of {len(found)} first looks at identical arms: {told}")


def _checked(folder: Path) -> Iterator[Checked]:
    for path in sorted(folder.glob(f"*/{gate.FILE_NAME}")):
        told = _FOLDER.fullmatch(path.parent.name)
        if told:
            yield Checked(int(told[2]) / 100, told[3], gate.read(path))


if __name__ == "__main__":
    sys.exit(command_line.run_as_program(command, NAME))
