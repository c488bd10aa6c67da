"""One self-contained page: no network, no script, no other file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loadtests.record.generator_facts import IDENTITY
from loadtests.record.words import Client, row_of, scenario_of
from reports.charts.gallery import inline
from reports.facts.best import NO_ANSWER
from reports.facts.fingerprints import words
from reports.facts.run import codings, compressions, python_name, troubles_of
from reports.facts.tables import READING, Table, best_table, metric_tables
from reports.facts.text import shown
from reports.pages.exports import COLUMNS, csv_line
from reports.sections import generator, lean, precision, short
from reports.sections.drawn import Drawn
from reports.sections.reference import MARGIN, chapters
from reports.sections.registry import SECTIONS, sections_in
from reports.summary import Summary

#: Told by name elsewhere on the page, or too long for a line.
_TOLD = {"packages", "calibration", "name", "description", *SECTIONS}


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as the page shows it."""

    name: str
    title: str
    reading: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class Part:
    """A scenario's part of the page: its charts and its tables.

    Attributes:
        settings: how it was run, in words of the experiment file.
        tables: what a reader must see.
        more: every metric of every row name, where that is not what ``tables`` has.
        note: how to read the tables.
    """

    name: str
    title: str
    meaning: str
    settings: str
    figures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    more: tuple[Table, ...]
    note: str


def to_html(summary: Summary, charts: Sequence[Drawn]) -> str:
    """The page; everything that comes from the result file is escaped."""
    result = summary.result
    return filled(
        "report.html.j2",
        summary=summary,
        result=result,
        name=str(result.experiment.get("name") or "unnamed experiment"),
        description=result.experiment.get("description"),
        when=when(result.started),
        machine=machine(result.environment),
        **_in_short(summary),
        best=best_table(summary.answers),
        reading=READING,
        precision=precision.table(summary),
        precision_reading=precision.READING,
        no_answer=NO_ANSWER,
        sections=list(_parts(summary, charts)),
        reference=chapters(summary),
        reference_margin=MARGIN,
        reference_figures=_pictures(charts, Client.REFERENCE),
        lean=lean.costs(summary),
        lean_title=lean.TITLE,
        lean_reading=lean.READING,
        generator_title=generator.TITLE,
        generator_tables=generator.tables(summary),
        not_calibrated=generator.absence_of(result),
        troubles=troubles_of(summary),
        columns=COLUMNS,
        lines=[csv_line(row) for row in summary.rows],
        facts=list(_facts(result.environment)),
        settings=list(_facts(result.experiment)),
        packages=_packages(result.environment),
        order=_order(summary),
        clocks=_clocks(summary),
        compression=_compression(summary),
        codings=_codings(summary),
        metrics=list({row.metric.name: row.metric for row in summary.rows}.values()),
    )


def _in_short(summary: Summary) -> dict[str, Any]:
    """What templates/short.html.j2 asks for."""
    return {
        "short": summary.short,
        "short_title": short.TITLE,
        "short_reading": short.lines.READING,
        "within_title": short.within.TITLE,
        "within_reading": short.within.READING,
        "coming_reading": short.coming.READING,
    }


def filled(template: str, **values: Any) -> str:
    """A page from its template; everything but what was made for it is escaped."""
    environment = Environment(
        loader=PackageLoader("reports.pages"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def _shown(value: object) -> str:
    """What is put on the page: as clean text, but for what was made for it."""
    return value if isinstance(value, Markup) else shown(str(value))


def _parts(summary: Summary, charts: Sequence[Drawn]) -> Iterator[Part]:
    tables = metric_tables(summary.own_rows)
    for section in sections_in(summary):
        name = section.scenario
        every = tuple(table for row, table in tables.items() if scenario_of(row) == name)
        own = () if section.tables is None else tuple(section.tables(summary))
        yield Part(
            name=name,
            title=section.title,
            meaning=section.meaning,
            settings=words(summary.result.experiment.get(name)),
            figures=_pictures(charts, name),
            tables=own or every,
            more=every if own else (),
            note=section.note,
        )


def _pictures(charts: Sequence[Drawn], place: str) -> tuple[Picture, ...]:
    return tuple(
        # Safe: the drawing is ours, and matplotlib escapes the texts in it.
        Picture(kind.name, kind.title, kind.reading, Markup(inline(drawn.chart)))
        for drawn in charts
        if drawn.place == place and (kind := drawn.chart.kind)
    )


def when(started: str) -> str:
    """A moment of a result file for people; as it stands where it is none."""
    try:
        return f"{datetime.fromisoformat(started):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return started


def machine(environment: Mapping[str, Any]) -> str:
    """CPU, cores, kernel and Python, in a line."""
    cores = environment.get("cores")
    parts = (
        environment.get("cpu"),
        f"{cores} cores" if cores else None,
        " ".join(str(environment[key]) for key in ("system", "kernel") if environment.get(key)),
        python_name(str(environment.get("python") or "")),
    )
    return ", ".join(str(part) for part in parts if part) or "unknown machine"


def _facts(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in source.items():
        if name not in _TOLD:
            yield name.replace("_", " "), words(value)


def _packages(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    packages = environment.get("packages")
    if not isinstance(packages, Mapping):
        return []
    return sorted((str(name), str(version)) for name, version in packages.items())


def _order(summary: Summary) -> list[str]:
    return [
        f"{planned.number + 1}. {row_of(planned.scenario, planned.client)}, "
        f"{planned.mode} × {planned.transport}"
        for planned in sorted(summary.result.plan, key=lambda one: one.number)
    ]


def _clocks(summary: Summary) -> str:
    names = {
        trial.generator.arrival_clock
        for trial in summary.result.trials
        if trial.generator.arrival_clock and trial.generator.client != Client.REFERENCE
    }
    return ", ".join(sorted(names)) or "not recorded"


def _compression(summary: Summary) -> str:
    """What WebSocket connections agreed on: ``permessage-deflate (none: a × websocket)``."""
    agreed = compressions(summary)
    if not agreed:
        return "not recorded"
    if len(agreed) == 1:
        return next(iter(agreed))
    return "; ".join(f"{name}: {', '.join(map(str, cells))}" for name, cells in agreed.items())


def _codings(summary: Summary) -> str:
    """What answers to long-polling were packed with: ``none: echo; gzip, none: payload:16384``."""
    return "; ".join(
        f"{', '.join('none' if each == IDENTITY else each for each in names)}: {', '.join(rows)}"
        for names, rows in codings(summary).items()
    )
