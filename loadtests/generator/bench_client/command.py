"""``python -m loadtests bench-client``: our load client beside the server and other clients."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from loadtests import ROOT, __version__
from loadtests.generator.arguments import COUNT, FILE, NAMES, SECONDS, beside
from loadtests.generator.bench_client import plan, tables, trials, verdicts
from loadtests.generator.bench_client.measured import ContenderTrial, Setup
from loadtests.generator.bench_client.rows import ROWS, BenchRow
from loadtests.generator.bench_client.tables import Remarks
from loadtests.generator.bench_client.trials import Conditions
from loadtests.generator.bench_client.verdicts import TargetFinding
from loadtests.machine import cores, facts
from loadtests.machine.alone import NotAlone, measuring
from loadtests.record import command_line
from loadtests.record.exits import Exit
from loadtests.record.places import RUNS, make

FORMAT = "transport-bench-client/1"
OUT = RUNS / "bench-client.json"

#: Those that ``socketio.run(app)`` serves by itself.
MODES = ("eventlet", "gevent", "threading")

_COMMAND = "python -m loadtests bench-client"
_SEED = 1
_PILOT_S = 1.0


class Record(msgspec.Struct, frozen=True):
    """The raw numbers of a run.

    Attributes:
        format: of this file.
        version: of transport-bench.
        started: UTC, ISO 8601.
        options: of the run.
        environment: machine, kernel, Python, packages, pinning.
        findings: one for each row.
        pilot: what told the cheapest modes, in order.
        trials: of the rounds, in order.
    """

    format: str
    version: str
    started: str
    options: dict[str, Any]
    environment: dict[str, Any]
    findings: list[TargetFinding]
    pilot: list[ContenderTrial]
    trials: list[ContenderTrial]


class _Rows(click.ParamType[tuple[BenchRow, ...]]):
    name = "rows"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[BenchRow, ...]:
        if isinstance(value, tuple):
            return value
        wanted = NAMES.convert(value, param, ctx)
        known = [row.name for row in ROWS]
        for name in wanted:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                guess = f"did you mean {close[0]}? " if close else ""
                self.fail(f"no row {name!r}; {guess}there are {', '.join(known)}.", param, ctx)
        return tuple(row for row in ROWS if row.name in wanted)


@click.command("bench-client", cls=command_line.Command)
@click.option(
    "--rounds", type=COUNT, metavar="N", default=5, show_default=True, help="Of every trial."
)
@click.option(
    "--seconds",
    type=SECONDS,
    metavar="S",
    default=3.0,
    show_default=True,
    help="That every trial counts.",
)
@click.option(
    "--only",
    type=_Rows(),
    default=ROWS,
    metavar="ROWS",
    help=f"Of {', '.join(row.name for row in ROWS)}.",
)
@click.option("--out", type=FILE, default=OUT, metavar="FILE", help="For the raw numbers.")
@click.option("--markdown", type=FILE, metavar="FILE", help="For the tables.")
@beside
def command(
    rounds: int,
    seconds: float,
    only: tuple[BenchRow, ...],
    out: Path,
    markdown: Path | None,
    beside: bool,
) -> int:
    """Compare our load client with others against the same server.

    Exit codes: 0 all targets are met, or what they need cannot be had here; 2 the call is wrong; 4
    a contender failed; 99 a target is not met.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        folder = _logs_of(out, markdown)
    except OSError as error:
        return command_line.complain(_COMMAND, command_line.system_words(error), Exit.WRONG_CALL)
    conditions = Conditions(pins=cores.pinning(), folder=folder, seconds=seconds)
    try:
        with (
            measuring("bench-client", beside=beside),
            cores.staying_off(conditions.pins.server),
        ):
            piloted = _pilot(conditions, only)
            against = plan.reference(piloted)
            ordered = plan.order(only, against, rounds, _SEED)
            measured = _measure(conditions, ordered)
    except NotAlone as error:
        return command_line.complain(_COMMAND, str(error), Exit.WRONG_CALL)
    options = {"rounds": rounds, "rows": [row.name for row in only], "seed": _SEED}
    record = Record(
        format=FORMAT,
        version=__version__,
        started=started,
        options=options | conditions.numbers(),
        environment=facts.describe(conditions.pins),
        findings=[verdicts.find(row, [*piloted, *measured], against) for row in only],
        pilot=piloted,
        trials=measured,
    )
    whole = len(verdicts.rounds_of(measured))
    _report(record, Remarks(whole, record.pilot, record.environment), out, markdown)
    print(f"raw numbers: {_short(out)}; logs: {_short(folder)}")
    if len(measured) < len(ordered):
        problem = f"interrupted; what stands above is of {whole} of {rounds} rounds"
        return command_line.complain(_COMMAND, problem, Exit.FAILED)
    return verdicts.exit_code(record.findings)


def _logs_of(out: Path, markdown: Path | None) -> Path:
    """The folder for logs, once it is sure that everything can be written."""
    folder = out.resolve().with_name(f"{out.stem}-logs")
    make(folder)
    for file in (out, markdown):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return folder


def _pilot(conditions: Conditions, rows: Sequence[BenchRow]) -> list[ContenderTrial]:
    """Short trials that tell what the others are run against."""
    brief = replace(conditions, seconds=min(_PILOT_S, conditions.seconds))
    setups = plan.pilot(rows, MODES)
    found = []
    for number, setup in enumerate(setups):
        found.append(trials.run(brief, setup, f"pilot-{number:02}", None))
        print(f"pilot {number + 1}/{len(setups)} {tables.one_line(found[-1])}", flush=True)
    return found


def _measure(conditions: Conditions, ordered: Sequence[tuple[int, Setup]]) -> list[ContenderTrial]:
    """Every trial; after a Ctrl-C those of the rounds that are whole, if there are any."""
    found: list[ContenderTrial] = []
    try:
        for number, (round_, setup) in enumerate(ordered):
            found.append(trials.run(conditions, setup, f"{number:03}", round_))
            print(f"{number + 1:3}/{len(ordered)} {tables.one_line(found[-1])}", flush=True)
    except KeyboardInterrupt:
        unfinished, _setup = ordered[min(len(found), len(ordered) - 1)]
        if not unfinished:
            raise
        return [each for each in found if each.round is not None and each.round < unfinished]
    return found


def _report(record: Record, notes: Remarks, out: Path, markdown: Path | None) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(record), indent=1)
    out.write_bytes(encoded + b"\n")
    if markdown is not None:
        text = tables.to_markdown(record.findings, record.trials, notes)
        markdown.write_text(text, encoding="utf-8")
    tables.to_terminal(record.findings, record.trials, notes)


def _short(path: Path) -> Path:
    """A path as somebody at the project's root would write it."""
    resolved = path.resolve()
    return resolved.relative_to(ROOT) if resolved.is_relative_to(ROOT) else resolved
