"""CPU time per message, and what cannot be known of a server of one's own."""

from __future__ import annotations

import pytest

from loadtests.arithmetic import validity
from loadtests.arithmetic.usage import Reading, Usage, between, metrics, together
from loadtests.scenarios.registry import SCENARIOS

SECOND = 1_000_000_000


def test_usage_is_the_difference_of_two_readings() -> None:
    begin, end = Reading(5 * SECOND, 100, 1000), Reading(7 * SECOND, 400, 6000)
    assert Usage(2 * SECOND, 300, 5000) == between(begin, end)


@pytest.mark.parametrize(
    ("begin", "end"),
    [(None, None), (1, None), (None, 1)],
)
def test_usage_of_an_unknown_server_is_unknown(begin: int | None, end: int | None) -> None:
    assert between(Reading(0, 0, begin), Reading(SECOND, 1, end)).server_ns is None


def test_percent_is_of_one_core() -> None:
    found = Usage(2 * SECOND, SECOND, 3 * SECOND)
    assert (found.generator_percent, found.server_percent) == (50.0, 150.0)
    assert Usage(SECOND, 0, None).server_percent is None


def test_cpu_time_is_shared_among_the_messages() -> None:
    values, unavailable = metrics(Usage(SECOND, SECOND // 10, SECOND // 2), 1000, 40.5)
    assert values == {
        "server_cpu": 500.0,
        "server_busy": 50.0,
        "server_rss": 40.5,
        "generator_cpu": 100.0,
        "generator_busy": 10.0,
    }
    assert unavailable == {}


def test_own_servers_cpu_is_not_available_and_never_zero() -> None:
    values, unavailable = metrics(Usage(SECOND, SECOND // 10, None), 1000, None)
    assert [values[name] for name in ("server_cpu", "server_busy", "server_rss")] == [None] * 3
    assert {"server_cpu", "server_busy", "server_rss"} == unavailable.keys()
    assert values["generator_cpu"] == 100.0


def test_cpu_per_message_of_no_message_is_not_available() -> None:
    values, unavailable = metrics(Usage(SECOND, SECOND // 10, SECOND // 2), 0, 40.5)
    assert (
        values["server_cpu"],
        values["generator_cpu"],
        values["server_busy"],
    ) == (None, None, 50.0)
    assert {"server_cpu", "generator_cpu"} == unavailable.keys()
    assert "nothing was received" in unavailable["server_cpu"]


# --- a generator that spins while it waits for a due time


def test_spinning_is_the_difference_of_two_readings_too() -> None:
    begin, end = Reading(0, 100, None, spun_ns=40), Reading(SECOND, 900, None, spun_ns=340)
    assert between(begin, end).spun_ns == 300


def test_spinning_makes_the_generator_busy_and_no_message_dearer() -> None:
    usage = Usage(SECOND, SECOND * 9 // 10, SECOND // 2, spun_ns=SECOND * 8 // 10)
    values, _ = metrics(usage, 1000, 40.5)
    assert (values["generator_busy"], values["generator_cpu"]) == (90.0, 100.0)
    assert (usage.working_ns, usage.working_percent) == (SECOND // 10, 10.0)


@pytest.mark.parametrize(
    ("used", "spun", "limits", "reason"),
    [
        (0.99, 0.9, False, "it would have had time for ten times as many messages"),
        (0.99, 0.0, True, "all of it went into messages"),
        (0.99, 0.14, False, "exactly what is allowed"),
        (0.99, 0.13, True, "more than that"),
    ],
)
def test_generator_that_only_waits_is_not_what_limits(
    used: float, spun: float, limits: bool, reason: str
) -> None:
    usage = Usage(SECOND, round(used * SECOND), None, round(spun * SECOND))
    assert limits == bool(validity.busy_generator(["throughput"], usage)), reason


def test_clocks_that_disagree_make_no_negative_time() -> None:
    # One clock is the process's, the other counts turns of its loop.
    assert Usage(SECOND, 100, None, spun_ns=101).working_ns == 0


# --- several turns


def test_turns_are_used_together() -> None:
    turns = [Usage(SECOND, 100, 1000, 10), Usage(2 * SECOND, 200, 3000, 20)]
    assert together(turns) == Usage(3 * SECOND, 300, 4000, 30)
    assert together(turns[:1]) == turns[0]


def test_server_that_is_unknown_in_one_turn_is_unknown_in_all() -> None:
    turns = [Usage(SECOND, 100, 1000), Usage(SECOND, 100, None)]
    assert together(turns).server_ns is None


def test_percent_of_turns_is_of_the_time_they_took() -> None:
    # A busy second and nine idle ones are not half of a core.
    turns = [Usage(SECOND, SECOND, SECOND), Usage(9 * SECOND, 0, 0)]
    assert (together(turns).server_percent, together(turns).generator_percent) == (10.0, 10.0)


# --- whatever there is


@pytest.mark.parametrize("server_ns", [None, 0, SECOND])
@pytest.mark.parametrize("messages", [0, 1])
def test_every_metric_is_a_number_or_has_its_reason(server_ns: int | None, messages: int) -> None:
    mib = None if server_ns is None else 1.0
    values, unavailable = metrics(Usage(SECOND, 1, server_ns), messages, mib)
    assert unavailable.keys() == {name for name, value in values.items() if value is None}


def test_reason_of_an_own_server_goes_before_that_of_no_message() -> None:
    _, unavailable = metrics(Usage(SECOND, 1, None), 0, None)
    assert "not started by this run" in unavailable["server_cpu"]
    assert "nothing was received" in unavailable["generator_cpu"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_metrics_of_every_trial_are_in_the_table_of_every_scenario(scenario: str) -> None:
    values, _ = metrics(Usage(SECOND, 1, 1), 1, 1.0)
    assert values.keys() <= SCENARIOS[scenario].metrics.keys()
