"""What the load generator can do (its calibration), and how near the cells came to that.

A calibration is measured apart from runs (loadtests/generator/calibrate/), and a run's result holds
the one that was in force. What a cell reads means the more, the further it is from the generator's
limits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from loadtests.record.calibration import NONE, Calibration, Capability, Gauged, Limit
from loadtests.record.results import Result
from loadtests.record.words import Transport
from loadtests.scenarios.echo import SCENARIO
from reports.facts.findings import Finding, Kind, Severity, names
from reports.facts.numbers import EMPTY, percent, short
from reports.facts.rows import Cell, cells_of
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table

TITLE = "What the load generator can do"
#: The echo scenario is what a calibration is compared with.
ECHO = SCENARIO.name

#: A throughput above this share of the generator's own may be partly the generator's.
NEAR_CEILING = 0.5
#: A latency below so many times the noise floor is to a good part the floor.
NEAR_FLOOR = 3.0

#: Figures that the sentence beside them tells, or that nobody asks for.
_TOLD = {"generator_busy", "server_busy", "server_cpu"}


@dataclass(frozen=True, slots=True)
class BesideLimits:
    """A cell's echo beside what the generator can do over the same transport.

    Attributes:
        throughput: of the cell, messages per second.
        ceiling: the generator's, messages per second.
        at_least: whether the generator can do more than the ceiling says, since something else
            was the limit when it was measured.
        latency_ms: the cell's p50.
        floor_ms: the generator's p50 with a peer that does next to nothing, at about that load.
    """

    cell: Cell
    throughput: float | None
    ceiling: float | None
    at_least: bool
    latency_ms: float | None
    floor_ms: float | None

    @property
    def share(self) -> float | None:
        """Of the ceiling."""
        return self.throughput / self.ceiling if self.throughput and self.ceiling else None

    @property
    def times(self) -> float | None:
        """How many noise floors the latency is."""
        return self.latency_ms / self.floor_ms if self.latency_ms and self.floor_ms else None


def calibration_of(result: Result) -> Calibration | None:
    """What a run's result holds; None where it holds none that this version can read."""
    if result.calibration is None:
        return None
    try:
        return msgspec.convert(result.calibration, Calibration)
    except msgspec.ValidationError:
        return None


def absence_of(result: Result) -> str:
    """Why there is no calibration, and what to do."""
    note = result.environment.get("calibration")
    return note if isinstance(note, str) else NONE


def readings(facts: Facts) -> list[BesideLimits]:
    """Every cell of the echo scenario beside the calibration; none where there is none."""
    calibration = calibration_of(facts.result)
    if calibration is None:
        return []
    echo = [row for row in facts.own_rows if row.row == ECHO]
    values = {(row.cell, row.metric.name): row.value for row in echo}
    rate_hz = facts.setting(ECHO, "rate_hz")
    found = []
    for cell in cells_of(echo):
        top = _ceiling(calibration, cell.transport)
        floor = _floor(calibration, cell.transport, rate_hz)
        found.append(
            BesideLimits(
                cell=cell,
                throughput=values.get((cell, "throughput")),
                ceiling=top.figure("throughput") if top else None,
                at_least=top is not None and top.limit is not Limit.GENERATOR,
                latency_ms=values.get((cell, "latency_p50")),
                floor_ms=floor.figure("latency_p50") if floor else None,
            )
        )
    return found


def tables(facts: Facts) -> list[Table]:
    """The calibration, then the cells beside it; none where there is no calibration."""
    calibration = calibration_of(facts.result)
    if calibration is None:
        return []
    beside = readings(facts)
    return [_capabilities(calibration), *([_cells(beside)] if beside else [])]


def _capabilities(calibration: Calibration) -> Table:
    return Table(
        f"Median (least to greatest) of the rounds, measured on {calibration.made[:10]}",
        ("what", "over", "figures", "what it means"),
        tuple(
            (
                Entry(f"{each.scenario}, {each.load}"),
                Entry(each.transport),
                Entry("; ".join(_words(one) for one in each.figures if one.name not in _TOLD)),
                Entry(each.meaning),
            )
            for each in calibration.capabilities
        ),
    )


def _cells(beside: Sequence[BesideLimits]) -> Table:
    return Table(
        "Echo beside the generator's limits",
        (
            "cell",
            "throughput, messages/s",
            "generator's ceiling, messages/s",
            "share of it, %",
            "latency p50, ms",
            "noise floor p50, ms",
            "latency in noise floors",
        ),
        tuple(
            (
                Entry(str(one.cell)),
                _number(one.throughput),
                _number(one.ceiling, "at least" if one.at_least else ""),
                _share(one),
                _number(one.latency_ms),
                _number(one.floor_ms),
                _number(one.times),
            )
            for one in beside
        ),
    )


def _share(one: BesideLimits) -> Entry:
    if one.share is None:
        return Entry(EMPTY)
    return Entry(percent(100 * one.share), "at most" if one.at_least else "")


def _number(value: float | None, detail: str = "") -> Entry:
    return Entry(EMPTY) if value is None else Entry(short(value), detail)


def _words(figure: Gauged) -> str:
    """``throughput 51,200 (50,900 to 51,300) messages/s``."""
    spread = ""
    if figure.low != figure.high:
        spread = f" ({short(figure.low)} to {short(figure.high)})"
    return f"{figure.title} {short(figure.median)}{spread} {figure.unit}"


def _ceiling(calibration: Calibration, transport: Transport) -> Capability | None:
    return next(
        (
            each
            for each in calibration.capabilities
            if (each.scenario, each.transport) == (ECHO, transport) and each.limit is not None
        ),
        None,
    )


def _floor(
    calibration: Calibration, transport: Transport, rate_hz: float | None
) -> Capability | None:
    """The one at the load that is nearest by ratio: an idle core wakes up more slowly."""
    floors = [
        (each.rate_hz, each)
        for each in calibration.capabilities
        if (each.scenario, each.transport) == (ECHO, transport)
        and each.rate_hz is not None
        and each.rate_hz > 0
    ]
    if not floors:
        return None
    wanted = rate_hz if rate_hz and rate_hz > 0 else floors[0][0]
    return min(floors, key=lambda found: abs(math.log(found[0] / wanted)))[1]


def _near_ceiling(facts: Facts) -> Iterator[Finding]:
    near = {
        one.cell: one.share
        for one in readings(facts)
        if one.share is not None and not one.at_least and one.share > NEAR_CEILING
    }
    if near:
        yield Finding(
            Kind.NEAR_CEILING,
            Severity.WARNING,
            "Echo throughput came near what the load generator itself reaches with a peer that "
            "does next to nothing: "
            + ", ".join(f"{cell}: {100 * share:.0f} % of it" for cell, share in near.items())
            + ".",
            "Read it as at least so much; differences between cells that are both near the "
            "generator's ceiling say little.",
            names(near),
        )


def _near_noise_floor(facts: Facts) -> Iterator[Finding]:
    near = {
        one.cell: one for one in readings(facts) if one.times is not None and one.times < NEAR_FLOOR
    }
    if near:
        yield Finding(
            Kind.NEAR_NOISE_FLOOR,
            Severity.NOTE,
            "Half of the echoes took less than "
            f"{NEAR_FLOOR:g} times as long as with a peer that does next to nothing: "
            + ", ".join(
                f"{cell}: {short(one.latency_ms or 0)} beside {short(one.floor_ms or 0)} ms"
                for cell, one in near.items()
            )
            + ".",
            "A good part of these is the kernel and the harness: subtract the floor before saying "
            "how many times faster one is than the other.",
            names(near),
        )


#: What is found in every run that has a calibration.
CHECKS = (_near_ceiling, _near_noise_floor)
