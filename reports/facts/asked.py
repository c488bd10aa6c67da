"""What somebody asks for, and what the answers of all cells come to, in sentences. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from reports.facts.advise import kept_by
from reports.facts.advise_words import TOML, fill, rate, time
from reports.facts.loads import CellAdvice, Decision, Keeping, Need, Needs
from reports.facts.text import shown

#: More messages per second no experiment takes (``loadtests.scenarios.curve``).
MOST_HZ = 1_000_000


def asked(needs: Needs) -> str:
    """The question, with the load of all clients together."""
    values = {
        "count": f"{needs.clients:,}",
        "echo": rate(needs.echo_hz or 0.0),
        "total": rate(needs.echoes_hz),
        "broadcast": rate(needs.broadcast_hz or 0.0),
        "p99": time(needs.p99_ms or 0.0),
        "detect": time(needs.detect_ms or 0.0),
    }
    wanted = {
        Need.CLIENTS: True,
        Need.ECHO: bool(needs.echo_hz),
        Need.BROADCAST: bool(needs.broadcast_hz),
        Need.SILENT: bool(needs.detect_ms),
    }
    return "; ".join(fill("asked", need, **values) for need, is_asked in wanted.items() if is_asked)


def in_sum(cells: Iterable[CellAdvice]) -> list[str]:
    """Which cells meet all of it, which do not, and of which too little is known."""
    by_decision: dict[Decision, list[str]] = {}
    for each in cells:
        by_decision.setdefault(each.decision, []).append(shown(str(each.cell)))
    return [
        fill("cells", decision, cells=", ".join(by_decision[decision]))
        for decision in Decision
        if decision in by_decision
    ]


def to_measure(needs: Needs, cells: Sequence[CellAdvice], settings: Sequence[Keeping]) -> str:
    """An experiment file that measures what was not; empty where all of it was."""
    lacking = {
        advice.need
        for cell in cells
        for advice in cell.advice
        if advice.decision is Decision.NOT_MEASURED
    }
    setting = None if needs.detect_ms is None else kept_by(needs.detect_ms, settings)
    if setting is None:
        lacking.discard(Need.SILENT)
    values = _values(needs, setting)
    tables = [TOML[need].format_map(values) for need in Need if need in lacking and need in TOML]
    return "\n\n".join([TOML["file"], *tables]) + "\n" if tables else ""


def _values(needs: Needs, setting: Keeping | None) -> Mapping[str, str]:
    # A slope wants three numbers of connections.
    most = max(needs.clients, 3)
    return {
        "steps": f"{most // 3}, {2 * most // 3}, {most}",
        "count": str(needs.clients),
        "whole_hz": str(min(MOST_HZ, math.ceil(needs.echoes_hz))),
        "broadcast_hz": f"{needs.broadcast_hz or 0.0:.12g}",
        "interval_s": "" if setting is None else f"{setting.interval_s:g}",
        "timeout_s": "" if setting is None else f"{setting.timeout_s:g}",
    }
