"""Every scenario that there is: each module of this package that has a ``SCENARIO``.

Importing this loads no gevent, so that anybody may ask.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from loadtests import scenarios
from loadtests.record.words import Metric, scenario_of
from loadtests.scenarios.scenario import Scenario


def _found() -> Iterator[Scenario[Any]]:
    for module in pkgutil.iter_modules(scenarios.__path__):
        name = f"{scenarios.__name__}.{module.name}"
        declared = None if name == __name__ else importlib.import_module(name)
        if isinstance(scenario := getattr(declared, "SCENARIO", None), Scenario):
            yield scenario


def _by_name(found: Iterable[Scenario[Any]]) -> dict[str, Scenario[Any]]:
    """The scenarios by their names.

    Raises:
        ValueError: two have one name.
    """
    named: dict[str, Scenario[Any]] = {}
    for each in sorted(found, key=lambda each: (each.rank, each.name)):
        if named.setdefault(each.name, each) is not each:
            raise ValueError(f"two scenarios are called {each.name}")
    return named


#: Name -> scenario, in the order in which files and pages have them.
SCENARIOS: Mapping[str, Scenario[Any]] = _by_name(_found())


def metrics_of(row: str) -> Mapping[str, Metric]:
    """The metrics of a summary row: those of ``disconnect`` for ``disconnect:kill``.

    Raises:
        KeyError: no such scenario.
    """
    return SCENARIOS[scenario_of(row)].metrics_in(row)
