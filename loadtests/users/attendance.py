"""Whether there is anybody left to make load: what a run without users must say. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Headcount(NamedTuple):
    """The users of one process, as it tells of them: a worker's are a message to its master.

    Attributes:
        present: users whose session is there.
        came: users who ever had one.
        lost: users whose session ended by itself, and who are not back.
        refused: users who could not connect, or were stopped before they could.
        idle_s: from the begin of the test until the last user was gone that way; None while one is
            there, or where users were stopped.
        failed: users who were ended by what their on_start raised.
        returning: those among the lost who try to come back.
    """

    present: int = 0
    came: int = 0
    lost: int = 0
    refused: int = 0
    idle_s: float | None = None
    failed: int = 0
    returning: int = 0


def no_load(counted: Collection[Headcount]) -> str | None:
    """Since when there has been no load, if there is none for want of sessions.

    Args:
        counted: of each process that has users. Their tests begin at the same moment, but for what
            a message of a master's takes.
    """
    came = [each for each in counted if each.came]
    refused = sum(each.refused for each in counted)
    if refused and not came:
        return "no load: no user could connect"
    idle_s = [each.idle_s for each in came if each.idle_s is not None]
    # Of a process whose users were stopped while others' were lost nobody knows since when.
    if not idle_s or any(each.present for each in counted):
        return None
    lost = sum(each.lost for each in counted)
    failed = sum(each.failed for each in counted)
    others = f" ({refused} more could not connect)" if refused else ""
    return f"no load since {max(idle_s):.1f} s: {_who(lost, failed)}{others}"


def _who(lost: int, failed: int) -> str:
    """What became of the users that were there."""
    one = lost + failed == 1
    its = "its" if one else "their"
    fates = [f"lost {its} session"] * bool(lost)
    fates += [f"failed in {its} on_start"] * bool(failed)
    who = "the only user" if one else f"all {lost + failed} users"
    return f"{who} {' or '.join(fates)}"


class Attendance:
    """The users of this process. Times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, now_ns: int) -> None:
        """A test begins, without users."""
        self._present = 0
        self._begun_ns = now_ns
        self._came = 0
        self._lost = 0
        self._refused = 0
        self._failed = 0
        self._returning = 0
        self._idle_since_ns: int | None = None

    def came(self) -> None:
        """A user has its session."""
        self._came += 1
        self._present += 1
        self._idle_since_ns = None

    def returned(self) -> None:
        """A user whose session was lost has one again."""
        self._lost -= 1
        self._returning -= 1
        self._present += 1
        self._idle_since_ns = None

    def gave_up(self) -> None:
        """A user whose session was lost does not try to come back any more."""
        self._returning -= 1

    def refused(self) -> None:
        """A user could not connect, or was stopped before it could, and is gone."""
        self._refused += 1

    def left(self) -> None:
        """A user was stopped while its session was there."""
        self._present -= 1

    def lost(self, at_ns: int, *, returning: bool = False) -> None:
        """A user's session ended by itself; it may try to come back."""
        self._lost += 1
        self._returning += returning
        self._gone(at_ns)

    def failed(self, at_ns: int) -> None:
        """A user was ended by what its on_start raised."""
        self._failed += 1
        self._gone(at_ns)

    def _gone(self, at_ns: int) -> None:
        self._present -= 1
        if self._present == 0:
            self._idle_since_ns = at_ns

    def headcount(self) -> Headcount:
        """As of now."""
        idle_s = None
        if self._idle_since_ns is not None:
            idle_s = (self._idle_since_ns - self._begun_ns) / 1e9
        return Headcount(
            self._present,
            self._came,
            self._lost,
            self._refused,
            idle_s,
            self._failed,
            self._returning,
        )
