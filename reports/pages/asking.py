"""What somebody needs, as options of a command: numbers and times that make sense."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from reports.facts import loads
from reports.facts.advise_words import rate, time
from reports.facts.loads import Needs

_TIME = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?(ms|s)")
_MS = {"ms": 1.0, "s": 1000.0}


class Time(click.ParamType[float]):
    """A time with its unit, in milliseconds: ``100ms``, ``10s``."""

    name = "time"

    def __init__(self, ends_ms: tuple[float, float]) -> None:
        self.ends_ms = ends_ms

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See click."""
        if isinstance(value, float):
            return value
        found = _TIME.fullmatch(str(value))
        if found is None:
            self.fail(f"{str(value)[:40]!r} is no time; write it as 100ms or 10s", param, ctx)
        milliseconds = float(found[1]) * _MS[found[2]]
        least, most = self.ends_ms
        if not least <= milliseconds <= most:
            self.fail(f"{value} is not from {time(least)} to {time(most)}", param, ctx)
        return milliseconds


class Rate(click.ParamType[float]):
    """So many a second."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See click."""
        least, most = loads.RATE_HZ
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not least <= found <= most:  # which a NaN is not either
            ends = f"{rate(least)} to {rate(most)}"
            self.fail(f"{str(value)[:40]!r} is no number from {ends}", param, ctx)
        return found


def needs_of(
    clients: int,
    echo_hz: float | None,
    broadcast_hz: float | None,
    p99_ms: float | None,
    detect_ms: float | None,
) -> Needs:
    """What is asked for, if it is whole.

    Raises:
        click.UsageError: a rate without a limit, or a limit without a rate.
    """
    is_timed = echo_hz is not None or broadcast_hz is not None
    if is_timed and p99_ms is None:
        raise click.UsageError("A rate wants a limit: add --p99 100ms")
    if p99_ms is not None and not is_timed:
        raise click.UsageError("--p99 wants a rate: add --echo-rate or --broadcast-rate")
    return Needs(
        clients=clients,
        echo_hz=echo_hz,
        broadcast_hz=broadcast_hz,
        p99_ms=p99_ms,
        detect_ms=detect_ms,
    )
