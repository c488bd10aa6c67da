"""The sections of a report: ``SECTION`` in the module that has a scenario's name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.util import find_spec

from loadtests.scenarios.registry import SCENARIOS
from reports import sections
from reports.facts.rows import scenarios_in
from reports.facts.run import Facts
from reports.sections.section import Section


def _section(scenario: str) -> Section:
    module = f"{sections.__name__}.{scenario}"
    declared = importlib.import_module(module) if find_spec(module) else None
    found = getattr(declared, "SECTION", None)
    # A module beside the sections may have a scenario's name by chance.
    if isinstance(found, Section) and found.scenario == scenario:
        return found
    return Section(scenario=scenario, title=scenario.capitalize())


#: Scenario -> its section, a plain one where nobody wrote any, in the order of scenarios.
SECTIONS: Mapping[str, Section] = {name: _section(name) for name in SCENARIOS}


def sections_in(facts: Facts) -> list[Section]:
    """Those of the scenarios that a run has."""
    return [SECTIONS[name] for name in scenarios_in(facts.rows)]
