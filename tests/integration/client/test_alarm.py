"""The alarm on gevent's own loop."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent
import pytest

from loadtests.client.alarm import Alarm
from tests.support.waiting import until

MS = 1_000_000


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    alarm = Alarm()
    yield alarm
    alarm.close()


def test_alarm_outlives_a_broken_callback(alarm: Alarm, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type[BaseException]] = []
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, "handle_error", lambda _context, type, _value, _tb: told.append(type))
    ran: list[str] = []

    def broken() -> None:
        raise ZeroDivisionError

    now_ns = time.monotonic_ns()
    alarm.at(now_ns, broken)
    alarm.at(now_ns + MS, lambda: ran.append("next"))
    until(lambda: ran, "the next callback")
    assert told == [ZeroDivisionError]
