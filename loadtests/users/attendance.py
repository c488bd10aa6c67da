"""Whether there is anybody left to make load: what a run without users must say. Pure."""

from __future__ import annotations


class Attendance:
    """The users of one process. Times are monotonic nanoseconds.

    Attributes:
        present: users whose session is there.
    """

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, now_ns: int) -> None:
        """A test begins, without users."""
        self.present = 0
        self._begun_ns = now_ns
        self._came = False
        self._lost = 0
        self._refused = 0
        self._idle_since_ns: int | None = None

    def came(self) -> None:
        """A user has its session, or has it again."""
        self.present += 1
        self._came = True
        self._idle_since_ns = None

    def returned(self) -> None:
        """The same of a user whose session was lost."""
        self._lost -= 1
        self.came()

    def refused(self) -> None:
        """A user could not connect and is gone."""
        self._refused += 1

    def left(self) -> None:
        """A user was stopped while its session was there."""
        self.present -= 1

    def lost(self, at_ns: int) -> bool:
        """A user's session ended by itself.

        Returns:
            Whether it was the last one.
        """
        self.present -= 1
        self._lost += 1
        if self.present == 0:
            self._idle_since_ns = at_ns
        return self.present == 0

    def words(self) -> str | None:
        """Since when there has been no load, if there is none for want of sessions."""
        if self._refused and not self._came:
            return "no load: no user could connect"
        if self._idle_since_ns is None:
            return None
        since_s = (self._idle_since_ns - self._begun_ns) / 1e9
        who = f"all {self._lost} users lost their session"
        if self._lost == 1:
            who = "the only user lost its session"
        others = f" ({self._refused} more could not connect)" if self._refused else ""
        return f"no load since {since_s:.1f} s: {who}{others}"
