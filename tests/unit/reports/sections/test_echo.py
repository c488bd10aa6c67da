"""What is found in echoes: each kind appears when it should, and only then."""

from __future__ import annotations

import pytest

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Result
from reports.facts.findings import Finding, Kind, Severity
from reports.summary import summarise
from tests.unit.reports.builder import measurement, planned, ran, result


def found(run: Result, kind: Kind) -> list[Finding]:
    return [one for one in summarise(run).findings if one.kind is kind]


def polling(latency: float, busy: float, mode: str = "gevent") -> Result:
    plan = [planned(n, mode=mode, transport="polling") for n in range(2)]
    told = GeneratorFacts(arrival_clock="kernel", open_loop_server_busy=busy)
    trials = [
        ran(n, measurement("echo", latency_p50=latency, server_busy=busy), generator=told)
        for n in range(2)
    ]
    return result(plan, trials)


@pytest.mark.parametrize(("busy", "expected"), [(89.0, 1), (90.0, 0)])
def test_a_waiting_server_does_not_bound_throughput(busy: float, expected: int) -> None:
    assert len(found(polling(5.0, busy), Kind.NOT_CPU_BOUND)) == expected


@pytest.mark.parametrize(
    ("latency", "busy", "mode", "expected"),
    [
        (44.0, 28.0, "gevent", 1),
        (35.0, 28.0, "gevent", 1),
        (60.0, 28.0, "gevent", 1),
        (44.0, 28.0, "gevent-websocket", 1),  # its long-polling is the same server's
        (34.0, 28.0, "gevent", 0),  # too quick to be a delayed acknowledgement
        (61.0, 28.0, "gevent", 0),  # too slow to be only that
        (44.0, 97.0, "gevent", 0),  # the server is simply busy
        (44.0, 28.0, "eventlet", 0),  # not known to have this cause
    ],
)
def test_forty_milliseconds_on_an_idle_server_have_a_cause(
    latency: float, busy: float, mode: str, expected: int
) -> None:
    findings = found(polling(latency, busy, mode), Kind.DELAYED_ACK)
    assert len(findings) == expected
    for finding in findings:
        assert finding.severity is Severity.NOTE
        assert "Nagle" in finding.text
        assert "gunicorn" in finding.advice
        assert finding.cells == (f"{mode} × polling",)
