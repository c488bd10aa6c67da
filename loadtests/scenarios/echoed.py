"""What one client sent and got in the loops of an echo: raw times."""

from __future__ import annotations

from array import array

import numpy as np

from loadtests.arithmetic.samples import Nanoseconds


class Echoed:
    """The messages of one client.

    Attributes:
        due_ns: of message 0, 1, ...; in the closed loop a send is due when the reply has come.
        handed_ns: when each was handed to the transport: at its due time, unless we are late.
        sent_ns: when each really went out, in the same order. Fewer, where the last ones are still
            waiting for the POST before theirs.
        numbers, kernel_ns, user_ns: of the replies, in the order in which they came.
        unanswered: numbers of the messages whose reply has not come.
        first: number of the present loop's first message.
        is_acknowledged: whether no event answers what it sends.
        goes_by_order: see MatchedBy.
        surplus: answers that came when none was owed, where their order tells.
        says_something: whether an acknowledgement had anything in it.
    """

    #: Those of its attributes that only grow.
    GROWING = ("due_ns", "handed_ns", "sent_ns", "numbers", "kernel_ns", "user_ns")

    is_acknowledged = False
    goes_by_order = False

    def __init__(self) -> None:
        self.due_ns = array("q")
        self.handed_ns = array("q")
        self.sent_ns = array("q")
        self.numbers = array("q")
        self.kernel_ns = array("q")
        self.user_ns = array("q")
        self.unanswered: set[int] = set()
        self.first = 0
        self.surplus = 0
        self.says_something = False

    def replies(self, begin_ns: int, end_ns: int, first: int) -> tuple[Nanoseconds, int]:
        """What arrived in [begin, end), in a loop whose first message is ``first``.

        Returns:
            Receive lags of that loop's replies, nanoseconds; and how many replies to the loops
            before it came beside them.
        """
        kernel = np.asarray(self.kernel_ns, dtype=np.int64)
        here = (kernel >= begin_ns) & (kernel < end_ns)
        own = np.asarray(self.numbers, dtype=np.int64) >= first
        lag: Nanoseconds = (np.asarray(self.user_ns, dtype=np.int64) - kernel)[here & own]
        return lag, int(np.count_nonzero(here & ~own))
