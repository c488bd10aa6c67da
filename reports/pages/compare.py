"""Two stored runs beside each other: as a page, as Markdown, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from loadtests.record.words import scenario_of
from reports.charts.gallery import ChartKind, draw
from reports.facts import verdicts
from reports.facts.changes import BASE, HEAD, Change, table
from reports.facts.fingerprints import Difference
from reports.facts.numbers import EMPTY
from reports.facts.rows import Row
from reports.facts.run import Facts, provenance
from reports.facts.sides import Sides, headline, key_of, reading, side_by_side
from reports.facts.tables import Entry, Table, main_metrics
from reports.pages.changes import ChangesPage, Chapter, forest_of, to_html
from reports.pages.exports import json_text
from reports.pages.figures import Picture, picture
from reports.pages.html import when
from reports.pages.sheet import Sheet
from reports.pages.terminal import print_line, print_table
from reports.sections.drawn import kinds_of
from reports.sections.registry import SECTIONS

COMPARE_FORMAT = "transport-bench-compare/1"
TITLE = "Two runs compared"
_INTERVALS = "Intervals are Welch's, at 95 %."
#: So many lines of a kind are read in a terminal.
FIRST = 40


def compare_html(sides: Sides) -> str:
    """The page."""
    moved = table("What moved", sides.moved)
    about = f"{_about(sides.base)}  →  {_about(sides.head)}"
    figures = forest_of(_main(sides.changes), verdicts.SIZE, about, _INTERVALS)
    judged = [change for change in sides.changes if change.verdict is not None]
    chapters = (
        Chapter(
            name="moved",
            title="What moved",
            text="" if sides.moved else "Nothing.",
            tables=[moved] if sides.moved else [],
            note=reading(sides),
        ),
        Chapter(
            name="ratios",
            title="Ratios",
            figures=figures,
            folded=[table("Largest first", judged)] if judged else [],
            fold=f"All {len(judged):,} verdicts",
        ),
        Chapter(
            name="differs",
            title="What else differs",
            text="" if sides.differences else "Nothing that the two results tell.",
            tables=[differences_table(sides.differences)] if sides.differences else [],
        ),
        Chapter(name="only", title="Only in one run", items=_only(sides)),
        Chapter(
            name="numbers",
            title="Both runs' numbers",
            text="Mean over the trials of each run, base → head, and the ratio with its interval.",
            folded=side_by_side(sides),
            fold="Every metric of every row",
            wide=True,
        ),
        Chapter(name="charts", title="Both runs' charts", figures=_charts(sides)),
        Chapter(name="runs", title="The two runs", tables=[runs_table(sides)]),
    )
    return to_html(ChangesPage(TITLE, about, tone(sides), headline(sides), chapters))


def compare_markdown(sides: Sides) -> str:
    """For GitHub: the headline, what moved, what else differs, the rest folded."""
    sheet = Sheet()
    sheet.add(f"**{TITLE}**: {headline(sides)}")
    sheet.table("What moved", table("", sides.moved))
    sheet.add(f"\n{reading(sides)}")
    sheet.listed("Only in one run", _only(sides))
    sheet.table("What else differs", differences_table(sides.differences))
    sheet.table("The two runs", runs_table(sides))
    sheet.folded("Both runs' numbers", side_by_side(sides))
    return sheet.text()


def compare_json(sides: Sides) -> str:
    """For programs; docs/result-format.md describes it."""
    base, head = ({key_of(row): row for row in facts.rows} for facts in (sides.base, sides.head))
    return json_text(
        {
            "format": COMPARE_FORMAT,
            "headline": headline(sides),
            "same_machine": sides.same_machine,
            "size": verdicts.SIZE,
            BASE: _run(sides.base),
            HEAD: _run(sides.head),
            "differences": [
                {"what": one.what, BASE: one.base, HEAD: one.head, "machine": one.machine}
                for one in sides.differences
            ],
            "only_base": sides.only_base,
            "only_head": sides.only_head,
            "changes": [
                _change(change, base[key_of(change)], head[key_of(change)])
                for change in sides.changes
            ],
        }
    )


def show(sides: Sides, out: Console) -> None:
    """Print what moved and what else differs, and the headline last."""
    for found in (table("What moved", sides.moved[:FIRST]), differences_table(sides.differences)):
        if found.lines:
            print_table(found, out)
    if len(sides.moved) > FIRST:
        print_line(f"and {len(sides.moved) - FIRST:,} more, on the page", out)
    for item in _only(sides):
        print_line(f"only in {item}", out, "yellow")
    print_line(reading(sides), out, "dim")
    print_line(headline(sides), out, "bold")


def tone(sides: Sides) -> str:
    """What colour the headline has: advice is never red."""
    return "warn" if sides.moved or not sides.same_machine or not sides.changes else "good"


def differences_table(found: Sequence[Difference]) -> Table:
    """What the two do not have in common."""
    lines = tuple(
        (Entry(one.what, strong=one.machine), Entry(one.base), Entry(one.head)) for one in found
    )
    return Table("What is not the same in both", ("what", BASE, HEAD), lines)


def runs_table(sides: Sides) -> Table:
    """Both runs, side by side."""
    found = [_facts(facts) for facts in (sides.base, sides.head)]
    names = list(dict.fromkeys([*found[0], *found[1]]))
    lines = tuple(
        (Entry(name), *(Entry(each.get(name) or EMPTY) for each in found)) for name in names
    )
    return Table("The two runs", ("", BASE, HEAD), lines)


def _facts(facts: Facts) -> dict[str, str]:
    result = facts.result
    environment = result.environment
    asked = {name: str(environment.get(name) or "") for name in ("cpu", "cores", "kernel")}
    return {
        "experiment": str(result.experiment.get("name") or ""),
        "started": when(result.started),
        "ended": result.ended,
        "trials": f"{len(result.trials)} of {len(result.plan)}",
        "transport-bench": result.version,
        **asked,
        "python": str(environment.get("python") or ""),
    }


def _about(facts: Facts) -> str:
    return f"{facts.result.experiment.get('name') or 'unnamed'}, {when(facts.result.started)}"


def _only(sides: Sides) -> list[str]:
    return [
        f"{name}: {each}"
        for name, found in ((BASE, sides.only_base), (HEAD, sides.only_head))
        for each in found
    ]


def _main(changes: Sequence[Change]) -> list[Change]:
    """What moved, and the metrics that matter most of each scenario."""
    return [one for one in changes if one.moved or one.metric.name in _headlines(one.row)]


def _headlines(row: str) -> Sequence[str]:
    return main_metrics(row, SECTIONS[scenario_of(row)].headlines)


def _charts(sides: Sides) -> list[Picture]:
    """The first chart of each part that both runs have, base's above head's."""
    kinds = [_first(facts) for facts in (sides.base, sides.head)]
    return [
        picture(draw(kind, facts), f"{side}-{kind.name}", f"{side.capitalize()}: {kind.title}")
        for place, kind in kinds[0].items()
        if kinds[1].get(place) == kind
        for side, facts in ((BASE, sides.base), (HEAD, sides.head))
    ]


def _first(facts: Facts) -> dict[str, ChartKind]:
    found: dict[str, ChartKind] = {}
    for place, kind in kinds_of(facts):
        found.setdefault(place, kind)
    return found


def _run(facts: Facts) -> dict[str, Any]:
    result = facts.result
    return {
        "experiment": result.experiment.get("name"),
        "started": result.started,
        "ended": result.ended,
        "version": result.version,
        "about": provenance(facts),
    }


def _estimate(row: Row) -> dict[str, Any]:
    return {"estimate": row.value, "trials": row.trials, "status": row.status}


def _change(change: Change, base: Row, head: Row) -> dict[str, Any]:
    ratio = change.ratio
    return {
        "scenario": change.row,
        "mode": change.cell.mode,
        "transport": change.cell.transport,
        "metric": change.metric.name,
        "unit": change.metric.unit,
        "better": change.metric.better,
        BASE: _estimate(base),
        HEAD: _estimate(head),
        "ratio": ratio.value if ratio else None,
        "ratio_low": ratio.low if ratio else None,
        "ratio_high": ratio.high if ratio else None,
        "verdict": change.verdict,
        "words": change.words,
    }
