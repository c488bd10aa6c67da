"""The reference: which trials it adds, under which names, and what it cannot know."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from loadtests.client.reference import ReferenceSession
from loadtests.client.session import Session
from loadtests.client.sessions import PACKAGES, arrival_clock, make_session
from loadtests.record.results import Measurement, PlannedTrial
from loadtests.record.words import Client, Transport, client_of, row_of
from loadtests.run.conductor import measured_with
from loadtests.run.experiment import Experiment, ExperimentError, load, parse
from loadtests.run.plan import plan
from loadtests.scenarios.registry import metrics_of
from tests.unit.client.streams import SERVER

EXPERIMENT = """\
name = "mine"
client = "reference"
blocks = 2
modes = ["gevent", "threading"]

[echo]
clients = 4
rate_hz = 40
latency_s = 1
throughput_s = 1

[disconnect]
clients = 3
ping_interval_s = 2
ping_timeout_s = 1
causes = ["close", "kill"]
"""


@pytest.fixture
def experiment() -> Experiment:
    return parse(EXPERIMENT, "mine.toml")


# --- which trials


def test_every_trial_has_its_counterpart_in_the_same_block(experiment: Experiment) -> None:
    found = Counter(
        (each.block, each.scenario, each.mode, each.transport, each.client)
        for each in plan(experiment)
    )
    assert len(found) == 2 * 2 * 2 * 2 * 2
    assert {1} == set(found.values())


def test_counterparts_are_shuffled_among_the_others(experiment: Experiment) -> None:
    clients = [each.client for each in plan(experiment)]
    assert clients[0::2] != [Client.TRANSPORT_BENCH] * 16
    assert {tuple(clients[n : n + 2]) for n in range(0, 32, 2)} > {
        (Client.TRANSPORT_BENCH, Client.TRANSPORT_BENCH)
    }


def test_rows_of_the_reference_say_so_behind_a_colon(experiment: Experiment) -> None:
    rows = {(each.scenario, each.client): each.rows for each in plan(experiment)}
    assert rows == {
        ("echo", Client.TRANSPORT_BENCH): ["echo"],
        ("echo", Client.REFERENCE): ["echo:reference"],
        ("disconnect", Client.TRANSPORT_BENCH): ["disconnect:close", "disconnect:kill"],
        ("disconnect", Client.REFERENCE): [
            "disconnect:close:reference",
            "disconnect:kill:reference",
        ],
    }


def test_row_of_the_reference_has_its_scenarios_metrics() -> None:
    assert metrics_of("disconnect:kill:reference") == metrics_of("disconnect:kill")


@pytest.mark.parametrize("row", ["echo", "disconnect:kill", "payload:65536"])
def test_row_tells_whose_client_measured_it(row: str) -> None:
    for client in Client:
        assert client_of(row_of(row, client)) is client


def test_experiment_without_a_word_about_it_has_no_reference() -> None:
    alone = parse(EXPERIMENT.replace('client = "reference"\n', ""), "mine.toml")
    assert {each.client for each in plan(alone)} == {Client.TRANSPORT_BENCH}


def test_unknown_client_names_the_line() -> None:
    with pytest.raises(ExperimentError, match=r"mine.toml, line 2, client: .*node"):
        parse(EXPERIMENT.replace('"reference"', '"node"'), "mine.toml")


def test_heartbeat_that_the_server_would_announce_wrongly_is_refused() -> None:
    # int(0.5) * 1000: told "every 0 ms", the library's client gives up a server that pings at 500.
    text = EXPERIMENT.replace("ping_interval_s = 2", "ping_interval_s = 0.5")
    with pytest.raises(
        ExperimentError, match=r"mine.toml, line 14, disconnect.ping_interval_s: .*whole seconds"
    ):
        parse(text, "mine.toml")
    parse(text.replace('client = "reference"\n', ""), "mine.toml")


def test_profile_of_the_reference_is_of_a_low_load() -> None:
    profile: Any = load("reference")
    assert profile.client is Client.REFERENCE
    assert profile.echo is not None
    assert (profile.echo.clients, profile.echo.rate_hz) == (10, 50)


def test_older_result_files_have_our_own_client() -> None:
    older = msgspec.to_builtins(plan(load("quick"))[0])
    del older["client"]
    found = msgspec.convert(older, type=PlannedTrial)
    assert found.client is Client.TRANSPORT_BENCH


# --- what it measured


def test_waiting_to_be_read_is_unavailable_and_not_zero() -> None:
    invalid = {"latency_p50": "clients were lost", "receive_lag_p99": "clients were lost"}
    measured = Measurement("echo", {"latency_p50": 1.0, "receive_lag_p99": 0.0}, invalid)
    (found,) = measured_with(Client.REFERENCE, [measured])
    assert found.row == "echo:reference"
    assert found.metrics == {"latency_p50": 1.0, "receive_lag_p99": None}
    assert found.invalid == {"latency_p50": "clients were lost"}
    assert "does not tell when the kernel had a message" in found.unavailable["receive_lag_p99"]


def test_own_measurements_stay_as_they_are() -> None:
    own = [Measurement("echo", {"receive_lag_p99": 0.0})]
    assert measured_with(Client.TRANSPORT_BENCH, own) == own


def test_facts_name_the_librarys_versions_and_its_clock() -> None:
    assert {"python-socketio", "python-engineio"} <= set(PACKAGES[Client.REFERENCE])
    assert arrival_clock(Client.REFERENCE) == "user"


@pytest.mark.parametrize(
    ("client", "kind"), [(Client.TRANSPORT_BENCH, Session), (Client.REFERENCE, ReferenceSession)]
)
def test_user_gets_the_session_that_the_trial_asks_for(client: Client, kind: type) -> None:
    assert type(make_session(client, SERVER, Transport.POLLING, "/test")) is kind
