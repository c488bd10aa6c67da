"""Several load generators: where they run, and how much of a core they used."""

from __future__ import annotations

import os

import pytest

from loadtests.arithmetic.usage import Reading, between, together
from loadtests.machine import cores, meter
from loadtests.machine.cores import Pinning, for_generators

SECOND = 1_000_000_000


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight cores, of which each two are threads of one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "_siblings", lambda core: str(core // 2))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("many", "expected"),
    [(1, []), (2, [5, 4]), (4, [5, 4, 3, 2]), (8, [5, 4, 3, 2, 1, 0, 5, 4])],
)
def test_each_has_a_core_beside_the_servers_as_far_as_there_are_any(
    many: int, expected: list[int]
) -> None:
    assert for_generators(Pinning(7, 5, None), many) == expected


def test_they_run_anywhere_where_nothing_is_pinned() -> None:
    assert for_generators(Pinning(None, None, "there is one core only"), 3) == [None] * 3


def test_those_on_one_core_are_counted_together() -> None:
    own = os.getpid()
    together_, alone = meter._sharing({own: [3], 1: [3], os.getppid(): [0, 1]})
    assert [each.pid for each in together_] == [own, 1]
    assert [each.pid for each in alone] == [os.getppid()]


def reading(at_s: float, *used_s: float) -> Reading:
    cores_ns = tuple(round(each * SECOND) for each in used_s)
    return Reading(round(at_s * SECOND), sum(cores_ns), None, 0, cores_ns)


def test_the_busiest_core_of_all_the_time_says_how_busy_they_are() -> None:
    slices = [
        between(reading(0, 5, 1), reading(1, 5.9, 1.2)),
        between(reading(7, 6, 2), reading(8, 6.1, 2.8)),
    ]
    assert [round(each.generator_percent) for each in slices] == [90, 80]
    whole = together(slices)
    assert whole.generator_ns == 2 * SECOND
    # One core for 0.9 and 0.1 s of two seconds, the other for 0.2 and 0.8 s.
    assert whole.generator_percent == whole.working_percent == 50


def test_single_process_is_as_busy_as_it_is() -> None:
    usage = between(Reading(0, 0, None), Reading(SECOND, SECOND // 4, None, SECOND // 20))
    assert (usage.generator_percent, usage.working_percent) == (25, 20)
    assert together([usage, usage]).generator_percent == 25
