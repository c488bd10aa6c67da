"""Gates between arms of a known difference -> how often they were right. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv

from loadtests.arithmetic.signed_rank import p_greater
from loadtests.gate.pairs import pairs_in, questions_of, values
from loadtests.gate.schedule import only
from loadtests.record.exits import Exit
from loadtests.record.gate import Gate
from loadtests.record.results import Result
from loadtests.record.words import Purpose, Verdict

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Checked:
    """One gate.

    Attributes:
        slowdown: of the echoes of ``mode``, as a share; 0 where both arms are the same.
        mode: whose echoes; empty where there is none.
        found: what it came to.
    """

    slowdown: float
    mode: str
    found: Gate

    @property
    def slower(self) -> set[str]:
        """Modes that it convicted; nobody where it did not end with that."""
        if self.found.exit_code != Exit.REGRESSION:
            return set()
        slower = [each for each in self.found.comparisons if each.verdict is Verdict.SLOWER]
        lost = [each for each in self.found.counts if each.regression]
        return {each.mode for each in slower if each.gated} | {each.mode for each in lost}


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many.

    Attributes:
        low, high: exact 95 % interval (C. Clopper, E. Pearson, Biometrika 26, 1934).
    """

    count: int
    total: int

    @property
    def low(self) -> float:
        if not self.count:
            return 0.0
        return float(betaincinv(self.count, self.total - self.count + 1, (1 - _CONFIDENCE) / 2))

    @property
    def high(self) -> float:
        if self.count == self.total:
            return 1.0
        return float(betaincinv(self.count + 1, self.total - self.count, (1 + _CONFIDENCE) / 2))

    def __str__(self) -> str:
        """``18 of 20 [0.68, 0.99]``."""
        if not self.total:
            return "–"
        return f"{self.count} of {self.total} [{self.low:.2f}, {self.high:.2f}]"


def table(checked: Sequence[Checked]) -> str:
    """In Markdown, a row for each slowdown, the smallest first."""
    lines = [
        "| slowdown of one mode's echoes | `detect` | found | other modes flagged | "
        "failed or unfit | minutes, median (most) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for slowdown, detect in sorted({(each.slowdown, each.found.detect) for each in checked}):
        mine = [
            each for each in checked if (each.slowdown, each.found.detect) == (slowdown, detect)
        ]
        right = Share(sum(each.mode in each.slower for each in mine), len(mine))
        wrong = Share(sum(bool(each.slower - {each.mode}) for each in mine), len(mine))
        spoilt = sum(each.found.exit_code in (Exit.FAILED, Exit.INCONCLUSIVE) for each in mine)
        minutes = [each.found.seconds / 60 for each in mine]
        times = f"{statistics.median(minutes):.1f} ({max(minutes):.1f})"
        named = f"{slowdown:.0%}" if slowdown else "none: identical arms"
        found = right if slowdown else ""
        lines.append(f"| {named} | {detect:.0%} | {found} | {wrong} | {spoilt} | {times} |")
    return "\n".join(lines)


def first_p_values(result: Result, metrics: Sequence[str], pairs: int) -> list[float]:
    """Of the first so many pairs of each gated number: uniform, but for steps, of identical arms.

    Args:
        result: of a gate.
        metrics: that are gated.
        pairs: at the first look.
    """
    planned = {each.number: each for each in result.plan}
    done = [(planned[trial.number], trial) for trial in result.trials]
    found = only(pairs_in([each for each in done if each[0].purpose]), Purpose.SCREEN)
    kinds = dict.fromkeys(pair.kind for pair in found)
    worse = [
        values((pair for pair in found if pair.kind == kind), question)[:pairs]
        for kind in kinds
        for question in questions_of(kind, next(p.rows for p in found if p.kind == kind))
        if question.is_gated(metrics) and not question.is_count
    ]
    return [p_greater(each) for each in worse if len(each) == pairs]
