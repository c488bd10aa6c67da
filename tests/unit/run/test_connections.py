"""What connections are told by an experiment, whose heads they have, and what compresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.client.target import Target
from loadtests.record.words import Client, Transport, row_of_ours
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import ExperimentError, parse
from loadtests.run.feasible import for_servers_of_ours
from loadtests.run.plan import plan
from loadtests.run.runner import Run
from loadtests.run.schedule import Fixed
from loadtests.run.subjects import running
from loadtests.scenarios.bench import Place, Site
from tests.support import ROOT

EXPERIMENT = """\
name = "mine"
client = "lean"
compression = false
modes = ["gevent"]

[target]
headers = { X-Token = "hush" }
auth = { token = "hush" }

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


def with_target(line: str) -> Any:
    return parse(EXPERIMENT.replace('headers = { X-Token = "hush" }', line), "mine.toml")


# --- the table


def test_table_is_what_connections_are_told() -> None:
    experiment = parse(EXPERIMENT, "mine.toml")
    assert experiment.target == Target(headers={"X-Token": "hush"}, auth={"token": "hush"})
    assert not experiment.compress
    assert parse('name = "x"\n[echo]\n' + EXPERIMENT.split("[echo]\n")[1], "x").compress


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("header = { X = 'hush' }", "line 7, target.header: .*unknown field.*did you mean headers"),
        ("headers = { 'a b' = 'hush' }", "line 6, target: header 'a b': not a name"),
        ("query = { a = 1 }", r"line 7, target.query\[...\]: Expected `str`, got `int`"),
        ("path = 'a b'", "line 6, target: path 'a b'"),
        ("ca_file = '/no/such.pem'", "line 6, target: ca_file /no/such.pem: no such file"),
    ],
)
def test_wrong_table_names_its_line_and_no_value(line: str, said: str) -> None:
    with pytest.raises(ExperimentError, match=said) as refused:
        with_target(line)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("path = '/live'", "path .*they are at /socket.io"),
        ("namespace = '/'", "namespace .*they speak in /test"),
        ("insecure = true", "insecure .*they are not encrypted"),
        (f"ca_file = '{__file__}'", "ca_file .*--ca-file.*they are not encrypted"),
    ],
)
def test_servers_of_ours_are_where_they_are(line: str, said: str) -> None:
    with pytest.raises(ExperimentError, match=said):
        for_servers_of_ours(with_target(line))


def test_servers_of_ours_take_what_changes_nothing() -> None:
    experiment = with_target("namespace = '/test'")
    assert for_servers_of_ours(experiment) is experiment


def test_values_go_to_the_load_generator_and_into_no_file(tmp_path: Path) -> None:
    experiment = parse(EXPERIMENT, "mine.toml")
    own = dict.fromkeys(experiment.modes, running("http://127.0.0.1:1"))
    executor = ProcessExecutor(experiment, tmp_path, subjects=own)
    place = executor._assignment(plan(experiment)[0], None, Site()).place
    assert (place.target, place.compression) == (experiment.target, False)
    Run(experiment, tmp_path, executor, Fixed(experiment, []))._write("running")
    stored = (tmp_path / "result.json").read_text(encoding="utf-8")
    assert "X-Token" in stored
    assert "hush" not in stored


def test_example_of_the_docs_is_an_experiment() -> None:
    text = (ROOT / "docs" / "locust.md").read_text(encoding="utf-8")
    example = parse(text.partition("```toml\n")[2].partition("```")[0], "docs")
    assert example.target == Target(
        path="/live",
        query={"room": "red"},
        headers={"Authorization": "Bearer abc"},
        cookies={"session": "abc"},
        auth={"token": "abc"},
        namespace="/chat",
    )


# --- the lean client


def test_lean_client_has_its_trial_beside_each_of_ours_where_heads_count() -> None:
    planned = plan(parse(EXPERIMENT, "mine.toml"))
    found = {(each.scenario, each.transport, each.client) for each in planned}
    assert found == {
        ("echo", transport, client)
        for transport in Transport
        for client in (Client.TRANSPORT_BENCH, Client.LEAN)
    } | {("disconnect", transport, Client.TRANSPORT_BENCH) for transport in Transport}
    assert {row for each in planned for row in each.rows if each.client is Client.LEAN} == {
        "echo:lean"
    }


@pytest.mark.parametrize("row", ["echo", "payload:32:binary", "disconnect:kill:busy"])
@pytest.mark.parametrize("client", list(Client))
def test_row_is_the_same_row_whoever_measured_it(row: str, client: Client) -> None:
    assert row_of_ours(row if client is Client.TRANSPORT_BENCH else f"{row}:{client}") == row


def place(transport: Transport = Transport.WEBSOCKET) -> Place:
    return Place("http://127.0.0.1:1", transport, "trial")


def test_orders_carry_what_connections_are_told() -> None:
    sent = msgspec.json.encode(msgspec.structs.replace(place(), target=Target(auth=["hush"])))
    assert msgspec.json.decode(sent, type=Place).target.auth == ["hush"]
