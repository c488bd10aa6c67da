"""Applications of one's own in the gate: two commits of them, served beside each other."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from loadtests.gate.arms import prepared
from loadtests.gate.errors import ArmError
from loadtests.gate.files import TheirFiles
from loadtests.gate.theirs import able_by
from loadtests.machine.launch import LaunchError
from loadtests.record import gate
from loadtests.record.exits import Exit
from loadtests.record.proof import source_of
from loadtests.record.words import Verdict
from loadtests.run.arm import Arm
from tests.integration.gate.served import served
from tests.integration.run.test_apps import APPS
from tests.support import ROOT
from tests.support.measuring import loadtests
from tests.support.present import present
from tests.support.repositories import Repository

SAYS = '        emit("said", {"who": "you"'
SPIN = """\
        import time
        end_ns = time.thread_time_ns() + 150_000
        while time.thread_time_ns() < end_ns:
            pass
"""
#: Its own messages, in its own namespace: what it does with them is what is compared.
SAID = """
[target]
namespace = "/forum"
auth = { token = "let me in" }

[messages.echo]
event = "say"
data = { text = "{{payload}}" }
answer = "said"
"""
SMALL = (ROOT / "tests" / "data" / "gate.toml").read_text(encoding="utf-8")


def repository_of(name: str, folder: Path) -> Repository:
    """An application in a folder of a repository of its own."""
    made = Repository(folder)
    shutil.copytree(
        APPS / name, folder / "app", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    made.commit("first")
    return made


@pytest.fixture
def forum(tmp_path: Path) -> Repository:
    """A forum, and one that is slower to answer."""
    made = repository_of("forum", tmp_path / "forum")
    text = (made.root / "app" / "forum.py").read_text(encoding="utf-8")
    assert SAYS in text
    made.write("app/forum.py", text.replace(SAYS, SPIN + SAYS))
    made.commit("slow")
    return made


def gated(
    repository: Repository, app: str, out: Path, *more: str, text: str = SMALL
) -> CompletedProcess[str]:
    experiment = out.with_suffix(".toml")
    experiment.write_text(text, encoding="utf-8")
    told = ("--app", app, "--app-dir", str(repository.root / "app"), "--out", str(out))
    return loadtests("gate", str(experiment), "--beside", *told, *more, timeout_s=300)


@pytest.mark.timing
@pytest.mark.timeout(400)
def test_handler_of_ones_own_that_got_slower_ends_with_99(
    forum: Repository, tmp_path: Path
) -> None:
    done = gated(
        forum,
        "forum:create_app",
        tmp_path / "run",
        *("--base", "first", "--modes", "gevent"),
        text=SMALL.replace('modes = ["gevent"]\n', "") + SAID,
    )
    assert done.returncode == Exit.REGRESSION, done.stdout + done.stderr
    found = gate.read(tmp_path / "run")
    (cpu,) = (each for each in found.comparisons if each.metric == "server_cpu")
    assert cpu.verdict is Verdict.SLOWER
    base, head = found.arms
    assert base.source != head.source
    assert base.commit != head.commit


@pytest.mark.parametrize(("name", "app"), [("shop", "shop:create_app"), ("classes", "chat:app")])
@pytest.mark.long
@pytest.mark.timeout(400)
def test_application_that_is_the_same_is_compared_in_the_namespace_beside(
    tmp_path: Path, name: str, app: str
) -> None:
    made = repository_of(name, tmp_path / name)
    done = gated(made, app, tmp_path / "run", "--base", "first", "--modes", "threading")
    assert done.returncode == Exit.FINE, done.stdout + done.stderr
    found = gate.read(tmp_path / "run")
    assert [each.mode for each in found.comparisons if each.gated] == ["threading"] * 2
    assert found.arms[0].source == found.arms[1].source
    assert str(made.root) not in (tmp_path / "run" / "gate.json").read_text(encoding="utf-8")


def test_both_commits_are_served_from_copies_and_prove_it(
    forum: Repository, tmp_path: Path
) -> None:
    files = TheirFiles("forum:create_app", forum.root / "app", sys.executable, None)
    forum.write("app/forum.py", "1 / 0")  # in the working tree, which neither arm is
    cache = tmp_path / "cache"
    first, slow = Arm(ref="first"), Arm(ref="slow")
    with prepared(first, slow, files=files, cache=cache, twin=False, tell=print) as arms:
        said = []
        for arm in (arms.base, arms.head):
            with served(arm, "threading", tmp_path) as server:
                said.append(server.ready.source)
        assert said == [arms.base.facts.source, arms.head.facts.source]
        for ref, source in zip(("first", "slow"), said, strict=True):
            entries = forum.git("ls-tree", "-r", f"{ref}:app").splitlines()
            blobs = {name: told.split()[2] for told, name in (each.split("\t") for each in entries)}
            assert source_of(blobs) == source
    assert list((cache / "trees").iterdir()) == []


def test_working_tree_is_compared_without_what_git_ignores(tmp_path: Path) -> None:
    made = repository_of("classes", tmp_path / "classes")
    made.write(".gitignore", "secret.py\n")
    made.write("app/secret.py", "TOKEN = 1")
    made.write("app/added.py", "")
    files = TheirFiles("chat:app", made.root / "app", sys.executable, None)
    cache = tmp_path / "cache"
    with prepared(Arm(), Arm(), files=files, cache=cache, twin=False, tell=print) as arms:
        there = {each.name for each in arms.head.folder.iterdir()}
        assert arms.head.facts.dirty
    assert "added.py" in there
    assert "secret.py" not in there


def test_module_of_the_working_tree_serves_no_version(
    forum: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As what is installed as editable would be: both arms would be the same."""
    forum.write("lib/shared.py", "")
    text = (forum.root / "app" / "forum.py").read_text(encoding="utf-8")
    forum.write("app/forum.py", text.replace("import os", "import os\n\nimport shared"))
    forum.commit("shared")
    monkeypatch.setenv("PYTHONPATH", str(forum.root / "lib"))
    files = TheirFiles("forum:create_app", forum.root / "app", sys.executable, None)
    arm = Arm(ref="shared", environment={"PYTHONPATH": str(forum.root / "lib")})
    cache = tmp_path / "cache"
    with (
        prepared(arm, arm, files=files, cache=cache, twin=False, tell=print) as arms,
        pytest.raises(LaunchError, match=r"shared is imported from the working tree"),
        served(arms.base, "threading", tmp_path),
    ):
        pass


def test_submodules_are_refused_by_name(tmp_path: Path) -> None:
    made = repository_of("classes", tmp_path / "classes")
    commit = made.git("rev-parse", "HEAD")
    made.git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/other")
    made.git("commit", "--quiet", "--message=another repository")
    files = TheirFiles("chat:app", made.root / "app", sys.executable, None)
    with pytest.raises(ArmError, match="submodules, which are not laid out: vendor/other"):
        files.state(Arm(ref="HEAD"))


def test_folder_that_no_git_knows_is_served_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(APPS / "classes", folder)
    files = TheirFiles("chat:app", folder, sys.executable, None)
    cache = tmp_path / "cache"
    with (
        prepared(Arm(), Arm(), files=files, cache=cache, twin=False, tell=print) as arms,
        served(arms.head, "threading", tmp_path) as server,
    ):
        assert server.ready.source == arms.base.facts.source
        assert arms.head.facts.commit is None


def test_requirements_are_those_of_the_commit(tmp_path: Path) -> None:
    made = repository_of("classes", tmp_path / "classes")
    made.write("requirements.txt", "wheel  # for nothing else\n")
    made.commit("second")
    requirements = made.root / "requirements.txt"
    files = TheirFiles("chat:app", made.root / "app", sys.executable, requirements)
    with pytest.raises(ArmError, match=r"first: there is no requirements\.txt"):
        files.state(Arm(ref="first"))
    state = files.state(Arm(ref="second", requires=["h11"]))
    assert state.wanted.requirements.startswith("wheel")
    assert state.wanted.requires == ("h11",)
    assert not state.wanted.may_change


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--base", "nowhere"), "unknown ref 'nowhere'"),
        ((), "what is to be compared?"),
        (("--base", "first", "--head-requires", "h11"), "say which these are (--requirements"),
        (("--base", "first", "--requirements", "/etc/hosts"), "not a file of"),
        (("--base", "first", "--base-mode", "gevent"), "compared in the same modes"),
        (("--base", "first", "--namespace", "/chat"), "unless [messages] say"),
    ],
)
def test_call_that_makes_no_sense_ends_with_2_and_one_line(
    tmp_path: Path, more: tuple[str, ...], words: str
) -> None:
    made = repository_of("classes", tmp_path / "classes")
    done = gated(made, "chat:app", tmp_path / "run", "--modes", "gevent", *more)
    assert done.returncode == Exit.WRONG_CALL, done.stdout + done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_modes_are_those_that_the_requirements_have_packages_for(tmp_path: Path) -> None:
    made = repository_of("classes", tmp_path / "classes")
    made.write("requirements.txt", "Flask_SocketIO==5.7.0\n-r more.txt\n")
    made.write("more.txt", "gunicorn[gevent]>=26 # in production\ngevent\n")
    able = present(able_by([], made.root / "app", made.root / "requirements.txt"))
    assert {mode for mode, lack in able.items() if lack is None} == {
        "gevent",
        "gunicorn-gevent",
        "gunicorn-threads",
        "threading",
    }
    assert "names no eventlet" in str(able["eventlet"])
