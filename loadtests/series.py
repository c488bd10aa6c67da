"""Raw times of messages, gathered cheaply until somebody makes numbers of them. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from loadtests.merging import Measure
from loadtests.samples import Nanoseconds

#: In place of a time that is not known.
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Messages by arrival, int64 arrays; times are monotonic nanoseconds or UNKNOWN.

    Attributes:
        due_ns, sent_ns: when a message was to go out, and did.
        kernel_ns, user_ns: when its answer was there, and was read.
        lengths: of the answers in bytes.
        lateness_ns: of the messages that went out meanwhile, which are others.
    """

    due_ns: Nanoseconds
    sent_ns: Nanoseconds
    kernel_ns: Nanoseconds
    user_ns: Nanoseconds
    lengths: Nanoseconds
    lateness_ns: Nanoseconds

    def times(self) -> dict[Measure, Nanoseconds]:
        """All that can be said of them, in nanoseconds."""
        timed, went_out = self.due_ns != UNKNOWN, self.sent_ns != UNKNOWN
        return {
            Measure.LATENCY: (self.kernel_ns - self.due_ns)[timed],
            Measure.SERVICE: (self.kernel_ns - self.sent_ns)[went_out],
            Measure.LATENESS: self.lateness_ns,
            Measure.RECEIVE_LAG: self.user_ns - self.kernel_ns,
        }

    def latency_ms(self) -> list[float | None]:
        """Of each message; None where it is not known."""
        took_ms = ((self.kernel_ns - self.due_ns) / 1e6).tolist()
        known = (self.due_ns != UNKNOWN).tolist()
        return [took if here else None for took, here in zip(took_ms, known, strict=True)]


class Series:
    """The messages of one name since they were last taken."""

    __slots__ = ("_due_ns", "_kernel_ns", "_lateness_ns", "_lengths", "_sent_ns", "_user_ns")

    def __init__(self) -> None:
        self._due_ns = array("q")
        self._sent_ns = array("q")
        self._kernel_ns = array("q")
        self._user_ns = array("q")
        self._lengths = array("q")
        self._lateness_ns = array("q")

    def sent(self, due_ns: int, sent_ns: int) -> None:
        """A message went out."""
        self._lateness_ns.append(sent_ns - due_ns)

    def arrived(self, due_ns: int, sent_ns: int, kernel_ns: int, user_ns: int, length: int) -> None:
        """An answer came; see Arrivals."""
        self._due_ns.append(due_ns)
        self._sent_ns.append(sent_ns)
        self._kernel_ns.append(kernel_ns)
        self._user_ns.append(user_ns)
        self._lengths.append(length)

    def take(self) -> Arrivals:
        """What has gathered; from here on it gathers anew."""
        columns = (self._due_ns, self._sent_ns, self._kernel_ns, self._user_ns, self._lengths)
        taken = [np.array(column, dtype=np.int64) for column in columns]
        lateness = np.array(self._lateness_ns, dtype=np.int64)
        for column in (*columns, self._lateness_ns):
            del column[:]
        # Connections are read one after the other, not in the order in which the kernel had them.
        order = np.argsort(taken[2], kind="stable")
        due, sent, kernel, user, lengths = (column[order] for column in taken)
        return Arrivals(due, sent, kernel, user, lengths, lateness)
