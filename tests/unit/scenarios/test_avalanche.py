"""Avalanche: from the events of clients to who was back when, who was refused and who waited."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loadtests.arithmetic.usage import Reading
from loadtests.record.results import Measurement
from loadtests.run.experiment import Experiment, ExperimentError, load, parse
from loadtests.run.narrowing import narrow
from loadtests.scenarios.avalanche import SCENARIO, Avalanche
from loadtests.scenarios.avalanche.numbers import (
    METRICS,
    Seen,
    answers_ns,
    busiest,
    most_in_a_second,
    refusals,
    summarise,
    while_returning,
)
from loadtests.scenarios.disconnect.outage.summary import Event, Happening, What, reconnections
from loadtests.scenarios.scenario import without_numbers
from tests.support.simulation import MS, SECOND

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[avalanche]\n'
#: The server goes at 10 s, the next one answers from 12 s on, waiting is over at 30 s.
OUTAGE = Happening(gone_ns=10 * SECOND, back_ns=12 * SECOND, until_ns=30 * SECOND)


def happened(what: What, at_s: float, client: int, reason: str | None = None) -> Event:
    return Event(client, what, round(at_s * SECOND), reason)


def returned(client: int, back_s: float, answer_ms: float | None = 5) -> list[Event]:
    """A client that is back so long after a server answered, and when it had its answer."""
    at_s = 12 + back_s
    events = [
        happened(What.CONNECT, 1, client),
        happened(What.DISCONNECT, 10.001, client, "transport close"),
        happened(What.CONNECT, at_s, client),
    ]
    if answer_ms is not None:
        events.append(happened(What.ANSWERED, at_s + answer_ms / 1000, client))
    return events


def lost(client: int) -> list[Event]:
    return returned(client, 0, None)[:2]


def refused(client: int, at_s: float, reason: str = "xhr poll error: 503") -> Event:
    return happened(What.REFUSED, at_s, client, reason)


def readings(clients_percent: Sequence[float], server_percent: float = 50) -> list[Reading]:
    """One every half second from when the new server is ready, with what was used between."""
    found = [Reading(OUTAGE.back_ns, 0, 400 * MS)]
    for percent in clients_percent:
        at_ns, clients_ns, server_ns, _ = vars_of(found[-1])
        half_ns = SECOND // 2
        found.append(
            Reading(
                at_ns + half_ns,
                clients_ns + round(half_ns * percent / 100),
                server_ns + round(half_ns * server_percent / 100),
            )
        )
    return found


def vars_of(reading: Reading) -> tuple[int, int, int, int]:
    assert reading.server_ns is not None
    return reading.at_ns, reading.generator_ns, reading.server_ns, reading.spun_ns


def summarised(*clients: list[Event], used: Sequence[Reading] = ()) -> Measurement:
    events = [event for client in clients for event in client]
    return summarise(Seen(OUTAGE, events, used or readings([20] * 10), 64.0))


# --- who is back when


def test_times_to_be_back_count_from_when_a_server_answers_over_all_clients() -> None:
    found = summarised(*(returned(client, 0.1 * (client + 1)) for client in range(20)))
    assert found.metrics.keys() == METRICS.keys()
    times = [found.metrics[name] for name in ("back_p50", "back_p95", "back_max")]
    assert times == pytest.approx([1.0, 1.9, 2.0])
    assert (found.metrics["not_back"], found.metrics["refused"]) == (0, 0)
    assert found.invalid == found.unavailable == found.notes == {}
    assert found.samples == {"back": 20, "answer": 20}
    assert len(found.reconnections) == 20


def test_clients_that_never_came_back_are_later_than_all_others() -> None:
    found = summarised(returned(0, 1), returned(1, 2), lost(2), lost(3))
    assert found.metrics["not_back"] == 2
    assert found.metrics["back_p50"] == 2
    assert found.metrics["back_p95"] is None
    assert found.metrics["back_max"] == 2
    words = "clients were not connected again as long as they were waited for (2 of 4, 18 s)"
    assert found.invalid == {"back_p95": words, "back_max": words}


def test_nobody_back_is_no_time_and_no_zero() -> None:
    found = summarised(lost(0), lost(1))
    assert found.metrics["not_back"] == 2
    for name in ("back_p50", "back_p95", "back_max", "answer_p50", "answer_max", "server_cpu"):
        assert found.metrics[name] is None
        assert name in found.invalid | found.unavailable
    assert found.unavailable["answer_max"] == "no client came back"


def test_nobody_connected_before_is_nothing_measured() -> None:
    why = "no client was connected when the server went"
    assert summarised([]) == without_numbers(METRICS, "avalanche", why)


@pytest.mark.parametrize(
    ("times_s", "most"),
    [
        ([], 0),
        ([3.0], 1),
        ([0, 0.5, 0.999, 1.0], 3),  # a second has its beginning and not its end
        ([0, 0.9, 1.1, 1.2, 1.8, 5], 4),  # wherever it begins
        ([2.0, 2.0, 2.0], 3),
    ],
)
def test_returns_are_the_most_within_any_one_second(times_s: list[float], most: int) -> None:
    assert most_in_a_second(times_s) == most


# --- who is answered


def test_answer_counts_from_when_its_client_was_back() -> None:
    found = summarised(returned(0, 1, 10), returned(1, 2, 400), returned(2, 1.5, 20))
    assert (found.metrics["answer_p50"], found.metrics["answer_max"]) == (20, 400)


def test_answer_that_never_came_is_not_a_quick_one() -> None:
    found = summarised(returned(0, 1, 10), returned(1, 2, None), returned(2, 2, None))
    assert (found.metrics["answer_p50"], found.metrics["answer_max"]) == (None, 10)
    words = "longer than was waited for: answers never arrived (2 of 3)"
    assert found.invalid == {"answer_p50": words, "answer_max": words}


def test_answers_of_before_the_server_went_and_after_the_waiting_do_not_count() -> None:
    events = [
        *returned(0, 1, None),
        happened(What.ANSWERED, 9, 0),
        happened(What.ANSWERED, 30.5, 0),
    ]
    assert summarised(events).metrics["answer_p50"] is None


def test_clients_that_are_not_back_have_no_answer_to_wait_for() -> None:
    events = [*returned(0, 1, 7), *lost(1)]
    found = answers_ns(events, OUTAGE, reconnections(events, OUTAGE))
    assert found.tolist() == [7 * MS]


# --- who is refused


def test_only_attempts_that_began_while_a_server_answered_are_refused() -> None:
    events = [refused(0, 11.999), refused(0, 12.1), refused(0, 30.1)]
    assert refusals(events, OUTAGE) == ["xhr poll error: 503"]


def test_refusals_are_counted_and_the_most_frequent_reason_stands_beside_them() -> None:
    others = [refused(1, 12.5, "timeout"), refused(0, 12.2), refused(1, 13)]
    found = summarised([*returned(0, 1), *others], returned(1, 3))
    assert found.metrics["refused"] == 3
    assert found.notes == {"refused": "most often: xhr poll error: 503 (2 of 3)"}


# --- what it costs


def test_server_cpu_is_per_client_that_came_back_until_the_last_one_was() -> None:
    # Four clients within 1.2 s; until the next reading, at 1.5 s, half of the core was used.
    found = summarised(*(returned(client, 0.3 * (client + 1)) for client in range(4)))
    assert found.metrics["server_cpu"] == pytest.approx(750_000 / 4)
    assert found.metrics["server_busy"] == pytest.approx(50)
    assert found.metrics["generator_busy"] == pytest.approx(20)
    assert found.metrics["server_rss"] == 64


def test_who_comes_back_after_the_last_reading_is_measured_until_then() -> None:
    used = while_returning(readings([20, 20]), 20 * SECOND)
    assert used.wall_ns == SECOND


def test_busiest_second_decides_whether_the_clients_process_limits() -> None:
    used = readings([10, 95, 95, 10, 10, 10])
    assert busiest(used).working_percent == pytest.approx(95)
    found = summarised(returned(0, 1), returned(1, 2), used=used)
    assert found.metrics["generator_busy"] is not None
    assert found.metrics["generator_busy"] < 60
    doubted = {"back_p50", "back_p95", "back_max", "returns", "answer_p50", "answer_max"}
    assert found.invalid.keys() == doubted
    assert "load generator may be what limits here (95 %" in found.invalid["back_max"]


def test_time_of_less_than_a_second_is_taken_whole() -> None:
    assert busiest(readings([40])).working_percent == pytest.approx(40)


# --- what an experiment may say


def options(text: str = "") -> Avalanche:
    found = parse(HEAD + text, "mine.toml").variant("avalanche").options
    assert isinstance(found, Avalanche)
    return found


def test_usual_size_is_five_hundred_clients_and_two_seconds() -> None:
    found = options()
    assert (found.clients, found.down_s, found.connect_rate_hz) == (500, 2, 150)
    assert SCENARIO.clients(found) == 500
    assert SCENARIO.conduct is not None
    assert not SCENARIO.takes_turns


def test_experiment_has_one_row_and_as_many_blocks_as_it_says() -> None:
    whole = parse(f"blocks = 3\n{HEAD}blocks = 1\n", "mine.toml")
    assert whole.variant("avalanche").rows() == ["avalanche"]
    assert whole.blocks_of("avalanche") == 1


def test_workloads_have_it_and_any_profile_can_be_narrowed_to_it() -> None:
    def only(profile: str) -> Experiment:
        return narrow(load(profile), scenarios=["avalanche"])

    assert only("workloads").scenarios == only("quick").scenarios == ["avalanche"]
    assert load("workloads").variant("avalanche").options == Avalanche()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("clients = 0", "clients: Expected"),
        ("down_s = -1", "down_s: Expected"),
        ("connect_rate_hz = 0", "connect_rate_hz: Expected"),
        ("patience_s = 0", "patience_s: Expected"),
        ("rate = 3", "rate: Object contains unknown field"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
