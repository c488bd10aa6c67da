"""The rows of compression: their names, and what these say."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = "compression"

#: What the row of those without has behind the size.
_WITHOUT = "without"
_ROW = re.compile(rf"{NAME}:([1-9][0-9]{{0,8}})(:{_WITHOUT})?")


@dataclass(frozen=True, slots=True)
class PackedRow:
    """A row of messages of one size: ``compression:1024``, ``compression:1024:without``."""

    size: int
    packed: bool

    def __str__(self) -> str:
        """The row's name."""
        return f"{NAME}:{self.size}" + ("" if self.packed else f":{_WITHOUT}")

    @classmethod
    def parse(cls, row: str) -> PackedRow | None:
        """What a row's name says; None for other rows."""
        found = _ROW.fullmatch(row)
        return cls(int(found[1]), found[2] is None) if found else None
