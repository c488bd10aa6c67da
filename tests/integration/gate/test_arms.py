"""Arms as they are really served: each proves what it is, and nothing is left of them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from loadtests.gate.arms import prepared
from loadtests.gate.errors import ArmError
from loadtests.machine.launch import LaunchError
from loadtests.record.words import Status
from loadtests.run.arm import Arm
from loadtests.scenarios.scenario import Heartbeat
from servers import proof
from tests.integration.gate.served import STAYS, arms, served
from tests.support import ROOT
from tests.support.measuring import tried
from tests.support.present import present
from tests.support.repositories import Repository

ECHO = """
modes = ["gevent", "threading"]
transports = ["websocket"]
[echo]
clients = 2
rate_hz = 20
warmup_s = 0
latency_s = 0.5
throughput_s = 0.2
[head]
environment = { SECRET_KEY = "hunter2" }
"""


@pytest.mark.parametrize("mode", ["gevent", "threading"])
def test_two_commits_are_served_and_prove_which_they_are(
    repository: Repository, tmp_path: Path, mode: str
) -> None:
    with arms(repository, tmp_path, Arm(ref="first"), Arm(ref="second"), twin=True) as found:
        said = []
        for arm in (found.base, found.head, present(found.twin)):
            with served(arm, mode, tmp_path) as server:
                said.append(server.ready.source)
                assert psutil.Process(server.ready.pid).cwd() == str(arm.folder)
        assert said == [arm.facts.source for arm in (found.base, found.head, found.base)]
        assert said[0] != said[1]
        assert found.base.facts.commit == repository.git("rev-parse", "first")
        assert present(found.twin).folder != found.base.folder
        lengths = {len(str(each.folder)) for each in (found.base, found.head, found.twin) if each}
        assert len(lengths) == 1


def test_working_tree_is_served_as_it_was_and_said_to_be_dirty(
    repository: Repository, tmp_path: Path
) -> None:
    app = repository.root / "servers" / "app.py"
    app.write_text(f"{app.read_text('utf-8')}\n# not committed\n", encoding="utf-8")
    dirty = proof.source(repository.root / "servers")
    with arms(repository, tmp_path, Arm(ref="HEAD"), Arm()) as found:
        assert (found.base.facts.dirty, found.head.facts.dirty) == (False, True)
        assert found.head.facts.commit == found.base.facts.commit
        app.write_text("1 / 0\n", encoding="utf-8")  # somebody goes on working
        with served(found.head, "threading", tmp_path) as server:
            assert server.ready.source == found.head.facts.source == dirty


def test_what_an_arm_asks_for_is_what_its_server_has(
    repository: Repository, tmp_path: Path
) -> None:
    asked = Arm(
        mode="threading",
        server=Heartbeat(ping_interval_s=3, ping_timeout_s=2),
        environment={"SECRET_KEY": "hunter2"},
    )
    with (
        arms(repository, tmp_path, Arm(), asked) as found,
        served(found.head, "gevent", tmp_path) as server,
    ):
        assert (server.ready.mode, server.ready.ping_interval) == ("threading", 3)
        assert psutil.Process(server.ready.pid).environ()["SECRET_KEY"] == "hunter2"
        assert found.head.facts.environment == ["SECRET_KEY"]
        assert found.base.facts.environment == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": "f00d"}, "threading server says source is '.*', it should be 'f00d'"),
        ({"prefix": "/usr"}, "threading server runs in another environment than"),
        (
            {"versions": {"python": "2.7.18"}},
            "threading server says python is '3.*', it should be '2.7.18'",
        ),
    ],
)
def test_server_that_is_another_is_not_measured(
    repository: Repository, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with arms(repository, tmp_path, Arm(ref="first"), Arm()) as found:
        asked = {"source": found.base.facts.source} | change
        other = replace(found.base, proof=type(found.base.proof)(**asked))  # type: ignore[arg-type]
        with pytest.raises(LaunchError, match=words), served(other, "threading", tmp_path):
            pass


def test_application_that_cannot_prove_itself_is_told_so(
    repository: Repository, tmp_path: Path
) -> None:
    ready = repository.root / "servers" / "ready.py"
    text = ready.read_text(encoding="utf-8").replace('"source": proof.source(),', "")
    ready.write_text(text, encoding="utf-8")
    repository.commit("old")
    with (
        arms(repository, tmp_path, Arm(ref="old"), Arm(ref="first")) as found,
        pytest.raises(LaunchError, match=r"does not say which files it serves .*later commit"),
        served(found.base, "threading", tmp_path),
    ):
        pass


def test_run_measures_both_and_keeps_what_they_proved(
    repository: Repository, tmp_path: Path
) -> None:
    head = Arm(ref="second", server=Heartbeat(ping_interval_s=3, ping_timeout_s=2))
    with arms(repository, tmp_path, Arm(ref="first"), head) as found:
        subjects = {
            "gevent": found.base.subject("threading"),
            "threading": found.head.subject("threading"),
        }
        result = tried(ECHO, tmp_path, subjects=subjects)
    reasons = [trial.reason for trial in result.trials if trial.status is not Status.OK]
    assert reasons == []
    said = {result.plan[each.number].mode: each.server["source"] for each in result.trials}
    assert said == {"gevent": found.base.facts.source, "threading": found.head.facts.source}
    intervals = {
        result.plan[each.number].mode: each.server["ping_interval"] for each in result.trials
    }
    assert intervals == {"gevent": Heartbeat().ping_interval_s, "threading": 3}
    stored = (tmp_path / "result.json").read_text(encoding="utf-8")
    assert str(sys.prefix) not in stored
    assert "hunter2" not in stored


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Arm(ref="frist"), "head: unknown ref 'frist'; did you mean first?"),
        (Arm(mode="gevnt"), "head: unknown mode 'gevnt'; did you mean gevent?"),
        (Arm(python="python3.99"), "head: no interpreter 'python3.99'"),
        (Arm(environment={"A=B": "1"}), "head: environment: 'A=B' cannot be a variable"),
        (Arm(requires=[" "]), "head: requires: one of them is empty"),
        (Arm(ref="\0"), "head: '\\x00' has a zero byte in it"),
        (Arm(ref="bare"), "head: bare has no servers/, which is the application"),
    ],
)
def test_arm_that_cannot_be_is_told_in_one_line_and_nothing_is_left(
    repository: Repository, tmp_path: Path, asked: Arm, words: str
) -> None:
    if asked.ref == "bare":
        repository.git("rm", "-r", "--quiet", "servers")
        repository.commit("bare")
    with (
        pytest.raises(ArmError) as caught,
        prepared(
            Arm(ref="first"), asked, root=repository.root, cache=tmp_path, twin=True, tell=print
        ),
    ):
        pass
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "trees").exists()


def test_working_trees_without_git_can_be_compared_and_refs_cannot(tmp_path: Path) -> None:
    root, cache = tmp_path / "unpacked", tmp_path / "cache"
    shutil.copytree(ROOT / "servers", root / "servers")
    with prepared(Arm(), Arm(), root=root, cache=cache, twin=False, tell=print) as found:
        assert (found.head.facts.commit, found.head.facts.dirty) == (None, False)
        assert found.head.facts.source == proof.source(root / "servers")
    with (
        pytest.raises(ArmError, match=r"base: .* is not a git repository"),
        prepared(Arm(ref="main"), Arm(), root=root, cache=cache, twin=False, tell=print),
    ):
        pass


def test_interrupt_leaves_nothing(repository: Repository, tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        prepared(
            Arm(ref="first"), Arm(), root=repository.root, cache=tmp_path, twin=True, tell=print
        ) as found,
        served(found.base, "threading", tmp_path) as server,
    ):
        raise KeyboardInterrupt
    assert list((tmp_path / "trees").iterdir()) == []
    assert server.process.poll() is not None


def test_what_a_killed_one_has_left_goes_with_the_next(
    repository: Repository, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    other = subprocess.Popen(
        [sys.executable, "-c", STAYS, str(repository.root), str(cache)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert present(other.stdout).readline() == "there\n"
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
        present(other.stdout).close()
    assert len(list((cache / "trees").iterdir())) == 1
    with arms(repository, cache, Arm(ref="first"), Arm()):
        assert len(list((cache / "trees").iterdir())) == 1
