"""When a trial's users are all there, or not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtests.record.words import Transport
from loadtests.run.conductor import Conductor
from loadtests.run.experiment import parse
from loadtests.run.trial import Assignment
from loadtests.scenarios.bench import Outcome, Place

TEXT = """
name = "test"
[echo]
clients = 4
rate_hz = 1
latency_s = 1
throughput_s = 1
"""


@pytest.fixture
def conductor(tmp_path):
    assignment = Assignment(
        scenario="echo",
        seed=1,
        experiment=parse(TEXT, "test"),
        outcome=str(tmp_path / "outcome.json"),
        place=Place(
            url="http://127.0.0.1:1",
            transport=Transport.WEBSOCKET,
            label=str(tmp_path / "trial"),
        ),
    )
    return Conductor(assignment, lambda _bench, _options: [], lambda: None)


def error_of(conductor: Conductor) -> str | None:
    """What stands in the outcome that it has written."""
    written = Path(conductor.assignment.outcome).read_bytes()
    return msgspec.json.decode(written, type=Outcome).error


def test_all_are_waited_for_and_the_first_words_stand_for_all_failures(conductor):
    conductor.joined(None)
    conductor.failed("connection refused")
    conductor.failed("another reason")
    assert not conductor._settled.is_set()
    conductor.failed("connection refused")
    conductor.run()
    assert error_of(conductor) == "3 of 4 clients could not connect: connection refused"


def test_clients_that_say_nothing_are_not_waited_for_without_end(conductor, monkeypatch):
    monkeypatch.setattr("loadtests.run.conductor.connect_timeout_s", lambda _clients: 0.01)
    conductor.joined(None)
    conductor.run()
    assert error_of(conductor) == "1 of 4 clients connected within 0.01 s"


def test_failures_go_before_silence(conductor, monkeypatch):
    monkeypatch.setattr("loadtests.run.conductor.connect_timeout_s", lambda _clients: 0.01)
    conductor.failed("connection refused")
    conductor.run()
    assert error_of(conductor) == "1 of 4 clients could not connect: connection refused"
