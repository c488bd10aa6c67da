"""The rows of reader: what is told of the one that stops, beside what a broadcast tells of others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from loadtests.record.results import Measurement, Window
from loadtests.record.words import Better, Metric, Unit
from loadtests.scenarios import broadcast
from loadtests.scenarios.disconnect.windows import is_outside
from loadtests.scenarios.scenario import table

NAME = "reader"


class Reads(StrEnum):
    """What the one client does while the server broadcasts."""

    READS = "reads"  #: like all others: what the rest is held against
    STOPS = "stops"

    @property
    def row(self) -> str:
        """Its row's name."""
        return f"{NAME}:{self}"


METRICS = {
    **broadcast.METRICS,
    **table(
        Metric("rise_p99", Unit.MILLISECONDS, Better.LOWER, "rise of p99", "how much more the others' delivery p99 is than while all read, in the same trial"),
        Metric("given_up", Unit.SECONDS, Better.LOWER, "given up after", "from when the one stopped reading to the server's disconnect event for it"),
        Metric("undetected", Unit.CLIENTS, Better.LOWER, "undetected", "readers that the server had not given up when it should long have been"),
        Metric("kept_rss", Unit.MEBIBYTES, Better.LOWER, "memory kept", "by how much the server's resident memory had grown at the most when the reader was given up; while all read: over the time of that"),
        Metric("left_rss", Unit.MEBIBYTES, Better.LOWER, "memory left", "how much of it was still there some time after the reader was given up, without load"),
    ),
}  # fmt: skip
_OF_THE_READER = ("rise_p99", "given_up", "undetected", "left_rss")


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The end of the reader.

    Attributes:
        after_s: from when it stopped reading; None where it was not given up.
        reason: as the server's disconnect handler was given it.
        waited_s: how long it was waited for.
        left_mib: memory beyond that of before, some time later; None where it is not known.
        rules: when it was to be given up.
    """

    after_s: float | None
    reason: str
    waited_s: float
    left_mib: float | None
    rules: Window


def with_reader(
    found: Measurement,
    kind: Reads,
    grown_mib: float | None,
    calm: Measurement | None,
    given_up: GivenUp | None,
) -> Measurement:
    """The row of a phase, from what a broadcast's row would be.

    Args:
        found: of the others.
        kind: what the one did meanwhile.
        grown_mib: by how much the server's memory had grown; None where it is not known.
        calm: the row of while all read; None where this is that one.
        given_up: the one's end; None where it went on reading.
    """
    values = dict.fromkeys(METRICS) | found.metrics | {"kept_rss": grown_mib}
    invalid, unavailable = dict(found.invalid), dict(found.unavailable)
    notes = {}
    if grown_mib is None:
        unavailable |= dict.fromkeys(("kept_rss", "left_rss"), "the server's memory is not known")
    if calm is None or given_up is None:
        unavailable |= dict.fromkeys(_OF_THE_READER, "this is what the other is held against")
    else:
        values |= {
            "left_rss": given_up.left_mib,
            "undetected": float(given_up.after_s is None),
            "given_up": given_up.after_s,
        }
        invalid |= _doubts(given_up)
        if given_up.after_s is not None:
            notes["given_up"] = given_up.reason
        values["rise_p99"], doubts = _risen(found, calm)
        invalid |= doubts
    return msgspec.structs.replace(
        found,
        row=kind.row,
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        notes=found.notes | notes,
    )


def _doubts(given_up: GivenUp) -> dict[str, str]:
    """What is not to be trusted of an end that is not as it should be."""
    if given_up.after_s is None:
        why = f"not given up as long as it was waited for ({given_up.waited_s:.0f} s)"
        return dict.fromkeys(("given_up", "kept_rss", "left_rss"), why)
    rules = given_up.rules
    if not is_outside(given_up.after_s, given_up.reason, rules):
        return {}
    due = f"{rules.earliest_s:.1f} to {rules.latest_s:.1f} s"
    return {"given_up": f"not as the heartbeat's rules have it ({given_up.reason}; {due})"}


def _risen(found: Measurement, calm: Measurement) -> tuple[float | None, dict[str, str]]:
    """By how much the others' p99 has risen, and why not to trust that."""
    p99_ms, calm_ms = found.metrics["delivery_p99"], calm.metrics["delivery_p99"]
    if p99_ms is None or calm_ms is None:
        return None, {"rise_p99": "there is no p99 to hold against another"}
    doubts = [
        each.invalid["delivery_p99"] for each in (calm, found) if "delivery_p99" in each.invalid
    ]
    return p99_ms - calm_ms, {"rise_p99": doubts[-1]} if doubts else {}
