"""``python -m loadtests bench-client``: our load client beside the server and beside other clients.

Exit codes: 0 all targets are met, or what they need cannot be had here; 2 the call is wrong; 4 a
contender failed; 99 a target is not met.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from loadtests import ROOT, __version__
from loadtests.generator.arguments import count, seconds
from loadtests.generator.bench_client import plan, tables, trials, verdicts
from loadtests.generator.bench_client.measured import Setup, Trial
from loadtests.generator.bench_client.rows import ROWS, Row
from loadtests.generator.bench_client.tables import Notes
from loadtests.generator.bench_client.trials import Conditions
from loadtests.generator.bench_client.verdicts import WRONG_CALL, Finding
from loadtests.machine import cores, facts

FORMAT = "transport-bench-client/1"
OUT = ROOT / "reports" / "runs" / "bench-client.json"

#: Those that ``socketio.run(app)`` serves by itself.
MODES = ("eventlet", "gevent", "threading")

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
    findings: list[Finding]
    pilot: list[Trial]
    trials: list[Trial]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    names = ", ".join(row.name for row in ROWS)
    parser.add_argument(
        "--rounds", type=count, default=5, metavar="N", help="of every trial (default: 5)"
    )
    parser.add_argument(
        "--seconds",
        type=seconds,
        default=3.0,
        metavar="S",
        help="that every trial counts (default: 3)",
    )
    parser.add_argument("--only", type=_rows, default=ROWS, metavar="ROWS", help=f"of {names}")
    parser.add_argument(
        "--out",
        type=Path,
        default=OUT,
        metavar="FILE",
        help=f"for the raw numbers (default: {_short(OUT)})",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="for the tables")


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, write the files.

    Args:
        options: as ``add_options`` describes them.

    Returns:
        An exit code.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    folder = options.out.resolve().with_name(f"{options.out.stem}-logs")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in (options.out, options.markdown):
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
    except OSError as error:
        print(f"python -m loadtests bench-client: {error}", file=sys.stderr)
        return WRONG_CALL
    conditions = Conditions(pins=cores.pinning(), folder=folder, seconds=options.seconds)
    rows: Sequence[Row] = options.only
    with cores.staying_off(conditions.pins.server):
        piloted = _pilot(conditions, rows)
        against = plan.reference(piloted)
        measured = _measure(conditions, plan.order(rows, against, options.rounds, _SEED))
    record = Record(
        format=FORMAT,
        version=__version__,
        started=started,
        options={
            "rounds": options.rounds,
            "rows": [row.name for row in rows],
            "seed": _SEED,
            **conditions.numbers(),
        },
        environment=facts.describe(conditions.pins),
        findings=[verdicts.find(row, [*piloted, *measured], against) for row in rows],
        pilot=piloted,
        trials=measured,
    )
    _report(record, options)
    print(f"raw numbers: {_short(options.out)}; logs: {_short(folder)}")
    return verdicts.exit_code(record.findings)


def _pilot(conditions: Conditions, rows: Sequence[Row]) -> list[Trial]:
    """Short trials that tell what the others are run against."""
    brief = replace(conditions, seconds=min(_PILOT_S, conditions.seconds))
    setups = plan.pilot(rows, MODES)
    found = []
    for number, setup in enumerate(setups):
        found.append(trials.run(brief, setup, f"pilot-{number:02}", None))
        print(f"pilot {number + 1}/{len(setups)} {tables.one_line(found[-1])}", flush=True)
    return found


def _measure(conditions: Conditions, ordered: Sequence[tuple[int, Setup]]) -> list[Trial]:
    found = []
    for number, (round_, setup) in enumerate(ordered):
        found.append(trials.run(conditions, setup, f"{number:03}", round_))
        print(f"{number + 1:3}/{len(ordered)} {tables.one_line(found[-1])}", flush=True)
    return found


def _report(record: Record, options: argparse.Namespace) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(record), indent=1)
    options.out.write_bytes(encoded + b"\n")
    notes = Notes(options.rounds, record.pilot, record.environment)
    if options.markdown is not None:
        text = tables.to_markdown(record.findings, record.trials, notes)
        options.markdown.write_text(text, encoding="utf-8")
    tables.to_terminal(record.findings, record.trials, notes)


def _rows(text: str) -> tuple[Row, ...]:
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    unknown = wanted - {row.name for row in ROWS}
    if unknown or not wanted:
        known = ", ".join(row.name for row in ROWS)
        raise argparse.ArgumentTypeError(
            f"no row {', '.join(sorted(unknown))!r}; there are {known}"
        )
    return tuple(row for row in ROWS if row.name in wanted)


def _short(path: Path) -> Path:
    """A path as somebody at the project's root would write it."""
    resolved = path.resolve()
    return resolved.relative_to(ROOT) if resolved.is_relative_to(ROOT) else resolved
