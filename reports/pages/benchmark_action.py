"""A gate as the two arrays that github-action-benchmark keeps a history of.

Its ``customSmallerIsBetter`` and ``customBiggerIsBetter`` (README of
benchmark-action/github-action-benchmark): name, unit and value, and as texts range and extra.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loadtests.record.gate import Comparison, Counted, Gate
from loadtests.record.words import Better
from reports.facts import verdicts
from reports.facts.gating import cell_of, metric_of, ratio_of
from reports.facts.numbers import plain, times
from reports.facts.stats import Ratio
from reports.facts.text import shown
from reports.pages.exports import json_text

#: Which way is better -> the file's name.
ARRAYS = {
    Better.LOWER: "smaller-is-better.json",
    Better.HIGHER: "bigger-is-better.json",
}


def benchmarks(gate: Gate, better: Better) -> str:
    """The array of those metrics that improve this way.

    An entry is head's number where the gate has told it, and how many times base's it is where it
    has not: that has a name of its own, so that a history never mixes them.
    """
    entries = [*_comparisons(gate, better), *_counts(gate, better)]
    return json_text(entries)


def _comparisons(gate: Gate, better: Better) -> Iterator[dict[str, Any]]:
    for one in gate.comparisons:
        metric, found = metric_of(one.row, one.metric), ratio_of(one.evidence)
        if metric.better is not better:
            continue
        words = verdicts.phrase(one.verdict, found, bound=one.excluded, more=one.wanted_pairs)
        ratio = times(found) if found else ""
        beside = words if not ratio or words.startswith(ratio) else f"{ratio}, {words}"
        if one.head is not None:
            span = _span(found, one.base)
            yield _entry(_name(one), str(metric.unit), one.head, span, f"head / base: {beside}")
        elif found is not None:
            name = f"{_name(one)}, head / base"
            yield _entry(name, "×", found.value, _span(found, 1), beside)


def _counts(gate: Gate, better: Better) -> Iterator[dict[str, Any]]:
    for one in gate.counts:
        metric = metric_of(one.row, one.metric)
        if metric.better is better:
            beside = f"base {plain(one.base)}"
            yield _entry(_name(one), str(metric.unit), one.head, "", beside)


def _name(one: Comparison | Counted) -> str:
    return f"{one.row}.{one.metric}, {cell_of(one)}"


def _span(found: Ratio | None, base: float | None) -> str:
    """The interval of the ratio, as numbers of the metric."""
    if found is None or found.low is None or found.high is None or base is None:
        return ""
    return f"[{plain(base * found.low)}, {plain(base * found.high)}]"


def _entry(name: str, unit: str, value: float, span: str, beside: str) -> dict[str, Any]:
    entry = {"name": shown(name), "unit": unit, "value": value, "extra": shown(beside)}
    return entry | ({"range": span} if span else {})
