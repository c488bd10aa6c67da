"""Environments: what makes two the same, which of them stay, and what an interrupt leaves."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from loadtests.gate import environments
from loadtests.gate.environments import Interpreter, Wanted, environment, meaning, pins_of
from loadtests.gate.errors import ArmError
from servers.modes import ADAPTERS
from tests.support import ROOT

HERE = Interpreter(sys.executable, "/usr/bin/python3.11", "CPython 3.11.7")
LOCK = """\
# made by a tool
flask==3.1.3 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:cc
Gevent_WebSocket==0.10.1
"""


def wanted(*requires: str, lock: str = LOCK, interpreter: Interpreter = HERE) -> Wanted:
    return Wanted(interpreter, pins_of(lock), requires)


class Pip:
    """Stands for what really makes environments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said = ""
        self.interrupts = False
        self.made: list[str] = []
        self.commands: list[Sequence[str]] = []
        monkeypatch.setattr(environments, "_run", self._run)

    def _run(self, command: Sequence[str], _log: Path) -> str:
        self.commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            folder = Path(command[-1])
            (folder / "bin").mkdir(parents=True)
            self.made.append(folder.name)
        elif self.interrupts:
            raise KeyboardInterrupt
        return self.said


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    return Pip(monkeypatch)


def made(cache: Path, *requires: str, copy: int = 0, told: list[str] | None = None) -> Path:
    lines = [] if told is None else told
    with environment(wanted(*requires), copy, cache=cache, tell=lines.append) as folder:
        return folder


def folders_in(cache: Path) -> set[Path]:
    return {each for each in cache.iterdir() if each.is_dir()}


def test_pins_are_a_lock_without_its_hashes() -> None:
    assert pins_of(LOCK) == (
        "flask==3.1.3",
        "cffi==2.1.1 ; platform_python_implementation != 'PyPy'",
        "Gevent_WebSocket==0.10.1",
    )


def test_what_modes_need_is_installed_and_nothing_else_that_is_pinned() -> None:
    assert environments.served_of(pins_of(LOCK)) == ["flask", "gevent-websocket"]


def test_our_lock_pins_all_that_the_main_modes_need() -> None:
    served = environments.served_of(pins_of((ROOT / "requirements.lock").read_text("utf-8")))
    needed = {each for adapter in ADAPTERS.values() for each in adapter.MODE.packages}
    assert needed - set(served) == {"uwsgi"}  # which is compiled where somebody wants it


def test_same_content_is_the_same_environment(tmp_path: Path, pip: Pip) -> None:
    assert made(tmp_path, "six==1") == made(tmp_path, "six==1")
    assert len(pip.made) == 1


@pytest.mark.parametrize(
    "other",
    [
        wanted("six==2"),
        wanted(),
        wanted("six==1", lock=LOCK + "h11==1\n"),
        wanted("six==1", interpreter=HERE._replace(name="CPython 3.11.8")),
        wanted("six==1", interpreter=HERE._replace(path="/opt/python3.11")),
    ],
)
def test_other_content_is_another_environment(other: Wanted) -> None:
    assert other.content != wanted("six==1").content


def test_hashes_and_comments_of_a_lock_are_no_content() -> None:
    assert wanted(lock=LOCK.replace("aa", "dd")).content == wanted().content


def test_copies_are_made_apart_and_their_paths_are_of_one_length(tmp_path: Path, pip: Pip) -> None:
    one, two = made(tmp_path), made(tmp_path, copy=1)
    other = made(tmp_path, "six==1")
    assert len({one, two, other}) == len(pip.made) == 3
    assert len({len(str(each)) for each in (one, two, other)}) == 1


@pytest.mark.parametrize("requirement", ["./engineio", "python-engineio @ https://example.org/x"])
def test_what_may_change_by_itself_is_made_anew(tmp_path: Path, pip: Pip, requirement: str) -> None:
    made(tmp_path, requirement)
    made(tmp_path, requirement)
    assert len(pip.made) == 2


def test_requirements_come_after_the_pinned_packages_and_are_no_options(
    tmp_path: Path, pip: Pip
) -> None:
    made(tmp_path, "python-engineio==4.12.3", "--index-url=x")
    _venv, pinned, required = pip.commands
    assert pinned[-3:] == ["--", "flask", "gevent-websocket"]
    assert required[-3:] == ["--", "python-engineio==4.12.3", "--index-url=x"]


def test_interrupted_one_is_never_taken_for_a_whole_one(tmp_path: Path, pip: Pip) -> None:
    pip.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, "six==1")
    assert list(tmp_path.iterdir()) == []
    pip.interrupts = False
    folder = made(tmp_path, "six==1")
    assert pip.made == [folder.name, folder.name]


def test_one_that_was_killed_half_way_is_made_anew(tmp_path: Path, pip: Pip) -> None:
    folder = made(tmp_path, "six==1")
    (folder / ".whole").unlink()
    (folder / "half").touch()
    assert made(tmp_path, "six==1") == folder
    assert not (folder / "half").exists()


def test_newest_few_stay(tmp_path: Path, pip: Pip) -> None:
    several = [made(tmp_path, f"six=={number}") for number in range(environments.KEPT)]
    made(tmp_path, "six==0")  # is used again
    newest = made(tmp_path, "six==99")
    assert folders_in(tmp_path) == {*several, newest} - {several[1]}


def test_one_in_use_stays_however_old_it_is(tmp_path: Path, pip: Pip) -> None:
    with ExitStack() as stack:
        used = environment(wanted("six==0"), 0, cache=tmp_path, tell=print)
        folder = stack.enter_context(used)
        for number in range(1, environments.KEPT + 3):
            made(tmp_path, f"six=={number}")
        assert folder.is_dir()
        assert len(folders_in(tmp_path)) == environments.KEPT + 1
    made(tmp_path, "six==99")
    assert len(folders_in(tmp_path)) == environments.KEPT


def test_what_pip_says_of_packages_that_do_not_fit_is_told_each_time(
    tmp_path: Path, pip: Pip
) -> None:
    misfit = "a 5.18.1 requires b>=4.15.1, but you have b 4.12.3 which is incompatible."
    pip.said = f"Collecting x\nERROR: pip's resolver ...\n{misfit}\nSuccessfully installed x\n"
    for _ in range(2):
        told: list[str] = []
        made(tmp_path, "python-engineio==4.12.3", told=told)
        assert told[-1] == f"pip: {misfit}"


def test_password_in_an_address_is_not_told(tmp_path: Path, pip: Pip) -> None:
    told: list[str] = []
    made(tmp_path, "x @ https://me:secret@example.org/x.whl", told=told)
    assert "secret" not in " ".join(told)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            "Looking in indexes: x\n"
            "ERROR: Could not find a version that satisfies the requirement six==99 (from: 1)\n"
            "ERROR: No matching distribution found for six==99\n",
            "No matching distribution found for six==99",
        ),
        (
            "ERROR: Cannot install six==1 and six==2 because these package versions have "
            "conflicting dependencies.\n\nThe conflict is caused by:\n    The user asked\n\n"
            "ERROR: ResolutionImpossible: for help visit x\n",
            "Cannot install six==1 and six==2 because these package versions have "
            "conflicting dependencies.",
        ),
        ("/usr/bin/python: No module named pip\n", "/usr/bin/python: No module named pip"),
        ("", "it printed nothing"),
    ],
)
def test_last_line_of_pips_that_tells_something_is_the_reason(said: str, why: str) -> None:
    assert meaning(said) == why


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    return tmp_path / "python"


def written(stand_in: Path, *lines: str) -> str:
    stand_in.write_text("\n".join(["#!/bin/sh", *lines]), encoding="utf-8")
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    return str(stand_in)


def test_interpreter_is_ours_unless_another_is_named() -> None:
    ours = environments.interpreter(None)
    assert ours.command == sys.executable
    assert ours.path == os.path.realpath(sys.executable)


def test_interpreter_that_there_is_none_of_is_told() -> None:
    with pytest.raises(ArmError, match=r"no interpreter 'python3\.99'; give"):
        environments.interpreter("python3.99")


def test_interpreter_that_is_too_old_is_told(stand_in: Path) -> None:
    named = written(stand_in, """echo '["x", "x", "CPython", "3.10.13"]'""")
    with pytest.raises(ArmError, match=r"is Python 3\.10\.13; the servers need 3\.11 or later"):
        environments.interpreter(named)


def test_interpreter_that_only_complains_is_told_in_its_words(stand_in: Path) -> None:
    named = written(stand_in, "echo 'pyenv: python: command not found' >&2", "exit 127")
    with pytest.raises(ArmError, match=r"does not run: pyenv: python: command not found$"):
        environments.interpreter(named)
