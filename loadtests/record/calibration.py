"""``calibration.json``: written by a calibration, looked up by a run, refused when it is stale."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from loadtests.record import called, files
from loadtests.record.places import CALIBRATION
from loadtests.record.words import Transport

FORMAT = "transport-bench-calibration/1"
PATH = CALIBRATION

_REMEDY = called.command("make calibrate")
NONE = f"not calibrated on this machine; {_REMEDY}"


class Limit(StrEnum):
    """What kept a closed loop from going faster."""

    GENERATOR = "generator"
    RESPONDER = "responder"
    NEITHER = "neither"  #: both had time to spare: somebody else on the machine


class Gauged(msgspec.Struct, frozen=True):
    """One number over all rounds.

    Attributes:
        name: a metric's, or ``resident`` (KiB per connection).
        title: a few words.
        unit: of all numbers here.
        median, low, high: over the rounds; the ends are the least and the greatest.
        rounds: what each round gave.
    """

    name: str
    title: str
    unit: str
    median: float
    low: float
    high: float
    rounds: list[float]


class Capability(msgspec.Struct, frozen=True):
    """One thing that the generator was made to do.

    Attributes:
        scenario: ``echo``, ``broadcast`` or ``idle``.
        load: ``closed loop``, a rate (``200/s``), or how many connections.
        transport: of all clients.
        rate_hz: of an open loop; None otherwise.
        limit: of a closed loop; None otherwise.
        meaning: one sentence for who reads the figures.
        figures: the most important first.
    """

    scenario: str
    load: str
    transport: Transport
    rate_hz: float | None
    limit: Limit | None
    meaning: str
    figures: list[Gauged]

    def figure(self, name: str) -> float | None:
        """The median of a figure; None where there is no such figure."""
        return next((each.median for each in self.figures if each.name == name), None)


class Calibration(msgspec.Struct, frozen=True):
    """What the load generator can do on one machine.

    Attributes:
        format: of this file.
        version: of transport-bench.
        made: UTC, ISO 8601.
        seconds: how long it took.
        environment: as in a result; tells a calibration that has become stale.
        capabilities: in the order in which tables show them.
    """

    format: str
    version: str
    made: str
    seconds: float
    environment: dict[str, Any]
    capabilities: list[Capability]


def write(calibration: Calibration, path: Path) -> None:
    """Replace the file in one step.

    Raises:
        OSError: it cannot be written.
    """
    encoded = msgspec.json.format(msgspec.json.encode(calibration), indent=1)
    files.replace(path, encoded + b"\n")


def for_run(
    environment: Mapping[str, Any], version: str, path: Path | None = None
) -> tuple[dict[str, Any] | None, str | None]:
    """The calibration that holds for a run, or None and why there is none.

    Args:
        environment: of the run (``machine.facts.describe``).
        version: of transport-bench.
        path: of the calibration; the usual one if not given.
    """
    try:
        raw = msgspec.json.decode((path or PATH).read_bytes(), type=dict[str, Any])
        if raw.get("format") != FORMAT:
            return None, f"the calibration is of the format {raw.get('format')!r}; {_REMEDY}"
        found = msgspec.convert(raw, Calibration)
    except OSError:
        return None, NONE
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, f"the calibration cannot be read; {_REMEDY}"
    then, now = _identity(found.environment, found.version), _identity(environment, version)
    changed = [
        f"{name} was {then[name]} and is {now[name]}" for name in now if then[name] != now[name]
    ]
    if changed:
        return None, f"the calibration is stale ({'; '.join(changed)}); {_REMEDY}"
    return raw, None


def _identity(environment: Mapping[str, Any], version: str) -> dict[str, Any]:
    """What a calibration depends on."""
    packages = environment.get("packages") or {}
    # The generator's alone: a server of ours is pinned where the generator is, and one that a run
    # did not start changes nothing about what the generator can do.
    pinned = (environment.get("pinning") or {}).get("generator")
    return {
        "the CPU": environment.get("cpu"),
        "the number of cores": environment.get("cores"),
        "pinning to cores": "on" if pinned else "off",
        "the kernel": environment.get("kernel"),
        "Python": environment.get("python"),
        "gevent": packages.get("gevent"),
        "transport-bench": version,
    }
