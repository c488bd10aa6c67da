"""The generator's limits beside the cells: in words, in tables, and as findings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.record.calibration import NONE
from loadtests.record.results import Result
from reports.facts.findings import Finding, Kind, Severity
from reports.pages.exports import to_markdown
from reports.pages.html import to_html
from reports.sections.generator import TITLE, absence_of, readings, tables
from reports.summary import summarise
from tests.unit.reports.builder import cells, measurement, planned, ran, result

HOSTILE = "<script>alert(1)</script>"


def figure(name: str, median: float, *, unit: str = "ms") -> dict[str, Any]:
    return {
        "name": name,
        "title": name.replace("_", " "),
        "unit": unit,
        "median": median,
        "low": median / 2,
        "high": median * 2,
        "rounds": [median / 2, median, median * 2],
    }


def ceiling(transport: str, rate: float, limit: str = "generator") -> dict[str, Any]:
    return {
        "scenario": "echo",
        "load": "closed loop",
        "transport": transport,
        "rate_hz": None,
        "limit": limit,
        "meaning": "So many.",
        "figures": [
            figure("throughput", rate, unit="messages/s"),
            figure("generator_busy", 99, unit="%"),
        ],
    }


def floor(transport: str, rate_hz: float, latency_ms: float) -> dict[str, Any]:
    return {
        "scenario": "echo",
        "load": f"{rate_hz:g}/s",
        "transport": transport,
        "rate_hz": rate_hz,
        "limit": None,
        "meaning": "So long.",
        "figures": [figure("latency_p50", latency_ms)],
    }


def calibration(*capabilities: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": "transport-bench-calibration/1",
        "version": "0.1.0",
        "made": "2025-01-02T03:04:05+00:00",
        "seconds": 100.0,
        "environment": {"cpu": "a CPU"},
        "capabilities": list(capabilities),
    }


def run_of(
    *capabilities: dict[str, Any], throughput: float = 5000.0, latency: float = 1.0, rate: Any = 200
) -> Result:
    """Two trials of echo over WebSocket, on a calibrated machine."""
    numbers = {"throughput": throughput, "latency_p50": latency, "server_busy": 99.0}
    trials = [ran(number, measurement("echo", **numbers)) for number in range(2)]
    return result(
        [planned(number) for number in range(2)],
        trials,
        calibration=calibration(*capabilities),
        experiment={"name": "test", "echo": {"rate_hz": rate}},
    )


def found(run: Result, kind: Kind) -> list[Finding]:
    return [one for one in summarise(run).findings if one.kind is kind]


def test_a_cell_stands_beside_the_limits_over_its_own_transport() -> None:
    run = run_of(
        ceiling("polling", 10_000),
        ceiling("websocket", 50_000),
        floor("polling", 200, 0.5),
        floor("websocket", 200, 0.2),
    )
    (one,) = readings(summarise(run))
    assert (one.ceiling, one.floor_ms) == (50_000, 0.2)
    assert one.share == pytest.approx(0.1)
    assert one.times == pytest.approx(5)


@pytest.mark.parametrize(
    ("rate", "expected"), [(40, 0.3), (200, 0.3), (440, 0.3), (460, 0.1), (5000, 0.1), (None, 0.3)]
)
def test_the_noise_floor_is_that_of_the_nearest_load(rate: Any, expected: float) -> None:
    run = run_of(floor("websocket", 200, 0.3), floor("websocket", 1000, 0.1), rate=rate)
    (one,) = readings(summarise(run))
    assert one.floor_ms == expected


@pytest.mark.parametrize(
    ("throughput", "limit", "expected"),
    [
        (25_001, "generator", 1),
        (25_000, "generator", 0),
        (45_000, "responder", 0),  # the generator's own ceiling is higher, nobody knows how much
        (45_000, "neither", 0),
    ],
)
def test_a_throughput_near_the_generators_ceiling_is_a_warning(
    throughput: float, limit: str, expected: int
) -> None:
    run = run_of(ceiling("websocket", 50_000, limit), throughput=throughput)
    findings = found(run, Kind.NEAR_CEILING)
    assert len(findings) == expected
    for finding in findings:
        assert finding.severity is Severity.WARNING
        assert finding.cells == ("gevent × websocket",)


@pytest.mark.parametrize(("latency", "expected"), [(0.74, 1), (0.75, 0)])
def test_a_latency_near_the_noise_floor_is_a_note(latency: float, expected: int) -> None:
    findings = found(run_of(floor("websocket", 200, 0.25), latency=latency), Kind.NEAR_NOISE_FLOOR)
    assert len(findings) == expected
    for finding in findings:
        assert finding.severity is Severity.NOTE
        assert "0.740 beside 0.250 ms" in finding.text


def test_a_ceiling_that_the_responder_set_is_a_lower_bound() -> None:
    run = run_of(ceiling("websocket", 50_000, "responder"))
    _, beside = tables(summarise(run))
    texts = [str(entry) for entry in beside.lines[0]]
    assert "50,000 at least" in texts
    assert "10 at most" in texts


def test_a_transport_that_was_not_calibrated_has_gaps_and_no_findings() -> None:
    run = run_of(ceiling("polling", 10), floor("polling", 200, 99))
    _, beside = tables(summarise(run))
    assert [entry.text for entry in beside.lines[0]][2:4] == ["–", "–"]
    assert not found(run, Kind.NEAR_CEILING)
    assert not found(run, Kind.NEAR_NOISE_FLOOR)


def test_a_run_without_echo_shows_the_calibration_alone() -> None:
    run = msgspec.structs.replace(
        cells("delivery_p50", "broadcast", gevent=(1.0, 2.0)),
        calibration=calibration(ceiling("websocket", 50_000)),
    )
    assert len(tables(summarise(run))) == 1


def test_markdown_and_the_page_show_the_same_figures() -> None:
    summary = summarise(run_of(ceiling("websocket", 50_000), floor("websocket", 200, 0.2)))
    for text in (to_markdown(summary), to_html(summary, [])):
        assert TITLE in text
        assert "throughput 50,000 (25,000 to 100,000) messages/s" in text
        assert "latency p50 0.200 (0.100 to 0.400) ms" in text
        assert "2025-01-02" in text
        assert "generator busy" not in text.partition(TITLE)[2].partition("messages/s")[0]


def test_a_run_that_was_not_calibrated_says_how_to() -> None:
    bare = cells("latency_p50", gevent=(1.0, 2.0))
    for text in (to_markdown(summarise(bare)), to_html(summarise(bare), [])):
        assert "not calibrated on this machine; make calibrate" in text
    assert absence_of(bare) == NONE


def test_a_stale_calibration_says_what_changed() -> None:
    note = "the calibration is stale (gevent was 1 and is 2); make calibrate"
    base = cells("latency_p50", gevent=(1.0, 2.0))
    run = msgspec.structs.replace(base, environment={**base.environment, "calibration": note})
    assert "gevent was 1 and is 2" in to_html(summarise(run), [])
    assert NONE not in to_html(summarise(run), [])


@pytest.mark.parametrize("content", [{}, {"made": "x"}, {"made": "x", "capabilities": [{}]}])
def test_a_calibration_that_cannot_be_read_is_none(content: dict[str, Any]) -> None:
    run = msgspec.structs.replace(run_of(), calibration=content)
    assert tables(summarise(run)) == []
    assert NONE in to_html(summarise(run), [])


def test_hostile_text_in_a_calibration_stays_text() -> None:
    hostile = ceiling("websocket", 50_000) | {"load": HOSTILE, "meaning": HOSTILE}
    run = msgspec.structs.replace(
        run_of(), calibration=calibration(hostile) | {"made": "<img src=x onerror=1>"}
    )
    page = to_html(summarise(run), [])
    assert "<script>alert" not in page
    assert "<img" not in page
