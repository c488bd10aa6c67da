"""``gate.json``: what a comparison of two arms came to, from which all its pages are made.

docs/result-format.md describes it for people who read it with other tools.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from loadtests.record import files
from loadtests.record.generator_facts import Count, Number
from loadtests.record.results import decoded
from loadtests.record.words import Kept, Transport, Verdict

FORMAT = "transport-bench-gate/1"
FILE_NAME = "gate.json"

#: What the two are called, everywhere.
BASE, HEAD = "base", "head"


class Evidence(msgspec.Struct, frozen=True):
    """What some pairs say of head against base.

    Attributes:
        pairs: how many.
        ratio: head's number by base's, in the metric's own direction (Hodges and Lehmann's estimate
            of the logarithms).
        low, high: each the one-sided 95 % bound of that; None where so few pairs have none.
        p_slower, p_faster: of the exact one-sided signed-rank test; "slower" is the metric's worse
            direction.
    """

    pairs: Count
    ratio: Number
    low: Number | None
    high: Number | None
    p_slower: Number
    p_faster: Number


class Comparison(msgspec.Struct, frozen=True):
    """One metric of one cell, in head against base.

    Attributes:
        row: of the summary.
        metric: its name.
        mode: the cell's name beside its transport.
        gated: whether it can make the gate fail; else it is only shown.
        verdict: what the pairs decide.
        screen: of the pairs that were looked at again and again; None where there is none.
        fresh: of those that a suspicion was confirmed with; only they convict.
        excluded: the slowdown that the bound excludes, as a share: 0.08 is "no slowdown of 8 % or
            more"; None where nothing is.
        wanted_pairs: about how many would settle it; None where it is settled, or no number would.
        dropped: pairs without two numbers that are to be trusted.
        note: what else is to be said, one line.
        base, head: what each measured, in the metric's unit, by which a reader sees of what size
            the ratio is; None where that is not told. The ratio is not theirs but the pairs'.
    """

    row: str = msgspec.field(name="scenario")
    metric: str
    mode: str
    transport: Transport
    gated: bool
    verdict: Verdict
    screen: Evidence | None = None
    fresh: Evidence | None = None
    excluded: Number | None = None
    wanted_pairs: Count | None = None
    dropped: Count = 0
    note: str = ""
    base: Number | None = None
    head: Number | None = None

    @property
    def evidence(self) -> Evidence | None:
        """What the verdict rests on: the fresh pairs where there are any."""
        return self.fresh or self.screen


class Counted(msgspec.Struct, frozen=True):
    """Messages that were lost, doubled or swapped, or clients that were not noticed.

    Attributes:
        base, head: over all trials of the arm.
        base_trials, head_trials: in how many of them there were any.
        regression: whether head has what base never had, in two trials.
    """

    row: str = msgspec.field(name="scenario")
    metric: str
    mode: str
    transport: Transport
    base: Number
    head: Number
    base_trials: Count
    head_trials: Count
    regression: bool


class Limited(msgspec.Struct, frozen=True):
    """A limit of the experiment, held against head.

    Attributes:
        limit: as it was written: ``echo.latency_p99 <= 50 ms``.
        kept: whether the interval lies wholly on one side of it.
        estimate, low, high: mean over head's trials and its 95 % interval, in ``unit``.
        note: why it is undecided.
    """

    limit: str
    mode: str
    transport: Transport
    kept: Kept
    unit: str
    estimate: Number | None = None
    low: Number | None = None
    high: Number | None = None
    note: str = ""


class Contrast(msgspec.Struct, frozen=True):
    """Base against base: what the run itself makes of two that are the same.

    Attributes:
        pairs: over all cells.
        ratio, low, high: see ``Evidence``.
        p: of the exact two-sided signed-rank test.
        rejected: whether the two differ, at 1 % over all metrics (S. Holm, "A simple sequentially
            rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979).
    """

    row: str = msgspec.field(name="scenario")
    metric: str
    pairs: Count
    ratio: Number
    low: Number | None
    high: Number | None
    p: Number
    rejected: bool


class ArmFacts(msgspec.Struct, frozen=True):
    """What an arm was, as its running servers proved it.

    Attributes:
        name: ``base`` or ``head``.
        ref: as asked for; None for the working tree.
        commit: of the application's code, 40 hexadecimal digits; None outside of git.
        dirty: whether the working tree has changes that no commit holds.
        requires: packages asked for.
        mode: asked for in place of the experiment's modes.
        environment: names of variables that were set.
        versions: of Python and of every installed package.
        source: see ``Ready.source``.
    """

    name: str
    ref: str | None = None
    commit: str | None = None
    dirty: bool = False
    requires: list[str] = []
    mode: str | None = None
    environment: list[str] = []
    versions: dict[str, str] = {}
    source: str | None = None


class Gate(msgspec.Struct, frozen=True):
    """A whole comparison.

    Attributes:
        format: of this file.
        version: of transport-bench.
        started: UTC, ISO 8601.
        seconds: how long it took.
        ended: ``complete``, ``interrupted`` or ``out of time``.
        experiment: its name.
        detect: the slowdown that it is to find, as a share.
        level: of the tests.
        arms: base and head.
        comparisons, counts, limits, contrasts: what was found.
        failures: what failed or is missing, one line each.
        unfit: why this run is not to decide anything, one line each.
        notes: what else a reader is to know, one line each.
        exit_code: what the command ended with, see ``exits``.
        environment: of the machine, as in a result.
    """

    format: str
    version: str
    started: str
    seconds: Number
    ended: str
    experiment: str
    detect: Number
    level: Number
    arms: list[ArmFacts]
    comparisons: list[Comparison]
    counts: list[Counted] = []
    limits: list[Limited] = []
    contrasts: list[Contrast] = []
    failures: list[str] = []
    unfit: list[str] = []
    notes: list[str] = []
    exit_code: Count = 0
    environment: dict[str, Any] = {}


def write(gate: Gate, folder: Path) -> None:
    """Replace ``gate.json`` in one step.

    Raises:
        OSError: it cannot be written.
    """
    encoded = msgspec.json.format(msgspec.json.encode(gate), indent=1)
    files.replace(folder / FILE_NAME, encoded + b"\n")


def read(path: Path) -> Gate:
    """Read such a file, or the one in a run folder.

    Raises:
        ResultError: with one line that says what is wrong and where.
    """
    path = path / FILE_NAME if path.is_dir() else path
    return decoded(path, FORMAT, Gate)
