"""One self-contained page: no network and no other file; it is whole without its scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loadtests.record.generator_facts import IDENTITY
from loadtests.record.words import Better, Client, Status, row_of, scenario_of
from reports.charts.compact import sheet
from reports.charts.style import TRANSPORT_TITLES
from reports.facts.best import NO_ANSWER
from reports.facts.fingerprints import words
from reports.facts.options import sentence
from reports.facts.rows import Row
from reports.facts.run import (
    Trouble,
    codings,
    compressions,
    provenance,
    python_name,
    troubles_of,
)
from reports.facts.tables import READING, Table, best_table, metric_tables
from reports.facts.text import shown
from reports.pages.advise import form_of
from reports.pages.exports import to_csv
from reports.pages.figures import Picture, pictures, rules
from reports.pages.numbers import as_address, lean_tables
from reports.sections import generator, lean, precision, short
from reports.sections.drawn import Drawn
from reports.sections.reference import MARGIN, chapters
from reports.sections.registry import SECTIONS, sections_in
from reports.summary import Summary

#: Told by name elsewhere on the page, or too long for a line.
_TOLD = {"packages", "calibration", "name", "description", *SECTIONS}
#: What differs between reasons that are alike.
_NUMBERS = re.compile(r"^\d+ of \d+ trials? \w+: | \([^()]*\d[^()]*\)$")
#: Letters of a mode, and how many modes, in the question.
_LABEL, _MODES = 30, 4


@dataclass(frozen=True, slots=True)
class Part:
    """A scenario's part of the page: its charts and its tables.

    Attributes:
        settings: how it was run, in a sentence.
        open: whether its first chart is seen at once.
        figures: its charts.
        tables: what is said of the scenario; every metric of every row is among all numbers.
        note: how to read the tables.
    """

    name: str
    title: str
    meaning: str
    settings: str
    open: bool
    figures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    note: str


def to_html(summary: Summary, charts: Sequence[Drawn]) -> str:
    """The page; everything that comes from the result file is escaped."""
    result = summary.result
    about = provenance(summary)
    parts = list(_parts(summary, charts, about))
    reference_figures = pictures(charts, Client.REFERENCE, about)
    shown_figures = [*(each for part in parts for each in part.figures), *reference_figures]
    return filled(
        "report.html.j2",
        summary=summary,
        result=result,
        question=question(summary.own_rows),
        chart_rules=Markup(sheet(rules(shown_figures))),
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
        sections=parts,
        reference=chapters(summary),
        reference_margin=MARGIN,
        reference_figures=reference_figures,
        lean=lean.costs(summary),
        lean_title=lean.TITLE,
        lean_reading=lean.READING,
        generator_title=generator.TITLE,
        generator_tables=generator.tables(summary),
        not_calibrated=generator.absence_of(result),
        troubles=grouped(troubles_of(summary)),
        count=len(summary.rows),
        csv=Markup(as_address(to_csv(summary))),
        numbers=list(lean_tables(summary.rows)),
        facts=list(_facts(result.environment)),
        settings=_settings(result.experiment),
        packages=_packages(result.environment),
        order=_order(summary),
        clocks=_clocks(summary),
        compression=_compression(summary),
        codings=_codings(summary),
        advice=form_of(summary),
        metrics=list({row.metric.name: row.metric for row in summary.rows}.values()),
    )


def _in_short(summary: Summary) -> dict[str, Any]:
    """What templates/short.html.j2 asks for."""
    return {
        "short": summary.short,
        "short_title": short.TITLE,
        "short_reading": short.lines.reading(summary),
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


def question(rows: Sequence[Row]) -> str:
    """What the page answers: ``Which serves Socket.IO best: eventlet or gevent, ...?``."""
    modes = list(dict.fromkeys(shown(row.cell.mode, _LABEL) for row in rows))
    transports = list(dict.fromkeys(TRANSPORT_TITLES[row.cell.transport] for row in rows))
    over = _either(transports)
    if len(modes) == 1:
        return f"How does {modes[0]} serve Socket.IO over {over}?"
    if not modes:
        return "How do Flask-SocketIO's modes compare?"
    which = _either(modes) if len(modes) <= _MODES else f"{len(modes)} ways to serve it"
    return f"Which serves Socket.IO best: {which}, over {over}?"


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def _parts(summary: Summary, charts: Sequence[Drawn], about: str) -> Iterator[Part]:
    # What tells of the generator and of the machine is among all numbers.
    judged = [row for row in summary.own_rows if row.metric.better is not Better.NEITHER]
    tables = metric_tables(judged)
    sections = sections_in(summary)
    some = any(section.core for section in sections)
    for section in sections:
        name = section.scenario
        every = tuple(table for row, table in tables.items() if scenario_of(row) == name)
        own = () if section.tables is None else tuple(section.tables(summary))
        yield Part(
            name=name,
            title=section.title,
            meaning=section.meaning,
            settings=sentence(summary.result.experiment.get(name)),
            open=section.core or not some,
            figures=pictures(charts, name, about),
            tables=own or every,
            note=section.note,
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


@dataclass(frozen=True, slots=True)
class Group:
    """Troubles of one status for one reason.

    Attributes:
        places: rows and cells, each with its metrics and its own numbers.
        logs: paths of the servers' logs, inside the run folder.
    """

    status: Status
    reason: str
    places: tuple[str, ...]
    logs: tuple[str, ...]


def grouped(troubles: Sequence[Trouble]) -> list[Group]:
    """Alike ones together, in the order of the first of each."""
    found: dict[tuple[Status, str], list[Trouble]] = {}
    for one in troubles:
        reason = "; ".join(dict.fromkeys(_NUMBERS.sub("", each) for each in one.reasons))
        found.setdefault((one.status, reason), []).append(one)
    return [
        Group(
            status,
            reason,
            tuple(_place(one) for one in alike),
            tuple(dict.fromkeys(log for one in alike for log in one.logs)),
        )
        for (status, reason), alike in found.items()
    ]


def _place(one: Trouble) -> str:
    """``echo, gevent × websocket, latency p99: 2 of 5 trials invalid: ...``."""
    return f"{one.row}, {one.cell}, {', '.join(one.metrics)}: {'; '.join(one.reasons)}"


def _settings(experiment: Mapping[str, Any]) -> str:
    """What holds for every scenario, as a sentence."""
    return sentence({name: each for name, each in experiment.items() if name not in _TOLD})


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
