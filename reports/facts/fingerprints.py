"""What two runs do not have in common: machine, interpreter, packages and settings."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.record.results import Result
from reports.facts.numbers import EMPTY, short

#: What makes another machine of it: no number of one says anything of the other's.
_MACHINE = {"cpu": "CPU", "system": "system", "kernel": "kernel", "cores": "cores"}
_BESIDE = {
    "python": "Python",
    "memory_mib": "memory, MiB",
    "open_files": "open files",
    "pinning": "pinning",
    "generators": "load generators",
    "ahead": "load generator ahead of others on its core",
}
#: What says nothing of how it was measured.
_NAMES = {"name", "description"}
#: The same machine's fixed piece of Python differs by less from one hour to the next.
_STEADY = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same in both.

    Attributes:
        machine: whether it makes two machines of them.
    """

    what: str
    base: str
    head: str
    machine: bool = False


def differences(base: Result, head: Result) -> list[Difference]:
    """All that differs between two runs, the machine first."""
    return [
        *_facts(base.environment, head.environment, _MACHINE, machine=True),
        *_yardsticks(base, head),
        *_unlike("", {"transport-bench": base.version}, {"transport-bench": head.version}),
        *_facts(base.environment, head.environment, _BESIDE),
        *_packages(base, head),
        *_unlike("experiment: ", _settings(base.experiment), _settings(head.experiment)),
    ]


def unlike(base: Mapping[str, str], head: Mapping[str, str]) -> list[Difference]:
    """What two tables of names and versions do not have in common."""
    return list(_unlike("", base, head))


def words(value: Any) -> str:
    """A value of a result file in a line: ``clients 30, rate_hz 300``."""
    match value:
        case None:
            return ""
        case dict():
            named = ((str(key), words(inner)) for key, inner in value.items())
            return ", ".join(f"{key} {text}" for key, text in named if text)
        case list():
            return " ".join(words(inner) for inner in value)
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _facts(
    base: Mapping[str, Any], head: Mapping[str, Any], names: Mapping[str, str], **kind: bool
) -> Iterator[Difference]:
    for key, name in names.items():
        yield from _unlike("", {name: words(base.get(key))}, {name: words(head.get(key))}, **kind)


def _unlike(
    before: str, base: Mapping[str, str], head: Mapping[str, str], **kind: bool
) -> Iterator[Difference]:
    for name in dict.fromkeys([*base, *head]):
        one, other = base.get(name, ""), head.get(name, "")
        if one != other:
            yield Difference(f"{before}{name}", one or EMPTY, other or EMPTY, **kind)


def _packages(base: Result, head: Result) -> Iterator[Difference]:
    """Those installed here, and those that servers said they ran with, where they are others."""
    listed = list(_unlike("", _versions(base.environment), _versions(head.environment)))
    yield from listed
    told = {(one.what.lower(), one.base, one.head) for one in listed}
    for one in _unlike("", _served(base), _served(head)):
        if (one.what.lower(), one.base, one.head) not in told and one.what != "python":
            yield Difference(f"served with: {one.what}", one.base, one.head)


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    found = environment.get("packages")
    return {str(k): words(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _served(result: Result) -> dict[str, str]:
    found: dict[str, dict[str, None]] = {}
    for trial in result.trials:
        versions = trial.server.get("versions")
        if isinstance(versions, Mapping):
            for name, version in versions.items():
                found.setdefault(str(name), {})[words(version)] = None
    return {name: " ".join(sorted(versions)) for name, versions in found.items()}


def _settings(table: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Each value by its way through the tables: ``echo.clients``."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if before == "" and key in _NAMES:
            continue
        if isinstance(value, Mapping) and value:
            found |= _settings(value, f"{before}{key}.")
        elif text := words(value):
            found[f"{before}{key}"] = text
    return found


def _yardsticks(base: Result, head: Result) -> Iterator[Difference]:
    """What the same piece of Python took: how fast the machine was at that hour."""
    found = []
    for result in (base, head):
        times = [
            trial.generator.yardstick_ms for trial in result.trials if trial.generator.yardstick_ms
        ]
        if not times:
            return
        found.append(statistics.median(times))
    one, other = found
    if min(found) > 0 and abs(other / one - 1) >= _STEADY:
        name = "a fixed piece of Python took"
        yield Difference(name, f"{short(one)} ms", f"{short(other)} ms")
