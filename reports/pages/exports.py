"""The files for other programs and for pull requests: CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from loadtests.record.words import scenario_of
from reports.facts.best import NO_ANSWER, Answer
from reports.facts.markdown import escaped, inert, markdown_table
from reports.facts.numbers import plain
from reports.facts.rows import Row
from reports.facts.run import Trouble, provenance, troubles_of
from reports.facts.tables import READING, best_table, metric_tables
from reports.facts.text import shown
from reports.pages.room import fitting
from reports.sections import generator, lean, precision, short
from reports.sections.reference import MARGIN, chapters
from reports.sections.registry import sections_in
from reports.sections.section import Section
from reports.summary import Summary

#: So many lines of Markdown are read without unfolding anything.
_BRIEF = 60
#: A line about the run, and a finding's first sentence, on the first screen.
_LABEL, _SENTENCE = 200, 240
SUMMARY_FORMAT = "transport-bench-summary/1"
COLUMNS = (
    "scenario",
    "mode",
    "transport",
    "metric",
    "unit",
    "estimate",
    "ci_low",
    "ci_high",
    "trials",
    "status",
    "ratio_low",
    "ratio_high",
    "reference",
)


def to_csv(summary: Summary) -> str:
    """Tidy: one line per number, a head, line feeds at the ends, empty where there is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(csv_line(row) for row in summary.rows)
    return text.getvalue()


def csv_line(row: Row) -> tuple[str, ...]:
    """A row as ``summary.csv`` has it, in the order of :data:`COLUMNS`."""
    estimate, standing = row.estimate, row.standing
    return (
        shown(row.row),
        shown(row.cell.mode),
        str(row.cell.transport),
        row.metric.name,
        str(row.metric.unit),
        plain(estimate.value if estimate else None),
        plain(estimate.low if estimate else None),
        plain(estimate.high if estimate else None),
        str(row.trials),
        str(row.status),
        plain(standing.ratio.low if standing else None),
        plain(standing.ratio.high if standing else None),
        shown(str(standing.reference)) if standing else "",
    )


def to_json(summary: Summary) -> str:
    """The rows with reasons and trials, the findings and the first places."""
    result = summary.result
    document = {
        "format": SUMMARY_FORMAT,
        "version": result.version,
        "experiment": result.experiment.get("name"),
        "started": result.started,
        "ended": result.ended,
        "in_short": [str(sentence) for sentence in summary.short.sentences],
        "best": [_best(answer) for answer in summary.answers],
        "findings": [
            {
                "kind": finding.kind,
                "severity": finding.severity,
                "text": finding.text,
                "advice": finding.advice,
                "cells": finding.cells,
            }
            for finding in summary.findings
        ],
        "rows": [_row(row) for row in summary.rows],
    }
    return json_text(document)


def json_text(document: object) -> str:
    """A file for programs in which people can look, too."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    return "".join(map(_seen, text)) + "\n"


def _seen(letter: str) -> str:
    """A character of JSON, as an escape where it is none to look at."""
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]


def _row(row: Row) -> dict[str, Any]:
    estimate, standing = row.estimate, row.standing
    return {
        "scenario": row.row,
        "mode": row.cell.mode,
        "transport": row.cell.transport,
        "metric": row.metric.name,
        "unit": row.metric.unit,
        "estimate": estimate.value if estimate else None,
        "ci_low": estimate.low if estimate else None,
        "ci_high": estimate.high if estimate else None,
        "trials": row.trials,
        "status": row.status,
        "reasons": row.reasons,
        "values": row.values,
        "left_out": row.left_out,
        "ratio": standing.ratio.value if standing else None,
        "ratio_low": standing.ratio.low if standing else None,
        "ratio_high": standing.ratio.high if standing else None,
        "reference": str(standing.reference) if standing else None,
    }


def _best(answer: Answer) -> dict[str, Any]:
    return {
        "question": answer.question.text,
        "scenario": answer.question.row,
        "metric": answer.question.metric,
        "certainty": answer.certainty,
        "mode": answer.first.cell.mode if answer.first else None,
        "transport": answer.first.cell.transport if answer.first else None,
        "estimate": answer.first.value if answer.first else None,
        "unit": answer.first.metric.unit if answer.first else None,
        "not_distinguishable": [str(row.cell) for row in answer.rivals],
        "runner_up": answer.lead,
        "cells_left_out": answer.left_out,
    }


def to_markdown(summary: Summary) -> str:
    """For GitHub: the run in short, what is to be known of it, and folded below it all the rest."""
    name = escaped(str(summary.result.experiment.get("name") or "unnamed experiment"))
    brief = [
        f"# transport-bench: {name}",
        escaped(shown(provenance(summary), _LABEL)),
        f"## {short.TITLE}",
        *in_short(summary),
    ]
    rest = [
        "<details><summary>What to set, who comes from where, and every table</summary>",
        *_md_settings(summary),
        "## Best at",
        markdown_table(best_table(summary.answers), right=False) if summary.answers else NO_ANSWER,
        "## Can these numbers be trusted?",
        _md_findings(summary),
        *_md_precision(summary),
        *(part for section in sections_in(summary) for part in _md_section(summary, section)),
        *_md_reference(summary),
        *_md_lean(summary),
        *_md_generator(summary),
        *_md_troubles(troubles_of(summary)),
        f"{READING} Loopback is no network and one machine is not yours: read the numbers as a "
        "comparison.",
        *_md_every(summary),
        "</details>",
    ]
    return fitting([*brief, _md_headlines(summary, brief), *rest])


def in_short(summary: Summary) -> list[str]:
    """The sentences and tables of a reader with a minute, as Markdown; a part each."""
    said = [
        f"- **{escaped(one.gist)}**{' ' * one.rest.startswith(' ')}{escaped(one.rest)}"
        for one in summary.short.sentences
    ]
    tables = [
        markdown_table(replace(table, head=(table.caption, *table.head[1:])), right=True)
        for table in summary.short.tables
    ]
    return ["\n".join(said), *tables, short.lines.reading(summary) if tables else ""]


def _md_headlines(summary: Summary, brief: Sequence[str]) -> str:
    """The first sentence of each finding, as many as the first screen has room for."""
    before = sum(part.count("\n") + 2 for part in brief if part)
    found = [
        f"- {one.severity}: {inert(shown(one.headline, _SENTENCE))}" for one in summary.findings
    ]
    room = max(3, _BRIEF - before)
    if len(found) > room:
        found[room - 1 :] = [f"- and {len(found) - room + 1} more, below"]
    return "\n".join(found)


def _md_settings(summary: Summary) -> list[str]:
    """What to set, and the ratios to the mode that somebody comes from."""
    parts = []
    if summary.short.within:
        parts += [f"## {short.within.TITLE}", short.within.READING]
        for table in summary.short.within:
            parts += [f"### {table.caption}", markdown_table(table, right=False)]
    if summary.short.coming:
        parts.append(f"## Coming from {escaped(shown(str(summary.short.reference), _LABEL))}")
        parts += [
            markdown_table(replace(table, head=(table.caption, *table.head[1:])), right=True)
            for table in summary.short.coming
        ]
        parts.append(short.coming.READING)
    return parts


def _md_findings(summary: Summary) -> str:
    if not summary.findings:
        return "Nothing was found that speaks against it."
    return "\n".join(
        f"- **{finding.severity}**: {inert(finding.text)} *{escaped(finding.advice)}*"
        + (f" ({inert(', '.join(finding.cells))})" if finding.cells else "")
        for finding in summary.findings
    )


def _md_precision(summary: Summary) -> list[str]:
    found = precision.table(summary)
    if not found.lines:
        return []
    return [f"### {found.caption}", markdown_table(found, right=False), precision.READING]


def _md_section(summary: Summary, section: Section) -> list[str]:
    """What a reader must see of a scenario: its own tables, or those of its rows."""
    found = section.tables(summary) if section.tables is not None else []
    if not found:
        return _md_rows(summary, section)
    parts = [f"## {section.scenario}"]
    for table in found:
        parts += [f"### {escaped(table.caption)}", markdown_table(table, right=True)]
    return parts


def _md_rows(summary: Summary, section: Section) -> list[str]:
    """A table for each row."""
    rows = [row for row in summary.own_rows if scenario_of(row.row) == section.scenario]
    return [
        text
        for row, table in metric_tables(rows).items()
        for text in (f"## {escaped(row)}", markdown_table(table, right=True))
    ]


def _md_every(summary: Summary) -> list[str]:
    """Where scenarios have tables of their own, those of every row stand last: the longest."""
    parts = [
        part
        for section in sections_in(summary)
        if section.tables is not None and section.tables(summary)
        for part in _md_rows(summary, section)
    ]
    if not parts:
        return []
    return ["<details><summary>Every metric of every row</summary>", *parts, "</details>"]


def _md_reference(summary: Summary) -> list[str]:
    """What python-socketio's client makes of the same cells, in short; nothing without it."""
    found = chapters(summary)
    if not found:
        return []
    lines = [f"- **{escaped(chapter.row)}**: {escaped(chapter.short)}" for chapter in found]
    return ["## Our client beside python-socketio's", MARGIN, "\n".join(lines)]


def _md_lean(summary: Summary) -> list[str]:
    """What a browser's headers cost; nothing where that was not measured."""
    found = lean.costs(summary)
    if not found:
        return []
    parts = [f"## {lean.TITLE}", lean.READING]
    for cost in found:
        parts.append("\n".join(f"- {escaped(sentence)}" for sentence in cost.sentences))
        parts += [f"### {escaped(cost.table.caption)}", markdown_table(cost.table, right=True)]
    return parts


def _md_generator(summary: Summary) -> list[str]:
    tables = generator.tables(summary)
    if not tables:
        return [f"## {generator.TITLE}", f"{escaped(generator.absence_of(summary.result))}."]
    first, *beside = tables
    shown = [
        markdown_table(first, right=False),
        *(markdown_table(table, right=True) for table in beside),
    ]
    return [f"## {generator.TITLE}", f"{escaped(first.caption)}.", *shown]


def _md_troubles(troubles: Sequence[Trouble]) -> list[str]:
    if not troubles:
        return []
    lines = "\n".join(
        f"- {escaped(trouble.row)}, {escaped(str(trouble.cell))}: **{trouble.status}** "
        f"({escaped(', '.join(trouble.metrics))}): {inert('; '.join(trouble.reasons))}"
        + (f" (logs: {escaped(', '.join(trouble.logs))})" if trouble.logs else "")
        for trouble in troubles
    )
    return ["## Failed and invalid", lines]
