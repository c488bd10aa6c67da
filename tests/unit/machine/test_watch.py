"""What happened on the cores while a slice was measured."""

from __future__ import annotations

import time
from functools import partial
from types import SimpleNamespace

import psutil
import pytest

from loadtests.machine import watch
from loadtests.machine.watch import Watch


@pytest.fixture
def machine(monkeypatch):
    """Two cores, a clock, a process that can wait; set what they show."""
    shown = SimpleNamespace(at_ns=0, boot_ns=0, waited_ns=0, cores=[{}, {}])

    def cpu_times(*, percpu: bool) -> list[SimpleNamespace]:
        assert percpu
        return [SimpleNamespace(**core) for core in shown.cores]

    monkeypatch.setattr(psutil, "cpu_times", cpu_times)
    monkeypatch.setattr(time, "monotonic_ns", lambda: shown.at_ns)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda _clock: shown.boot_ns)
    monkeypatch.setattr(watch, "waited_ns", lambda _pid: shown.waited_ns)
    return shown


def test_what_no_server_used_of_their_core_was_used_by_others(machine):
    used = {"a": 0, "b": 0}
    seen = Watch(1, {0}, {"a": lambda: used["a"], "b": lambda: used["b"]})
    before = seen.begin()
    machine.at_ns = 1_000_000_000
    machine.boot_ns = 1_000_000_000
    machine.cores = [{"user": 0.9}, {"user": 0.5, "system": 0.2, "softirq": 0.1, "idle": 0.2}]
    used.update(a=300_000_000, b=100_000_000)
    found = seen.end(before, {"a"}, 20_000_000)
    assert (found.seconds, found.absent_s, found.suspended_s) == (1.0, 0.02, 0.0)
    assert found.others_s == pytest.approx(0.4)
    assert found.off_turn_s == {"b": 0.1}


def test_who_is_on_turn_at_the_same_time_is_not_off_turn(machine):
    used = {"a": 0, "b": 0, "c": 0}
    seen = Watch(1, {0}, {name: partial(used.get, name) for name in used})
    before = seen.begin()
    machine.at_ns = 1_000_000_000
    used.update(a=1_000_000, b=2_000_000, c=3_000_000)
    assert seen.end(before, {"a", "b"}, 0).off_turn_s == {"c": 0.003}


def test_a_core_that_server_and_generator_share_tells_of_nobody_else(machine):
    for core, generator in ((None, {0, 1}), (1, {0, 1})):
        seen = Watch(core, generator, {})
        before = seen.begin()
        machine.at_ns += 1_000_000_000
        machine.cores = [{"user": 0.9}, {"user": 0.9}]
        assert seen.end(before, {"a"}, 0).others_s == 0.0


def test_a_machine_that_slept_has_a_clock_that_says_so(machine):
    seen = Watch(1, {0}, {})
    before = seen.begin()
    machine.at_ns, machine.boot_ns = 1_000_000_000, 61_000_000_000
    assert seen.end(before, {"a"}, 0).suspended_s == pytest.approx(60.0)


def test_stolen_time_is_that_of_the_cores_in_use(machine):
    machine.cores = [{"steal": 1.0}, {"steal": 2.0}, {"steal": 3.0}]
    seen = Watch(1, {0}, {})
    before = seen.begin()
    machine.at_ns = 1_000_000_000
    machine.cores = [{"steal": 1.1}, {"steal": 2.3}, {"steal": 9.0}]
    assert seen.end(before, {"a"}, 0).stolen_s == pytest.approx(0.4)


def test_a_server_that_has_ended_or_is_not_ours_is_left_out(machine):
    def gone() -> int:
        raise ProcessLookupError

    seen = Watch(1, {0}, {"gone": gone, "not ours": lambda: None, "there": lambda: 5})
    before = seen.begin()
    machine.at_ns = 1_000_000_000
    assert seen.end(before, {"a"}, 0).off_turn_s == {"there": 0.0}


def test_this_process_has_waited_for_its_core_for_some_time_or_none():
    assert watch.waited_ns() >= 0
