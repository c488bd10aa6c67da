"""Whose clock a time is of."""

from __future__ import annotations

import pytest

from loadtests.machine import clock


@pytest.fixture
def name(tmp_path, monkeypatch):
    """The name under a boot's number and a time namespace's offsets."""

    def found(boot, offsets=None):
        for attribute, text in (("_BOOT", boot), ("_OFFSETS", offsets)):
            file = tmp_path / attribute
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
            monkeypatch.setattr(clock, attribute, file)
        return clock.clock_name.__wrapped__()

    return found


def test_same_boot_is_the_same_clock(name):
    assert name("one", "monotonic 0 0") == name("one", "monotonic 0 0")
    assert len(name("one")) == 8


def test_another_boot_is_another_clock(name):
    assert name("one") != name("two")


def test_container_with_a_shifted_clock_has_another(name):
    assert name("one", "monotonic 0 0") != name("one", "monotonic 86400 0")


def test_system_that_does_not_tell_shares_its_clock_with_nobody(name):
    assert name(None) != name(None)
