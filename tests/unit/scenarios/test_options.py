"""What the disconnect table can say: variants, rows, and what is wrong with a file in one line."""

from __future__ import annotations

import pytest

from loadtests.record.words import Cause
from loadtests.run.experiment import Experiment, ExperimentError, parse
from loadtests.run.plan import plan
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.options import Disconnect
from loadtests.scenarios.disconnect.rows import DepartureRow, Official, Outage, OutageRow
from loadtests.scenarios.registry import metrics_of
from loadtests.scenarios.scenario import Heartbeat

HEAD = 'name = "mine"\nblocks = 3\nmodes = ["gevent"]\ntransports = ["polling"]\n'
TABLE = """\
[disconnect]
clients = 4
ping_interval_s = 2
ping_timeout_s = 1
causes = ["close", "freeze"]
"""
SWEEP = """\
[[disconnect.sweep]]
ping_interval_s = 25
ping_timeout_s = 20
clients = 5
[[disconnect.sweep]]
ping_interval_s = 10
ping_timeout_s = 5
causes = ["kill", "freeze"]
clients = 6
connections = 100
"""
SERVER = """\
[disconnect.server]
clients = 3
ping_interval_s = 1
ping_timeout_s = 1
"""


def experiment(text: str = "") -> Experiment:
    return parse(HEAD + TABLE + text, "mine.toml")


def variants(text: str = "") -> list[str]:
    return [each.name for each in experiment(text).variants("disconnect")]


def rows(text: str = "", variant: str = "") -> list[str]:
    return experiment(text).variant("disconnect", variant).rows()


def disconnect(text: str = "", variant: str = "") -> Disconnect:
    found = experiment(text).variant("disconnect", variant).options
    assert isinstance(found, Disconnect)
    return found


# --- variants and their rows


def test_table_alone_has_one_kind_of_trial() -> None:
    assert variants() == [""]
    assert rows() == ["disconnect:close", "disconnect:freeze"]


def test_clients_that_are_sent_to_have_rows_of_their_own() -> None:
    found = disconnect("busy_hz = 2\n")
    assert rows("busy_hz = 2\n") == [
        "disconnect:close",
        "disconnect:close:busy",
        "disconnect:freeze",
        "disconnect:freeze:busy",
    ]
    assert (found.going, found.connections, found.in_generator) == (16, 17, 9)


def test_each_setting_of_a_sweep_is_a_kind_of_trial() -> None:
    text = "busy_hz = 2\n" + SWEEP
    assert variants(text) == ["", "25/20", "10/5:100"]
    assert rows(text, "25/20") == ["disconnect:freeze:25/20"]
    assert rows(text, "10/5:100") == ["disconnect:kill:10/5:100", "disconnect:freeze:10/5:100"]


def test_setting_has_its_own_heartbeat_and_as_many_connections_as_it_says() -> None:
    found = disconnect("busy_hz = 2\n" + SWEEP, "10/5:100")
    assert (found.ping_interval_s, found.ping_timeout_s, found.busy_hz) == (10, 5, 0)
    assert (found.going, found.connections, found.in_generator) == (12, 100, 88)


def test_setting_without_connections_has_those_that_go_and_one_that_stays() -> None:
    found = disconnect(SWEEP, "25/20")
    assert (found.going, found.connections, found.in_generator) == (5, 6, 1)


def test_server_that_goes_is_a_kind_of_trial_with_a_row_for_each_official_client() -> None:
    assert variants(SERVER) == ["", "server"]
    found = experiment(SERVER).variant("disconnect", "server")
    assert found.rows() == [
        f"disconnect:{outage}:{client}" for outage in Outage for client in ("python", "javascript")
    ]
    assert found.clients == 6
    assert found.scenario.conduct is not None
    assert found.heartbeat == Heartbeat(1, 1)
    assert "noticed_p50" in metrics_of(found.rows()[0])
    assert "detection_p50" in metrics_of("disconnect:kill:busy")


@pytest.mark.parametrize(
    "row",
    [
        DepartureRow(Cause.KILL),
        DepartureRow(Cause.CUT, busy=True),
        DepartureRow(Cause.FREEZE, setting="2.5/2"),
        DepartureRow(Cause.FREEZE, setting="10/5:1000"),
    ],
)
def test_row_of_clients_that_go_is_read_as_it_was_written(row: DepartureRow) -> None:
    assert DepartureRow.parse(str(row)) == row
    assert DepartureRow.parse(f"{row}:reference") == row
    assert OutageRow.parse(str(row)) is None


def test_row_of_a_server_that_goes_is_read_as_it_was_written() -> None:
    row = OutageRow(Outage.RESTART, Official.JAVASCRIPT)
    assert OutageRow.parse(str(row)) == row
    assert DepartureRow.parse(str(row)) is None


@pytest.mark.parametrize("row", ["echo", "echo:reference", "disconnect", "disconnect:leave"])
def test_other_rows_are_neither(row: str) -> None:
    assert DepartureRow.parse(row) is None
    assert OutageRow.parse(row) is None


# --- the plan


def test_trials_are_in_as_many_blocks_as_asked_for() -> None:
    whole = experiment("blocks = 1\n" + SWEEP + SERVER)
    assert sorted(each.variant for each in plan(whole)) == ["", "10/5:100", "25/20", "server"]


def test_more_blocks_than_the_experiment_has_are_all_of_them() -> None:
    assert [each.block for each in plan(experiment("blocks = 9\n"))] == [0, 1, 2]


def test_planned_trial_has_the_rows_of_its_variant() -> None:
    whole = experiment(SWEEP + SERVER)
    for planned in plan(whole):
        assert planned.rows == whole.variant("disconnect", planned.variant).rows()


# --- what is wrong


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TABLE.replace("ping_interval_s = 2", "ping_interval_s = 0"), "ping_interval_s: Expected"),
        (TABLE.replace("ping_timeout_s = 1", "ping_timeout_s = -1"), "ping_timeout_s: Expected"),
        (TABLE + "busy_hz = -1\n", "busy_hz: Expected"),
        (TABLE + "bystanders = 0\n", "bystanders: Expected"),
        (TABLE + SWEEP.replace("= 100", "= 12"), "connections is 12: 12 are to go and at least"),
        (TABLE + SWEEP + SWEEP, "the sweep has a setting twice"),
        (TABLE + SERVER.replace("val_s = 1", "val_s = 1.5"), "whole seconds only"),
        (TABLE + SERVER + 'causes = ["server-kill", "server-kill"]\n', "a cause is named twice"),
        (TABLE + SERVER + 'causes = ["kill"]\n', "'kill'"),
    ],
)
def test_mistake_in_the_table_is_one_line_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(HEAD + text, "mine.toml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("mine.toml, line ")
    assert "\n" not in str(caught.value)


def test_window_that_is_shorter_than_the_rules_imply_is_refused() -> None:
    implied_s = windows.longest_s(2, 1)
    with pytest.raises(ExperimentError, match=r"window_s is 3, shorter than the .* 2/1 s implies"):
        parse(HEAD + TABLE + "window_s = 3\n", "mine.toml")
    assert disconnect(f"window_s = {implied_s}\n").observed_s == implied_s


def test_window_must_be_long_enough_for_the_sweep_too() -> None:
    with pytest.raises(ExperimentError, match="a heartbeat of 25/20 s implies"):
        parse(HEAD + TABLE + "window_s = 20\n" + SWEEP, "mine.toml")
