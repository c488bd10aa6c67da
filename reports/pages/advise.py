"""Advice: in the terminal, as JSON, and what the page's form makes its own from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from rich.console import Console

from loadtests.record.words import Status
from reports.facts import loads
from reports.facts.advise import advise
from reports.facts.advise_words import NAMES, NOTES, TOML, WORDS
from reports.facts.asked import MOST_HZ, asked, in_sum, to_measure
from reports.facts.loads import CellAdvice, CellKnown, Decision, Keeping, Known, Needs
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table
from reports.facts.text import shown
from reports.pages.terminal import print_line, print_table
from reports.sections.advising import KEPT_FOR, known_of, settings

#: Colours of a terminal that mean as much.
_STATUS = {
    Decision.MET: Status.OK,
    Decision.NOT_MET: Status.FAILED,
    Decision.NOT_MEASURED: Status.UNAVAILABLE,
}
#: What would end a script element, or a line of it, early.
_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Told:
    """What was asked for, and all that is said to it.

    Attributes:
        asked: in a sentence.
        cells: of each what is said.
        in_sum: of all of them together.
        measure: an experiment file for what was not measured; empty where all was.
    """

    asked: str
    cells: tuple[CellAdvice, ...]
    in_sum: tuple[str, ...]
    measure: str


def told_of(facts: Facts, needs: Needs) -> Told:
    """What a run says to what somebody needs."""
    heartbeats = settings()
    cells = advise(needs, known_of(facts), heartbeats)
    measure = to_measure(needs, cells, heartbeats)
    return Told(asked(needs), tuple(cells), tuple(in_sum(cells)), measure)


def show(told: Told, out: Console) -> None:
    """Print a table of verdicts, why each is, and what to measure."""
    print_line(f"Asked: {told.asked}.", out)
    print_table(_table(told.cells), out)
    for cell in told.cells:
        print_line(str(cell.cell), out, "bold")
        for one in cell.advice:
            print_line(f"  {NAMES[one.need]}: {one.decision}. {one.text}", out)
    print_line("", out)
    for line in (*told.in_sum, *NOTES, _rule()):
        print_line(line, out)
    if told.measure:
        lines = ("", "To measure the rest, as an experiment file:", "", *told.measure.splitlines())
        for line in lines:
            print_line(line, out)


def _rule() -> str:
    return (
        f"Heartbeats that keep a limit keep it for up to {KEPT_FOR:,} clients, even if all of them "
        "fall silent at once."
    )


def _table(cells: Sequence[CellAdvice]) -> Table:
    needs = [one.need for one in cells[0].advice] if cells else []
    lines = tuple(
        (
            Entry(str(cell.cell)),
            *(
                Entry(
                    one.decision,
                    status=_STATUS[one.decision],
                    strong=one.decision is Decision.MET,
                )
                for one in cell.advice
            ),
        )
        for cell in cells
    )
    return Table("What each cell says", ("cell", *(NAMES[need] for need in needs)), lines)


def as_json(told: Told) -> str:
    """The same for programs."""
    document = {
        "asked": told.asked,
        "cells": [
            {
                "mode": each.cell.mode,
                "transport": each.cell.transport,
                "decision": each.decision,
                "needs": [
                    {
                        "need": one.need,
                        "decision": one.decision,
                        "grounds": one.grounds,
                        "text": one.text,
                    }
                    for one in each.advice
                ],
            }
            for each in told.cells
        ],
        "in_sum": told.in_sum,
        "notes": [*NOTES, _rule()],
        "measure": told.measure,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class AskForm:
    """What the page's form is made of.

    Attributes:
        evidence: for its script, as a JSON document that may stand in a script element.
        least, most: of each field, in its own unit.
        notes: what an answer means.
    """

    evidence: Markup
    least: Mapping[str, float]
    most: Mapping[str, float]
    notes: tuple[str, ...]


def form_of(facts: Facts) -> AskForm | None:
    """The form of a run; None where nothing is known that it could answer from."""
    cells = known_of(facts)
    if not any(each for cell in cells for each in cell.known.values()):
        return None
    document = {
        "cells": [_cell(each) for each in cells],
        "settings": [_setting(each) for each in settings()],
        "words": WORDS,
        "names": NAMES,
        "toml": TOML,
        "most_hz": MOST_HZ,
    }
    text = json.dumps(document, separators=(",", ":"))
    ends = {
        "clients": loads.CLIENTS,
        "rate": loads.RATE_HZ,
        "p99": loads.P99_MS,
        "detect": tuple(end / 1000 for end in loads.DETECT_MS),
    }
    return AskForm(
        # Safe: nothing in it can end the element that it stands in.
        Markup(text.translate(_ESCAPED)),
        {name: each[0] for name, each in ends.items()},
        {name: each[1] for name, each in ends.items()},
        (*NOTES, _rule()),
    )


def _cell(cell: CellKnown) -> dict[str, Any]:
    return {
        "name": shown(str(cell.cell)),
        "known": {need: [_known(one) for one in each] for need, each in cell.known.items()},
        "cost_us": cell.cost_us,
        "connection_kib": cell.connection_kib,
    }


def _known(known: Known) -> dict[str, Any]:
    """Without what is not known, which is most of it."""
    fields = {
        "clients": known.clients,
        "rate_hz": known.rate_hz,
        "at_most_ms": known.at_most_ms,
        "at_least_ms": known.at_least_ms,
        "value_ms": known.value_ms,
        "overloaded": known.overloaded or None,
        "bears": known.bears,
        "told": known.told,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _setting(setting: Keeping) -> dict[str, Any]:
    return {
        "limit_s": setting.limit_s,
        "interval_s": f"{setting.interval_s:g}",
        "timeout_s": f"{setting.timeout_s:g}",
        "told": setting.told,
    }
