"""Gates between arms of a known difference -> how often they were right. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.special import betaincinv

from loadtests.record.gate import Gate
from loadtests.record.words import Verdict

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
        """Modes that it convicted."""
        return {
            each.mode
            for each in self.found.comparisons
            if each.gated and each.verdict is Verdict.SLOWER
        }


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
        "minutes, median (most) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for slowdown, detect in sorted({(each.slowdown, each.found.detect) for each in checked}):
        mine = [
            each for each in checked if (each.slowdown, each.found.detect) == (slowdown, detect)
        ]
        right = Share(sum(each.mode in each.slower for each in mine), len(mine))
        wrong = Share(sum(bool(each.slower - {each.mode}) for each in mine), len(mine))
        minutes = [each.found.seconds / 60 for each in mine]
        times = f"{statistics.median(minutes):.1f} ({max(minutes):.1f})"
        named = f"{slowdown:.0%}" if slowdown else "none: identical arms"
        lines.append(
            f"| {named} | {detect:.0%} | {right if slowdown else ''} | {wrong} | {times} |"
        )
    return "\n".join(lines)


def first_p_values(checked: Iterable[Checked]) -> list[float]:
    """Of the screens of identical arms: near uniform where the test keeps its level."""
    return [
        each.screen.p_slower
        for one in checked
        if not one.slowdown
        for each in one.found.comparisons
        if each.gated and each.screen is not None
    ]
