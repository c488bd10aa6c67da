"""What the machine or the load generator did to a slice of load, and which slices count. Pure.

A cause here has nothing to do with the server that is measured, so to leave a slice out because of
it flatters nobody. The thresholds stand here and in docs/method.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: The generator's loop standing still without using its core, in one piece, for more than this
#: share of a slice, and for more than this long.
ABSENT_SHARE, ABSENT_FLOOR_S = 0.05, 0.02
#: Shares of a slice: others on the server's core or the generator's; servers that are not on turn,
#: of which a few milliseconds fall into the time at its beginning that is not counted.
CROWDED_SHARE, OFF_TURN_SHARE = 0.10, 0.05
#: /proc/stat counts in hundredths of a second: so much may be nothing.
CROWDED_FLOOR_S = 0.025
OFF_TURN_FLOOR_S = 0.015
#: A machine that was suspended has clocks that differ by more than reading them takes.
_SUSPENDED_FLOOR_S = 0.01
#: So large a share of the slices is kept, whatever was wrong with them.
_LEAST_KEPT = 0.5


@dataclass(frozen=True, slots=True)
class Watched:
    """What happened during one slice beside the load, all in seconds; 0.0 where it is not known.

    Attributes:
        seconds: how long it was.
        absent_s: the longest time in which the generator's loop stood still and used no CPU.
        suspended_s: that the whole machine slept.
        stolen_s: CPU time that a hypervisor gave to others.
        others_s: CPU time on the server's core that no server of this group used.
        waited_s: that the generator was ready to run and its core was not free.
        off_turn_s: label of a cell that was not on turn -> CPU time that its server used.
    """

    seconds: float
    absent_s: float = 0.0
    suspended_s: float = 0.0
    stolen_s: float = 0.0
    others_s: float = 0.0
    waited_s: float = 0.0
    off_turn_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Why a slice is better left out.

    Attributes:
        reason: one line, this slice's figures in brackets at its end.
    """

    reason: str


def disturbance_of(watched: Watched) -> Disturbance | None:
    """What spoiled a slice, the gravest first; None where nothing did."""
    seconds = watched.seconds
    if watched.suspended_s > _SUSPENDED_FLOOR_S:
        return Disturbance(f"the machine was suspended (for {watched.suspended_s:.3g} s)")
    if watched.others_s > max(CROWDED_FLOOR_S, CROWDED_SHARE * seconds):
        return Disturbance(
            "another process used the server's core; run nothing else meanwhile "
            f"({_percent(watched.others_s, seconds)} of it)"
        )
    if watched.waited_s > CROWDED_SHARE * seconds:
        return Disturbance(
            "another process used the load generator's core; run nothing else meanwhile "
            f"(it waited for {_percent(watched.waited_s, seconds)} of the time)"
        )
    # Behind what explains it; a core that was taken away makes it stand still, too.
    absent_s = watched.absent_s - watched.stolen_s
    if absent_s > max(ABSENT_FLOOR_S, ABSENT_SHARE * seconds):
        return Disturbance(f"the load generator stood still (for {absent_s * 1e3:.0f} ms)")
    if sum(watched.off_turn_s.values()) > max(OFF_TURN_FLOOR_S, OFF_TURN_SHARE * seconds):
        busiest = max(watched.off_turn_s, key=lambda label: watched.off_turn_s[label])
        used = _percent(watched.off_turn_s[busiest], seconds)
        return Disturbance(f"the server of {busiest}, not on turn, used the core ({used} of it)")
    # Stolen time is no reason: a host takes it from whoever wants it, so the cells that cost most
    # would lose most of their slices. A finding says what it did.
    return None


def _percent(part_s: float, seconds: float) -> str:
    return f"{100 * part_s / seconds:.0f} %"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which slices count.

    Attributes:
        kept: their places, in order.
        doubt: why what they say is not to be trusted; None where it is.
    """

    kept: tuple[int, ...]
    doubt: str | None = None


def choose(found: Sequence[Disturbance | None]) -> Choice:
    """Leave out the slices that were disturbed, as long as half of them remain.

    Where they do not, all are kept and nothing of it is to be trusted.

    Args:
        found: of each slice, in order.
    """
    kept = tuple(place for place, each in enumerate(found) if each is None)
    if len(kept) >= _LEAST_KEPT * len(found):
        return Choice(kept)
    reasons = [each.reason for each in found if each is not None]
    reason = f"{reasons[0].removesuffix(')')}, {len(reasons)} of {len(found)} slices)"
    return Choice(tuple(range(len(found))), reason)
