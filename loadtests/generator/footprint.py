"""What a process keeps resident for its connections: two looks at its memory. Pure."""

from __future__ import annotations

import msgspec


class Footprint(msgspec.Struct, frozen=True):
    """Memory of one process before and after it connected, in bytes.

    Attributes:
        connections: how many there are.
        counted: of them, how many came between the two looks.
        wanted: how many there should have been.
        rss_before, rss_after: resident memory.
        uss_before, uss_after: what no other process shares, None where it is not known.
    """

    connections: int
    counted: int
    wanted: int
    rss_before: int
    rss_after: int
    uss_before: int | None
    uss_after: int | None

    @property
    def shortfall(self) -> str | None:
        """Why this is not what was wanted, and what it says all the same; None where it is."""
        if self.connections >= self.wanted:
            return None
        return (
            f"{self.connections:,} connections instead of {self.wanted:,}, which took "
            f"{self.rss_kib:.3g} KiB each: more open files are not allowed (ulimit -n)"
        )

    @property
    def rss_kib(self) -> float:
        """Per connection."""
        return (self.rss_after - self.rss_before) / self.counted / 1024

    @property
    def uss_kib(self) -> float | None:
        """Per connection."""
        if self.uss_before is None or self.uss_after is None:
            return None
        return (self.uss_after - self.uss_before) / self.counted / 1024


class Footprints(msgspec.Struct, frozen=True):
    """The READY line of memory.py: a footprint for each number of connections."""

    footprints: list[Footprint]
