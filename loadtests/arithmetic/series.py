"""Raw times of messages, gathered cheaply until somebody makes numbers of them. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from loadtests.arithmetic.board import Measure
from loadtests.arithmetic.samples import Nanoseconds

#: In place of a time that is not known.
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Messages by arrival, int64 arrays; times are monotonic nanoseconds or UNKNOWN.

    Attributes:
        due_ns, sent_ns: when a message was to go out, and really did.
        kernel_ns, user_ns: when its answer was there, and was read.
        lengths: of the answers in bytes.
        lateness_ns: of the messages that were handed over meanwhile, which are others.
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

    __slots__ = ("_arrived", "_lateness_ns")

    def __init__(self) -> None:
        self._arrived = array("q")  # five numbers for each answer
        self._lateness_ns = array("q")

    def sent(self, due_ns: int, handed_ns: int) -> None:
        """A message was handed to its connection."""
        self._lateness_ns.append(handed_ns - due_ns)

    def arrived(self, due_ns: int, sent_ns: int, kernel_ns: int, user_ns: int, length: int) -> None:
        """An answer came; see Arrivals.

        Raises:
            TypeError, OverflowError: one is no integer of 64 bits; none of them is kept then.
        """
        # An array of its own first: to extend by a tuple keeps what precedes the one that is wrong.
        self._arrived.extend(array("q", (due_ns, sent_ns, kernel_ns, user_ns, length)))

    def take(self) -> Arrivals:
        """What has gathered; from here on it gathers anew."""
        taken = np.array(self._arrived, dtype=np.int64).reshape(-1, 5).T
        lateness = np.array(self._lateness_ns, dtype=np.int64)
        del self._arrived[:], self._lateness_ns[:]
        # Connections are read one after the other, not in the order in which the kernel had them.
        order = np.argsort(taken[2], kind="stable")
        due, sent, kernel, user, lengths = (column[order] for column in taken)
        return Arrivals(due, sent, kernel, user, lengths, lateness)
