"""The gate as CI runs it: real refs of the application, real servers, exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loadtests.record import gate
from loadtests.record.exits import Exit
from loadtests.record.gate import Gate
from loadtests.record.words import Verdict
from tests.support import ROOT

ANSWER = '        emit("my response", {"data": message["data"]})\n'
#: Before an echo is answered: about as much as answering it costs.
SPIN = """\
        end_ns = time.thread_time_ns() + 150_000
        while time.thread_time_ns() < end_ns:
            pass
"""
EXPERIMENT = ROOT / "tests" / "data" / "gate.toml"


class Checkout:
    """A repository of the application's own, with a few commits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = self._git("ls-files", "-z", folder=ROOT).split("\0")
        for name in filter(None, files):
            source, copy = ROOT / name, folder / name
            if source.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit("as it is", tag="good")

    def commit(self, message: str, *, tag: str) -> None:
        """Everything that there is, under a name."""
        self._git("add", "--all")
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        self._git(*who, "commit", "--quiet", "--allow-empty", "--message", message)
        self._git("tag", tag)

    def change(self, old: str, new: str, *, tag: str) -> None:
        """The application with a change, committed; the working tree is good again afterwards."""
        path = self.folder / "servers" / "app.py"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.commit(tag, tag=tag)
        path.write_text(text, encoding="utf-8")
        self.commit("good again", tag=f"after-{tag}")

    def gate(self, base: str, head: str, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
        """Run it there."""
        arguments = ["gate", str(EXPERIMENT), "--base", base, "--head", head, "--out", str(out)]
        return subprocess.run(
            [sys.executable, "-m", "loadtests", *arguments, *more],
            cwd=self.folder,
            env={**os.environ, "TRANSPORT_BENCH_BESIDE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def worktrees(self) -> list[str]:
        """What git knows of."""
        return self._git("worktree", "list").splitlines()

    def _git(self, *arguments: str, folder: Path | None = None) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder or self.folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The application, one that is slower, and one that dies."""
    made = Checkout(tmp_path_factory.mktemp("application"))
    made.change(ANSWER, SPIN + ANSWER, tag="slow")
    made.change(ANSWER, "        import os\n        os._exit(3)\n", tag="dead")
    yield made
    assert len(made.worktrees()) == 1
    mine = str(made.folder)
    assert not [each for each in psutil.process_iter(["cmdline", "cwd"]) if _is_in(each, mine)]


def _is_in(process: psutil.Process, folder: str) -> bool:
    told = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
    return any(folder in each for each in told)


def written(out: Path) -> Gate:
    """What it came to; every file is there."""
    for name in ("gate.md", "junit.xml", "index.html", "result.json"):
        assert (out / name).stat().st_size
    return gate.read(out)


@pytest.mark.timing
@pytest.mark.timeout(400)
def test_slower_application_ends_with_99(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.gate("good", "slow", tmp_path / "run")
    assert done.returncode == Exit.REGRESSION, done.stdout + done.stderr
    found = written(tmp_path / "run")
    (cpu,) = (each for each in found.comparisons if each.metric == "server_cpu")
    assert cpu.verdict is Verdict.SLOWER
    assert cpu.fresh is not None
    base, head = found.arms
    assert base.commit != head.commit
    assert base.source != head.source


@pytest.mark.timing
@pytest.mark.timeout(400)
def test_application_that_is_the_same_passes(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.gate("good", "good", tmp_path / "run")
    assert done.returncode == Exit.FINE, done.stdout + done.stderr
    found = written(tmp_path / "run")
    assert not [each for each in found.comparisons if each.verdict is Verdict.SLOWER and each.gated]


@pytest.mark.timing
@pytest.mark.timeout(400)
def test_server_that_dies_ends_with_4(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.gate("good", "dead", tmp_path / "run")
    assert done.returncode == Exit.FAILED, done.stdout + done.stderr
    assert any("head" in each and "died" in each for each in written(tmp_path / "run").failures)


@pytest.mark.parametrize(
    ("base", "head", "words"),
    [
        ("gud", "good", "gud"),
        ("good", "no-such-branch", "no-such-branch"),
    ],
)
def test_ref_that_is_none_ends_with_2_and_one_line(
    checkout: Checkout, tmp_path: Path, base: str, head: str, words: str
) -> None:
    done = checkout.gate(base, head, tmp_path / "run")
    assert done.returncode == Exit.WRONG_CALL
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


def test_truncated_result_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / gate.FILE_NAME).write_text('{"format": "transport-bench-gate/1", "ver')
    command = [sys.executable, "-m", "reports", "gate", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.WRONG_CALL
    assert len(done.stderr.splitlines()) == 1
