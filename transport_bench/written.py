"""The two files that ``transport-bench init`` writes. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from transport_bench.applications import Found

EXPERIMENT = "transport-bench.toml"
WORKFLOW = ".github/workflows/transport-bench.yml"

_EXPERIMENT = """\
# Written by transport-bench init, and yours to change. Call it where this file is:
#
#     transport-bench run {file}
#
# Each [[subject]] below is this application, served in a way whose packages were found; take out
# those in which it will never be served. They are alive at the same time and take turns, so that
# their ratios are free of what the machine does meanwhile. What more can be said of a subject, and
# how your own handlers are measured ([messages]), tells docs/your-own-app.md of transport-bench;
# how it is measured, docs/method.md.
name = {name}
description = {about}
# Of the order of trials: the same seed, the same order.
seed = 1
# Trials of each: one is a first look, from four on there are intervals to tell modes apart by.
blocks = 1
"""

_SUBJECT = """
[[subject]]
label = {mode}
mode = {mode}
app = {app}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """An application, and what serves it.

    Attributes:
        found: it.
        modes: in which it is measured.
        python: the interpreter that has it, as a path from where it is called or a command; None
            for ours.
    """

    found: Found
    modes: Sequence[str]
    python: str | None


def experiment(served: Served, scenarios: str) -> str:
    """The experiment file.

    Args:
        served: what it measures.
        scenarios: its tables, as TOML.

    Returns:
        TOML.
    """
    app = served.found.app
    name = app.partition(":")[0].encode("ascii", "ignore").decode().strip("._")
    about = _quoted(f"{app}, as it is served in each mode.")
    text = _EXPERIMENT.format(file=EXPERIMENT, name=_quoted(name or "application"), about=about)
    for number, mode in enumerate(served.modes):
        text += _SUBJECT.format(mode=_quoted(mode), app=_quoted(app))
        if served.found.folder != ".":
            text += f"folder = {_quoted(served.found.folder)}\n"
        if served.python is not None:
            text += f"python = {_quoted(served.python)}\n"
        elif not number:
            text += "# The interpreter that has the application, where it is another one:\n"
            text += '# python = ".venv/bin/python"\n'
    return f"{text}\n{scenarios}"


def workflow(template: str, served: Served, lock: str) -> str:
    """The workflow for GitHub.

    Args:
        template: with names between two ``@``.
        served: what is measured.
        lock: the file that pins the application's packages.

    Returns:
        YAML.
    """
    values = {
        "LOCK": lock,
        "EXPERIMENT": EXPERIMENT,
        "INSTALL": "\n          ".join(_installing(served.python)),
    }
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _installing(python: str | None) -> list[str]:
    """What puts transport-bench and the application's packages where the experiment looks."""
    if python is None:
        return ['python -m pip install "$TRANSPORT_BENCH" -r "$LOCK"']
    apart = 'pipx install "$TRANSPORT_BENCH"'  # its own packages are not the application's
    if python == "python":
        return [apart, 'python -m pip install -r "$LOCK"']
    environment = python.removesuffix("/bin/python")
    return [apart, f"python -m venv {environment}", f'{python} -m pip install -r "$LOCK"']


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # TOML's basic strings have the same escapes
