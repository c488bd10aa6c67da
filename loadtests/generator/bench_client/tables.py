"""The table of targets and the costs behind it, for a terminal and as Markdown. Renders only."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadtests.generator.bench_client.contenders import CONTENDERS
from loadtests.generator.bench_client.measured import ContenderTrial, Setup, Spending
from loadtests.generator.bench_client.verdicts import TargetFinding, Verdict

_LOG_WIDTH = 140

#: Fewer are for a quick look.
_ROUNDS = 5

TARGET_COLUMNS = ("what", "target", "median", "min–max", "met")
COST_COLUMNS = ("workload", "transport", "client", "server", "client µs", "server µs", "messages/s")

_STYLES = {
    Verdict.MET: "green",
    Verdict.MISSED: "red",
    Verdict.FAILED: "red",
    Verdict.UNAVAILABLE: "yellow",
    Verdict.INFORMS: "",
}


class Remarks(NamedTuple):
    """What stands around the tables.

    Attributes:
        rounds: how many there were.
        pilot: its trials; what is not in the rounds was too dear there.
        machine: of ``machine.facts.describe``.
    """

    rounds: int
    pilot: Sequence[ContenderTrial]
    machine: dict[str, Any]

    def lines(self) -> list[str]:
        """For a reader of the tables."""
        pinned = self.machine["pinning"]
        server, client = (_cores(pinned[side]) for side in ("server", "generator"))
        cores = f"server on {server}, client on {client}"
        few = "" if self.rounds >= _ROUNDS else f" (a target asks for {_ROUNDS})"
        piloted = ", ".join(
            f"{' × '.join(each.setup.load)} {each.setup.mode} {each.cost.server_us:.0f}"
            for each in self.pilot
            if each.cost is not None
        )
        return [
            f"Medians of {self.rounds} rounds{few}; each value is formed within one round.",
            f"Server's µs per message in the pilot, which chose the modes: {piloted or 'none'}.",
            f"{self.machine['cpu']}, {self.machine['cores']} cores ({pinned['note'] or cores}), "
            f"{self.machine['system']} {self.machine['kernel']}, {self.machine['python']}.",
        ]


def one_line(trial: ContenderTrial) -> str:
    """What came of a trial, while the run goes on."""
    if trial.problem is not None:
        found = trial.problem
    elif trial.cost is not None:
        found = f"{trial.cost.contender_us:.1f} µs, server {trial.cost.server_us:.1f} µs"
    elif trial.footprint is not None:
        found = f"{trial.footprint.rss_kib:.1f} KiB"
    elif trial.echoes is not None:
        differences = trial.echoes.p50.difference, trial.echoes.p99.difference
        found = "p50 {:+.3f} ms, p99 {:+.3f} ms".format(*differences)
    else:
        found = "nothing"
    return f"{trial.setup}: {found}"


def target_cells(finding: TargetFinding) -> tuple[str, ...]:
    """One row of the table of targets."""
    reached = spread = "–"
    if finding.median is not None and finding.low is not None and finding.high is not None:
        reached = _number(finding.median, finding.unit)
        low, high = (_number(each, finding.unit) for each in (finding.low, finding.high))
        spread = f"{low.removesuffix(' ' + finding.unit)}–{high}"
    return (finding.what, finding.target or "–", reached, spread, str(finding.verdict))


def cost_rows(trials: Sequence[ContenderTrial]) -> list[tuple[str, ...]]:
    """Medians over the rounds of everything whose CPU time was measured."""
    costs: dict[Setup, list[Spending]] = {}
    for trial in trials:
        if trial.cost is not None and trial.round is not None:
            costs.setdefault(trial.setup, []).append(trial.cost)
    ordered = sorted(
        costs, key=lambda each: (each.workload, each.transport, each.contender, each.mode or "")
    )
    return [_cost_cells(setup, costs[setup]) for setup in ordered]


def _cost_cells(setup: Setup, costs: Sequence[Spending]) -> tuple[str, ...]:
    return (
        str(setup.workload),
        str(setup.transport),
        CONTENDERS[setup.contender].title,
        str(setup.mode),
        f"{median(each.contender_us for each in costs):.1f}",
        f"{median(each.server_us for each in costs):.1f}",
        f"{median(each.rate_hz for each in costs):,.0f}",
    )


def to_terminal(
    findings: Sequence[TargetFinding], trials: Sequence[ContenderTrial], notes: Remarks
) -> None:
    """Print both tables."""
    console = Console()
    if not console.is_terminal:  # a log has no width of its own
        console.width = _LOG_WIDTH
    table = Table(*TARGET_COLUMNS, title="What the load client costs and how true it is")
    for finding in findings:
        style = _STYLES[finding.verdict]
        *cells, verdict = (escape(cell) for cell in target_cells(finding))
        table.add_row(*cells, f"[{style}]{verdict}[/{style}]" if style else verdict)
    console.print(table)
    for finding in findings:
        console.print(f"{finding.name}: {finding.note}", markup=False, highlight=False)
    rows = cost_rows(trials)
    if rows:
        costs = Table(*COST_COLUMNS, title="CPU time per message, medians over the rounds")
        for row in rows:
            costs.add_row(*(escape(cell) for cell in row))
        console.print(costs)
    for line in notes.lines():
        console.print(line, markup=False, highlight=False)


def to_markdown(
    findings: Sequence[TargetFinding], trials: Sequence[ContenderTrial], notes: Remarks
) -> str:
    """Both tables, for docs."""
    parts = [_markdown_table(TARGET_COLUMNS, [target_cells(each) for each in findings])]
    parts.append("\n".join(f"- {each.what}: {each.note}" for each in findings))
    rows = cost_rows(trials)
    if rows:
        parts.append(_markdown_table(COST_COLUMNS, rows))
    parts.append("\n".join(notes.lines()))
    return "\n\n".join(parts) + "\n"


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _cores(pinned: Sequence[int]) -> str:
    return f"core {', '.join(map(str, pinned))}" if pinned else "any core"


def _number(value: float, unit: str) -> str:
    """Three significant figures, and a difference with its sign."""
    text = f"{value:+.3f}" if unit == "ms" else f"{value:.3g}"
    return f"{text} {unit}" if unit else text
