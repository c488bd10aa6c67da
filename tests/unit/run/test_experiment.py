"""Experiments: what a file may say, how it is told what is wrong, and the order of trials."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.record.words import Cause, Transport
from loadtests.run.experiment import PROFILES, Experiment, ExperimentError, load, parse
from loadtests.run.narrowing import narrow
from loadtests.run.plan import plan
from loadtests.scenarios.disconnect.windows import longest_s
from servers.modes import ADAPTERS, MAIN

PROFILE_NAMES = sorted(path.stem for path in PROFILES.glob("*.toml"))

WHOLE = """\
name = "mine"
seed = 7
blocks = 3
modes = ["gevent", "threading"]
transports = ["polling", "websocket"]

[echo]
clients = 4
rate_hz = 40
latency_s = 1
throughput_s = 1

[broadcast]
recipients = 5
publishers = 2
rate_hz = 10
measure_s = 1

[disconnect]
clients = 3
ping_interval_s = 2
ping_timeout_s = 1
causes = ["close", "kill"]
"""


@pytest.fixture
def whole() -> Experiment:
    return parse(WHOLE, "mine.toml")


# --- what comes with the project


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_profile_loads_under_its_own_name_and_has_a_plan(name: str) -> None:
    experiment = load(name)
    assert name == experiment.name
    cells = len(experiment.modes) * len(experiment.transports) * len(experiment.clients)
    trials = sum(
        experiment.blocks_of(scenario) * len(experiment.variants(scenario))
        for scenario in experiment.scenarios
    )
    assert trials * cells == len(plan(experiment))


@pytest.mark.parametrize("name", ["ci", "default", "full", "quick", "reference"])
def test_profile_covers_every_mode_transport_and_scenario(name: str) -> None:
    experiment = load(name)
    assert list(MAIN) == experiment.modes
    assert list(Transport) == experiment.transports
    # What a gate measures in pairs has no heartbeats to wait for.
    waiting = set() if name == "ci" else {"disconnect"}
    assert {"echo", "broadcast"} | waiting <= set(experiment.scenarios)


def test_profiles_are_those_that_the_make_targets_name() -> None:
    assert {"ci", "default", "full", "quick"} <= set(PROFILE_NAMES)


@pytest.mark.parametrize("name", ["quick", "default", "full"])
def test_profiles_p99_has_a_thousand_samples_behind_it(name: str) -> None:
    experiment: Any = load(name)
    echo, broadcast = experiment.echo, experiment.broadcast
    assert echo is not None
    assert broadcast is not None
    assert echo.rate_hz * echo.latency_s >= 1000
    assert broadcast.rate_hz * broadcast.measure_s * broadcast.recipients >= 1000


# --- what an experiment says of itself


def test_clients_of_a_trial_are_counted(whole: Experiment) -> None:
    assert [whole.variant(name).clients for name in ("echo", "broadcast", "disconnect")] == [
        4,
        5,
        7,
    ]


def test_absent_scenario_has_no_clients(whole: Experiment) -> None:
    with pytest.raises(KeyError):
        narrow(whole, scenarios=["echo"]).variant("broadcast")


def test_window_is_what_the_rules_imply_and_a_second_more(whole: Any) -> None:
    assert longest_s(2, 1, 7) + 1 == whole.disconnect.observed_s
    asked = msgspec.structs.replace(whole.disconnect, window_s=25)
    assert asked.observed_s == 25


def test_axes_that_are_not_named_are_complete() -> None:
    experiment = parse('name = "x"\n[disconnect]\n' + WHOLE.rpartition("[disconnect]\n")[2], "o")
    assert list(MAIN) == experiment.modes
    assert list(Transport) == experiment.transports
    assert (
        experiment.seed,
        experiment.blocks,
        experiment.server.ping_interval_s,
        experiment.server.ping_timeout_s,
    ) == (1, 1, 25, 20)


def test_causes_that_are_not_named_are_all() -> None:
    text = WHOLE.replace('causes = ["close", "kill"]\n', "")
    found: Any = parse(text, "o")
    assert list(Cause) == found.disconnect.causes


# --- where it is looked for


def test_file_is_loaded_by_its_path(tmp_path: Path, whole: Experiment) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(WHOLE, encoding="utf-8")
    assert whole == load(str(path))


def test_message_about_a_file_begins_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "x"\n', encoding="utf-8")
    with pytest.raises(ExperimentError, match=f"^{re.escape(str(path))}, line 1"):
        load(str(path))


def test_unknown_profile_is_told_the_next_one_and_all() -> None:
    with pytest.raises(ExperimentError) as caught:
        load("quik")
    assert (
        str(caught.value) == "unknown profile 'quik'; did you mean quick? "
        f"known: {', '.join(PROFILE_NAMES)}; or give a file that ends in .toml"
    )


def test_missing_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"gone\.toml: cannot be read: .*No such file"):
        load(str(tmp_path / "gone.toml"))


def test_folder_and_bytes_cannot_be_read_either(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "latin.toml").write_bytes('name = "é"'.encode("latin-1"))
    for name in ("folder.toml", "latin.toml"):
        with pytest.raises(ExperimentError, match=f"{name}: cannot be read"):
            load(str(tmp_path / name))


# --- narrowing


def test_nothing_asked_for_narrows_nothing(whole: Experiment) -> None:
    assert whole == narrow(whole)


def test_experiment_is_narrowed_on_every_axis(whole: Any) -> None:
    found: Any = narrow(whole, modes=["eventlet"], transports=["polling"], scenarios=["disconnect"])
    assert (
        found.modes,
        found.transports,
        found.scenarios,
    ) == (["eventlet"], [Transport.POLLING], ["disconnect"])
    assert whole.disconnect == found.disconnect


def test_name_that_is_asked_for_twice_counts_once(whole: Experiment) -> None:
    found = narrow(whole, modes=["gevent", "gevent"], transports=["polling", "polling"])
    assert (found.modes, found.transports) == (["gevent"], [Transport.POLLING])


@pytest.mark.parametrize(
    ("axis", "name", "words"),
    [
        ("modes", "geven", "unknown mode 'geven'; did you mean gevent?"),
        ("modes", "daphne", f"unknown mode 'daphne'; known: {', '.join(ADAPTERS)}"),
        ("transports", "websockets", "unknown transport 'websockets'; did you mean websocket?"),
        ("scenarios", "ecko", "unknown scenario 'ecko'; did you mean echo?"),
    ],
)
def test_unknown_name_is_told_the_known_ones(
    whole: Experiment, axis: str, name: str, words: str
) -> None:
    with pytest.raises(ExperimentError, match=re.escape(words)):
        narrow(whole, **{axis: [name]})


def test_scenario_that_the_experiment_has_not_cannot_be_had(whole: Experiment) -> None:
    small = narrow(whole, scenarios=["echo", "broadcast"])
    with pytest.raises(
        ExperimentError, match="mine has no scenario disconnect; it has echo, broadcast"
    ):
        narrow(small, scenarios=["disconnect"])


def compressing(line: str) -> str:
    return (
        f'name = "x"\n{line}\n[echo]\nclients = 1\nrate_hz = 100\nlatency_s = 1\nthroughput_s = 1\n'
    )


def test_compression_can_be_done_without() -> None:
    assert parse(compressing("compression = false"), "x.toml").compress is False
    assert parse(compressing(""), "x.toml").compress is True


def test_there_is_one_word_for_it() -> None:
    with pytest.raises(ExperimentError, match=r"x\.toml, line 2, compress: say `compression"):
        parse(compressing("compress = false"), "x.toml")


def test_the_table_of_that_name_is_the_scenarios() -> None:
    found = parse('name = "x"\n[compression]\nsizes = [64]\n', "x.toml")
    assert found.compress is True
    assert found.scenarios == ["compression"]
