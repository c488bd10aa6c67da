"""The rows of payload: their names, and what these say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from loadtests.record.words import row_of_ours

NAME = "payload"


class Form(StrEnum):
    """What a message carries."""

    TEXT = "text"  #: a string in JSON
    BINARY = "binary"  #: bytes, which are base64 over long-polling


#: No more digits than make a size: a result file may hold thousands.
_ROW = re.compile(rf"{NAME}:([1-9][0-9]{{0,8}})(:{Form.BINARY})?")


@dataclass(frozen=True, slots=True)
class SizeRow:
    """A row of messages of one size and form: ``payload:65536``, ``payload:65536:binary``."""

    size: int
    form: Form

    @property
    def variant(self) -> str:
        """The name of its trials: ``65536``, ``65536:binary``."""
        return str(self.size) if self.form is Form.TEXT else f"{self.size}:{self.form}"

    def __str__(self) -> str:
        """The row's name."""
        return f"{NAME}:{self.variant}"

    @classmethod
    def parse(cls, row: str) -> SizeRow | None:
        """What a row's name says, whoever measured it; None for other rows."""
        found = _ROW.fullmatch(row_of_ours(row))
        return cls(int(found[1]), Form.BINARY if found[2] else Form.TEXT) if found else None
