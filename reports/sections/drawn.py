"""Which charts a run has, and with what each stands."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loadtests.record.words import Client, scenario_of
from reports.charts import dots, drift
from reports.charts.gallery import Chart, ChartKind, draw
from reports.facts.rows import row_names
from reports.facts.run import Facts
from reports.facts.tables import entry, main_metrics, metric_label
from reports.facts.text import shown
from reports.sections import reference_chart
from reports.sections.registry import SECTIONS, sections_in

#: Letters of a cell's name.
_CELL = 40


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn chart and where it stands: a scenario's name, or ``reference``."""

    chart: Chart
    place: str


def _per_message() -> dict[str, str]:
    """Scenario -> what a message of it is, for those whose CPU time per message is compared."""
    return {name: section.per for name, section in SECTIONS.items() if section.per}


_CPU = ChartKind(
    "cpu-per-message",
    "CPU time per message by cell",
    "Filled markers are the server's CPU time per message, open ones the load generator's; "
    "further left is better. The further right of the two sets the pace: it should be the "
    "server.",
    lambda facts: dots.cpu(facts, _per_message()),
    shows=("echo", "server_cpu"),
)
_DRIFT = ChartKind(
    "speed-over-the-run",
    "Server CPU per message over the run",
    "Every mark is a slice of load: what a message cost its server, as so many times that cell's "
    "median over the run (1.2: a fifth slower). What moves all cells at once is the machine, and "
    "ratios within blocks are free of it; what moves one cell alone is that server. Grey marks "
    "were left out of the numbers.",
    drift.over_time,
    drift.wanted,
)
_MEDIANS = ChartKind(
    "reference-medians",
    "Medians with both clients",
    "Filled markers were measured with our client, open ones with python-socketio's; the grey "
    "bar is the margin within which the two agree. Where they part, read beside it what each "
    "load generator's CPU did.",
    reference_chart.medians,
)


def kinds_of(facts: Facts) -> Iterator[tuple[str, ChartKind]]:
    """Every chart that a run has something for, with its place; not drawn yet."""
    present = row_names(facts.rows)
    # It compares scenarios, and stands with the first of them.
    first = next((name for name in _per_message() if name in present), None)
    for section in sections_in(facts):
        for kind in section.charts:
            if kind.wanted(facts):
                yield section.scenario, kind
        if section.scenario == first:
            yield section.scenario, _CPU
            if _DRIFT.wanted(facts):
                yield section.scenario, _DRIFT
    if reference_chart.wanted(facts):
        yield str(Client.REFERENCE), _MEDIANS


def draw_all(facts: Facts) -> list[Drawn]:
    """All of them, in the order of the page."""
    found = []
    with _collecting() as collect:
        for place, kind in kinds_of(facts):
            found.append(Drawn(draw(kind, facts, numbers_of(kind, place, facts)), place))
            collect()
    return found


@contextmanager
def _collecting() -> Iterator[Callable[[], object]]:
    """Collect garbage after each chart and at no other time.

    A figure is a great many objects that refer to each other: looking through all of them again and
    again while they grow takes a tenth of the time, and not looking at all takes memory.
    """
    if not gc.isenabled():
        yield gc.collect
        return
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()
        gc.unfreeze()


def numbers_of(kind: ChartKind, place: str, facts: Facts) -> str:
    """What a chart shows at first sight, for those who cannot see it: a number of every cell.

    Args:
        kind: of the chart.
        place: where it stands.
        facts: of the run.
    """
    name, metric = kind.shows or ("", "")
    rows = [row for row in facts.rows if (row.row, row.metric.name) == (name, metric)]
    if not rows:
        own = [row for row in facts.own_rows if scenario_of(row.row) == place] or facts.own_rows
        first = own[0].row if own else ""
        headlines = SECTIONS[place].headlines if place in SECTIONS else ()
        chosen = next(iter(main_metrics(first, headlines)), "") if own else ""
        rows = [row for row in own if (row.row, row.metric.name) == (first, chosen)]
    if not rows:
        return ""
    told = ", ".join(f"{shown(str(row.cell), _CELL)} {entry(row).text}" for row in rows)
    label = metric_label(rows[0].metric)
    return f"{label[:1].upper()}{label[1:]} ({rows[0].row.replace(':', ', ')}): {told}."
