"""The closed vocabularies, as DESIGN's fixed interfaces spell them."""

from __future__ import annotations

import pytest

from loadtests.record.words import Better, Cause, Status, Transport, Unit
from loadtests.scenarios.registry import SCENARIOS, metrics_of

EVERY_TRIAL = "server_cpu server_rss generator_cpu lateness_p99"


@pytest.mark.parametrize(
    ("scenario", "names"),
    [
        (
            "echo",
            "latency_p50 latency_p90 latency_p99 latency_max service_p50 service_p99 throughput "
            "lost",
        ),
        (
            "broadcast",
            "delivery_p50 delivery_p99 last_recipient_p50 last_recipient_p99 deliveries missing "
            "duplicate reordered",
        ),
        ("disconnect", "detection_min detection_p50 detection_max undetected"),
    ],
)
def test_fixed_metric_names_are_there(scenario: str, names: str) -> None:
    assert {*names.split(), *EVERY_TRIAL.split()} <= SCENARIOS[scenario].metrics.keys()


@pytest.mark.parametrize(
    ("name", "unit", "better"),
    [
        ("latency_p99", "ms", "lower"),
        ("throughput", "messages/s", "higher"),
        ("lost", "messages", "lower"),
        ("server_cpu", "µs per message", "lower"),
        ("server_rss", "MiB", "lower"),
        ("lateness_p99", "ms", "neither"),
    ],
)
def test_units_are_spelled_as_in_the_summary(name: str, unit: str, better: str) -> None:
    metric = SCENARIOS["echo"].metrics[name]
    assert (Unit(unit), Better(better)) == (metric.unit, metric.better)


def test_row_of_a_cause_has_its_scenarios_metrics() -> None:
    assert SCENARIOS["disconnect"].metrics is metrics_of("disconnect:kill")
    with pytest.raises(KeyError):
        metrics_of("nonsense:kill")


def test_every_metric_is_explained_under_its_own_name() -> None:
    tables = [each.metrics for each in SCENARIOS.values()]
    for table in (*tables, metrics_of("disconnect:server-kill:python")):
        for name, metric in table.items():
            assert name == metric.name
            assert metric.title
            assert metric.meaning


def test_words_are_those_of_the_files() -> None:
    assert list(Transport) == ["polling", "websocket"]
    assert list(Cause) == ["close", "kill", "reset", "freeze", "cut", "tab"]
    assert list(Status) == ["ok", "invalid", "failed", "unavailable"]
