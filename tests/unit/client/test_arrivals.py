"""The kernel's stamp is of one clock and everything else of another: comparing the two."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest

from loadtests.client import arrivals

APART_NS = 1_795_000_000 * 10**9


class Preempted:
    """Two clocks of a thread that loses its core after some of its readings.

    Args:
        after: after which readings, counted from 0.
    """

    def __init__(self, after: set[int]) -> None:
        self.now_ns = 10**12
        self._after = after
        self._readings = itertools.count()

    def _read(self) -> int:
        now_ns = self.now_ns
        self.now_ns += 3_000_000 if next(self._readings) in self._after else 60
        return now_ns

    def monotonic_ns(self) -> int:
        return self._read()

    def time_ns(self) -> int:
        return self._read() + APART_NS


class Stamped:
    """A socket on which something has come, and the kernel's stamp with it.

    Args:
        stamp_ns: of the wall clock.
    """

    def __init__(self, stamp_ns: int) -> None:
        self._stamp = divmod(stamp_ns, 10**9)

    def recvmsg(self, _bytes: int, _ancillary: int) -> tuple[bytes, list[Any], int, None]:
        return b"packet", [(0, 0, struct.pack("@qq", *self._stamp))], 0, None


@pytest.mark.skipif(not arrivals.KERNEL_CLOCK, reason="no stamps here")
@pytest.mark.parametrize("after", [set(), {0}, {1}, {0, 3}, {1, 4, 7}])
def test_arrival_is_when_the_kernel_had_it_whenever_the_reader_lost_its_core(monkeypatch, after):
    clocks = Preempted(after)
    arrived_ns = clocks.now_ns - 500_000
    monkeypatch.setattr(arrivals, "_monotonic_ns", clocks.monotonic_ns)
    monkeypatch.setattr(arrivals, "_time_ns", clocks.time_ns)
    data, kernel_ns, user_ns = arrivals.receive(Stamped(arrived_ns + APART_NS))  # type: ignore[arg-type]
    assert data == b"packet"
    assert user_ns == arrived_ns + 500_000
    # Never by more than two clocks that are read one after the other may differ.
    assert abs(kernel_ns - arrived_ns) <= 20_000


@pytest.mark.parametrize("after", [set(), {0}, {1}, {0, 4}, {0, 3, 7}, {1, 2, 3, 5, 9, 12, 15, 18}])
def test_core_lost_between_two_clocks_does_not_set_them_apart(monkeypatch, after):
    clocks = Preempted(after)
    monkeypatch.setattr(arrivals, "_monotonic_ns", clocks.monotonic_ns)
    monkeypatch.setattr(arrivals, "_time_ns", clocks.time_ns)
    assert abs(arrivals.clocks_apart_ns() - APART_NS) <= 10_000


def test_thread_that_always_loses_its_core_still_comes_to_an_end(monkeypatch):
    clocks = Preempted(set(range(1_000)))
    monkeypatch.setattr(arrivals, "_monotonic_ns", clocks.monotonic_ns)
    monkeypatch.setattr(arrivals, "_time_ns", clocks.time_ns)
    assert abs(arrivals.clocks_apart_ns() - APART_NS) <= 3_000_000
