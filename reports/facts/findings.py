"""The words of findings: what can be found about a run, and how much it takes away from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

#: A number's point is followed by a digit.
_SENTENCE_ENDS = re.compile(r"(?<=[.])\s+(?=[A-Z])")


class Kind(StrEnum):
    """All that can be found."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"
    INVALID = "invalid"
    SINGLE_TRIAL = "single-trial"
    UNDERSAMPLED = "undersampled-p99"
    NOISY_MACHINE = "noisy-machine"
    UNSTEADY_MACHINE = "unsteady-machine"
    OTHERS = "others-on-the-core"
    OFF_TURN = "at-work-off-turn"
    NOT_PINNED = "not-pinned"
    CROWDED_GENERATORS = "crowded-generators"
    USER_SPACE_CLOCK = "user-space-clock"
    UNCOMPRESSED = "does-not-compress"
    TRIALS_LEFT_OUT = "trials-left-out"
    SLICES_LEFT_OUT = "slices-left-out"
    NOT_CPU_BOUND = "not-cpu-bound"
    DELAYED_ACK = "delayed-ack"
    NEAR_CEILING = "near-generator-ceiling"
    NEAR_NOISE_FLOOR = "near-noise-floor"
    NOT_NOTICED = "not-noticed"
    CALLED_AGAIN = "handler-called-again"
    RAISED = "handlers-raised"
    WHOSE_MESSAGES = "whose-messages"
    OUTSIDE = "outside-the-window"
    CAME_BACK_OTHERWISE = "came-back-otherwise"


class Severity(StrEnum):
    """How much it takes away from the numbers."""

    WARNING = "warning"  #: some numbers must not be quoted, or not without saying this
    NOTE = "note"  #: the numbers stand; this says how to read them


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before a number is quoted.

    Attributes:
        kind: of :class:`Kind`, or a name of a section's own.
        text: what was found, in one or two sentences.
        advice: what to do about it, or how to read the numbers, in one sentence.
        cells: where, as ``mode × transport``; empty where it concerns the whole run.
    """

    kind: str
    severity: Severity
    text: str
    advice: str
    cells: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The first sentence of what was found."""
        return _SENTENCE_ENDS.split(self.text, maxsplit=1)[0]


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Warnings first, each kind in the order of :class:`Kind`, sections' own behind them."""
    severities = list(Severity)
    kinds = {str(kind): place for place, kind in enumerate(Kind)}
    return sorted(
        findings,
        key=lambda one: (severities.index(one.severity), kinds.get(str(one.kind), len(kinds))),
    )


def names(cells: Iterable[object]) -> tuple[str, ...]:
    """Cells as a finding has them."""
    return tuple(str(cell) for cell in cells)
