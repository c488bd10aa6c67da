"""``python -m loadtests gate``: is head slower than base?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from loadtests import ROOT
from loadtests.arithmetic.power import fewest_pairs
from loadtests.arithmetic.screening import Rule
from loadtests.gate.comparing import compare
from loadtests.gate.errors import ArmError
from loadtests.gate.limits import Limit, limits_of
from loadtests.gate.outcome import exit_code
from loadtests.gate.pairs import TWIN, labelled
from loadtests.gate.schedule import cells
from loadtests.gate.theirs import able_by, files_of, without_lacking
from loadtests.generator.arguments import (
    EXPERIMENT,
    FOLDER,
    NAMES,
    Numbers,
    beside,
    connections,
    messages,
)
from loadtests.machine.alone import NotAlone, measuring
from loadtests.record import command_line, gate
from loadtests.record.exits import Exit
from loadtests.record.gate import BASE, HEAD, Gate
from loadtests.record.places import RUNS, make
from loadtests.record.results import FILE_NAME
from loadtests.record.words import Transport
from loadtests.run import subjects
from loadtests.run.arm import Arm
from loadtests.run.asked import Asked, asked, telling
from loadtests.run.experiment import Experiment, ExperimentError, load
from loadtests.run.feasible import check
from loadtests.run.narrowing import narrow
from loadtests.run.preflight import tried
from loadtests.run.subjects import Subject
from servers.modes import ADAPTERS

if TYPE_CHECKING:
    from loadtests.gate.arms import Arms, Prepared
    from loadtests.gate.files import Files

NAME = "python -m loadtests gate"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?")
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class _Time(click.ParamType[float]):
    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = _DURATION.fullmatch(str(value).strip())
        seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
        if seconds <= 0:
            self.fail(f"{value!r} is no time like 90s, 20m or 1h.", param, ctx)
        return seconds


@click.command("gate", cls=command_line.Command)
@click.argument("experiment", type=EXPERIMENT, default="ci")
@click.option("--base", metavar="REF", help="Git's name of the application to compare with.")
@click.option("--head", metavar="REF", help="And of the one to judge (default: the working tree).")
@click.option("--base-requires", multiple=True, metavar="PACKAGE", help="python-engineio==4.12.1")
@click.option("--head-requires", multiple=True, metavar="PACKAGE", help="The same for head.")
@click.option("--base-python", metavar="PATH", help="Interpreter of base.")
@click.option("--head-python", metavar="PATH", help="Interpreter of head.")
@click.option("--base-mode", metavar="MODE", help="Serve base in this mode.")
@click.option("--head-mode", metavar="MODE", help="Serve head in this mode.")
@click.option("--app", metavar="MODULE:OBJECT", help="Compare this application of your own.")
@click.option("--app-dir", metavar="DIR", help="Where it is imported from (default: here).")
@click.option(
    "--python", metavar="PATH", help="The interpreter that has it (default: the active one)."
)
@click.option(
    "--requirements",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make an environment of it for each of the two, as the file is there.",
)
@click.option("--modes", type=NAMES, metavar="A,B", help="Measure these modes.")
@click.option("--transports", type=NAMES, metavar="A,B", help="Measure these transports.")
@click.option("--scenarios", type=NAMES, metavar="A,B", help="Measure these scenarios.")
@click.option(
    "--detect",
    type=Numbers(min=1, max=100),
    metavar="PERCENT",
    help="The slowdown to find (default: the experiment's, or 10).",
)
@click.option("--time-limit", type=_Time(), metavar="TIME", help="End by then, such as 20m.")
@click.option(
    "--on-inconclusive",
    type=click.Choice(["warn", "fail"]),
    default="warn",
    show_default=True,
    help="What no number of pairs has settled: pass and say so, or exit 3.",
)
@click.option("--out", type=FOLDER, metavar="DIR", help="The run folder.")
@connections
@messages
@beside
def command(
    experiment: str,
    app: str | None,
    app_dir: str | None,
    python: str | None,
    requirements: Path | None,
    modes: list[str] | None,
    transports: list[str] | None,
    scenarios: list[str] | None,
    detect: float | None,
    time_limit: float | None,
    on_inconclusive: str,
    out: Path | None,
    beside: bool,
    **given: Any,
) -> int:
    """Say whether head is slower than base, in pairs of servers that are loaded at the same time.

    EXPERIMENT is a profile or a TOML file (default: ci). Exit codes: 0 not slower, as far as was
    looked; 2 the call or a file is wrong; 3 inconclusive; 4 a measurement failed or is missing; 99
    head is slower.
    """
    try:
        wanted = narrow(load(experiment), modes=modes, transports=transports, scenarios=scenarios)
        able = None
        if requirements is not None:
            able = able_by(wanted.subject, Path(app_dir or "."), requirements)
            wanted = without_lacking(wanted, able, tell=_tell)
        wanted = asked(wanted, Asked((), (), modes, app, app_dir, python, able), tell=_tell)
        wanted = _compared(telling(wanted, given), given, detect)
        files = files_of(wanted.subject, requirements)
        check(wanted, wanted.scenarios)
        check_removed(wanted)
        limits, rule = limits_of(wanted), rule_of(wanted)
        folder = _folder(out)
        with measuring(f"gate {wanted.name}", beside=beside):
            found = _found(wanted, files, rule, limits, folder, time_limit)
    except (ExperimentError, ArmError, NotAlone) as error:
        return command_line.complain(NAME, str(error), Exit.WRONG_CALL)
    except _Stuck as error:
        return command_line.complain(NAME, str(error), Exit.FAILED)
    except OSError as error:
        return command_line.complain(NAME, command_line.system_words(error), Exit.WRONG_CALL)
    code = exit_code(found, fail_on_inconclusive=on_inconclusive == "fail")
    gate.write(msgspec.structs.replace(found, exit_code=code), folder)
    return _explained(folder) or code


class _Stuck(Exception):
    """Measuring has begun and cannot go on."""


def _found(
    wanted: Experiment,
    files: Files | None,
    rule: Rule,
    limits: Sequence[Limit],
    folder: Path,
    limit_s: float | None,
) -> Gate:
    from loadtests.gate.arms import prepared  # wants Unix, which other commands do not

    base, head = wanted.base or Arm(), wanted.head or Arm()
    with prepared(base, head, files=files, twin=bool(wanted.gate.contrast), tell=_tell) as arms:
        _make(folder)
        subjects = subjects_of(wanted, arms)
        facts = [arms.base.facts, arms.head.facts]
        try:
            if files is not None:
                tried(wanted, _of(arms.base, wanted), narrows=False, tell=_tell)
            return compare(wanted, rule, subjects, facts, folder, limits=limits, limit_s=limit_s)
        except ExperimentError:
            folder.rmdir()
            raise
        except OSError as error:  # no room, or the folder is gone
            raise _Stuck(f"cannot go on: {command_line.system_words(error)}") from error


def _compared(wanted: Experiment, given: dict[str, Any], detect: float | None) -> Experiment:
    """The experiment with what the command line says of its arms.

    Raises:
        ExperimentError: nothing to compare with, or it makes no sense.
    """
    arms = {name: _arm(getattr(wanted, name) or Arm(), name, given) for name in (BASE, HEAD)}
    if wanted.base is None and arms[BASE] == arms[HEAD] == Arm():
        raise ExperimentError(
            "what is to be compared? --base REF (a commit, a branch, a tag), --head-requires "
            "PACKAGE==VERSION, ..., or [base] and [head] in the experiment"
        )
    modes = [arm.mode for arm in arms.values() if arm.mode]
    if modes and wanted.subject:
        raise ExperimentError(
            "--base-mode and --head-mode: an application of one's own is compared in the same modes"
        )
    if modes:
        narrow(wanted, modes=modes)
        if len(modes) == 1 and len(wanted.modes) > 1:
            raise ExperimentError(
                f"one arm is served in mode {modes[0]}, and the other? give both --base-mode and "
                "--head-mode"
            )
        wanted = narrow(wanted, modes=[arms[BASE].mode or wanted.modes[0]])
    deciding = wanted.gate
    if detect is not None:
        deciding = msgspec.structs.replace(deciding, detect=detect / 100)
    return msgspec.structs.replace(wanted, **arms, gate=deciding)


def _arm(arm: Arm, name: str, given: dict[str, Any]) -> Arm:
    changes = {
        "ref": given[name] or None,
        "requires": list(given[f"{name}_requires"]),
        "python": given[f"{name}_python"],
        "mode": given[f"{name}_mode"],
    }
    return msgspec.structs.replace(arm, **{key: each for key, each in changes.items() if each})


def rule_of(wanted: Experiment) -> Rule:
    """How is decided.

    Raises:
        ExperimentError: it could never convict, or a metric is none of the experiment's.
    """
    deciding = wanted.gate
    if not cells(wanted):
        raise ExperimentError("[gate] removed: no cell is left to compare")
    names = {
        f"{row}.{metric}"
        for scenario in wanted.scenarios
        for variant in wanted.variants(scenario)
        for row in (*variant.rows(), scenario)
        for metric in variant.scenario.metrics
    }
    gated = [each for each in deciding.metrics if each in names]
    if not gated and not wanted.limits:
        raise ExperimentError(
            f"nothing here decides: of {', '.join(deciding.metrics)} the experiment measures none"
        )
    comparisons = len(gated) * len(cells(wanted))
    if comparisons:
        fewest = fewest_pairs(comparisons, Rule().level)
        if deciding.confirm_most < fewest:
            raise ExperimentError(
                f"[gate] confirm_most = {deciding.confirm_most}: with {comparisons} comparisons so "
                f"few pairs can never show that anything is slower; {fewest} can"
            )
    return Rule(
        detect=deciding.detect,
        first=deciding.first,
        most=max(deciding.first, deciding.most),
        confirm_first=deciding.confirm_first,
        confirm_most=max(deciding.confirm_first, deciding.confirm_most),
    )


def check_removed(experiment: Experiment) -> None:
    """What is declared to be gone is to be a mode or a cell, in this comparison or not.

    Raises:
        ExperimentError: it names neither.
    """
    modes = {*ADAPTERS, *experiment.modes}
    known = modes | {f"{mode}/{transport}" for mode in modes for transport in Transport}
    for each in experiment.gate.removed:
        if each not in known:
            raise ExperimentError(f"[gate] removed: {each} is no mode and no cell (mode/transport)")


def _of(arm: Prepared, wanted: Experiment) -> dict[str, Subject]:
    usual = subjects.subjects_of(wanted.subject)
    return {mode: arm.subject(mode, usual[mode]) for mode in wanted.modes}


def subjects_of(wanted: Experiment, arms: Arms) -> dict[str, Subject]:
    """What is served under each label."""
    prepared = {BASE: arms.base, HEAD: arms.head, TWIN: arms.twin}
    usual = subjects.subjects_of(wanted.subject)
    return {
        labelled(mode, name): arm.subject(mode, usual.get(mode, Subject()))
        for mode in wanted.modes
        for name, arm in prepared.items()
        if arm is not None
    }


def _folder(out: Path | None) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = (RUNS / f"{stamp}-gate") if out is None else out.resolve()
    if (folder / FILE_NAME).exists() or (folder / gate.FILE_NAME).exists():
        raise ExperimentError(f"{folder} holds a run already; choose another folder")
    return folder


def _make(folder: Path) -> None:
    """Only once the arms are there: a call that is wrong leaves nothing."""
    make(folder)
    if not os.access(folder, os.W_OK):
        raise ExperimentError(f"{folder}: cannot be written to; choose another folder")


def _explained(folder: Path) -> int:
    """Have the pages made, by a process that has none of our libraries in it."""
    shown = [sys.executable, "-m", "reports", "gate", str(folder)]
    return subprocess.run(shown, cwd=ROOT, check=False, start_new_session=True).returncode


def _tell(what: str) -> None:
    print(what, flush=True)
