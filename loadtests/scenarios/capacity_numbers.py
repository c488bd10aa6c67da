"""What a search for a server's capacity comes to, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import Nanoseconds, quantiles_ms
from loadtests.arithmetic.usage import Usage, metrics
from loadtests.record.results import Measurement
from loadtests.scenarios.bearing import METRICS, Kind
from loadtests.scenarios.climbing import Climb


@dataclass(frozen=True, slots=True)
class Near:
    """What was measured near the capacity: int64 arrays of nanoseconds.

    Attributes:
        latency_ns: of all that was due; NEVER stands for what did not come.
        lateness_ns, receive_lag_ns: of what went out, and of what came.
        messages: that came while ``usage`` was measured.
        usage: of all these steps together.
    """

    latency_ns: Nanoseconds
    lateness_ns: Nanoseconds
    receive_lag_ns: Nanoseconds
    messages: int
    usage: Usage


NOTHING: Nanoseconds = np.empty(0, dtype=np.int64)


def summary(kind: Kind, found: Climb[Any], near: Near, server_mib: float | None) -> Measurement:
    """The row of a kind.

    Args:
        kind: of capacity.
        found: the search.
        near: what was measured in its last part.
        server_mib: the server's memory at the end, mebibytes; None where it is not known.
    """
    named = METRICS[kind]
    common, unavailable = metrics(near.usage, near.messages, server_mib)
    values: dict[str, float | None] = {
        "capacity": found.found,
        **quantiles_ms(named, "latency", near.latency_ns),
        **quantiles_ms(named, "lateness", near.lateness_ns),
        **quantiles_ms(named, "receive_lag", near.receive_lag_ns),
        **common,
    }
    invalid = {"capacity": found.doubt} if found.doubt else {}
    for name in ("latency_p99", "lateness_p99", "receive_lag_p99"):
        if values[name] is None:
            invalid[name] = f"no number: {found.words}"
    return Measurement(
        row=kind.row,
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={"latency": len(near.latency_ns)},
        distributions={"latency": histogram(near.latency_ns)},
        notes={"capacity": found.words},
    )
