"""Whose application the arms serve: its files in every state, and what serves them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from loadtests import ROOT
from loadtests.gate import environments, git
from loadtests.gate.environments import Wanted
from loadtests.gate.errors import ArmError
from loadtests.gate.requirements import flattened
from loadtests.record.places import is_checkout
from loadtests.record.proof import blob_of, normalised, source_of
from loadtests.run.arm import Arm
from loadtests.run.subjects import ELSEWHERE

#: Never part of an application whose folder no git knows.
_NEVER = shutil.ignore_patterns(
    "__pycache__", "*.pyc", ".git", ".venv", "venv", "node_modules", ".tox", ".cache"
)


#: Packages that a requirements file need not name, since another one asks for them.
_BRINGS = {"flask-socketio": "simple-websocket", "gunicorn": "packaging"}


class State(NamedTuple):
    """Of an application, before anything has been made.

    Attributes:
        commit: its own, or the one that the working tree comes from.
        dirty: whether it has changes that no commit holds.
        wanted: what its environment has in it, if it is to have one.
    """

    commit: str | None
    dirty: bool
    wanted: Wanted


class LaidOut(NamedTuple):
    """An application where it is served from.

    Attributes:
        folder: where its servers run.
        source: digest of its files, as they prove it.
        served_by: what serves, after the interpreter.
    """

    folder: Path
    source: str
    served_by: tuple[str, ...]


class Files(Protocol):
    """An application in several states."""

    @property
    def pins(self) -> tuple[str, ...]:
        """Packages that are pinned in the working tree."""

    @property
    def compiled(self) -> str:
        """Path, where servers run, of what is compiled before."""

    def state(self, arm: Arm) -> State:
        """Of what an arm asks for.

        Raises:
            ArmError: there is no such.
        """

    def lay_out(self, arm: Arm, state: State, folder: Path) -> LaidOut:
        """Write it into an empty folder.

        Raises:
            ArmError: it cannot be read.
        """

    def usual(self, arm: Arm) -> tuple[Path, str | None]:
        """The interpreter where no environments are made; its prefix, if that is to be proven."""


class OurFiles:
    """The application under test of a checkout.

    Args:
        root: with ``servers`` and ``requirements.lock``.
    """

    compiled = git.SERVERS

    def __init__(self, root: Path) -> None:
        self._root = root
        lock = root / git.LOCK
        text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
        self.pins = environments.pins_of(text)

    def state(self, arm: Arm) -> State:
        """See Files."""
        root = self._root
        python, requires = environments.interpreter(arm.python), tuple(arm.requires)
        # Installed, it is in nobody's repository: the one around it would be the user's own.
        installed = root == ROOT and not is_checkout(root)
        if arm.ref is None:
            if not (root / git.SERVERS).is_dir():
                raise ArmError(f"{root} has no {git.SERVERS}/, which is the application")
            now = (None, False) if installed else git.state(root)
            return State(*now, Wanted(python, self.pins, requires))
        if installed:
            raise ArmError(
                f"{arm.ref} of which application? --app MODULE:OBJECT names one of your own; "
                f"transport-bench's is in a copy of it, and {Path.cwd()} is none"
            )
        commit = git.commit_of(root, arm.ref)
        if not git.blobs(root, commit):
            raise ArmError(f"{arm.ref} has no {git.SERVERS}/, which is the application")
        lock = git.text(root, commit, git.LOCK)
        pins = self.pins if lock is None else environments.pins_of(lock)
        return State(commit, False, Wanted(python, pins, requires))

    def lay_out(self, arm: Arm, state: State, folder: Path) -> LaidOut:
        """See Files."""
        if arm.ref is None or state.commit is None:
            there = folder / git.SERVERS
            try:
                shutil.copytree(
                    self._root / git.SERVERS,
                    there,
                    ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
                )
            except (OSError, shutil.Error) as error:
                raise ArmError(f"{self._root / git.SERVERS} cannot be copied: {error}") from error
            source = _digest(folder, there.rglob("*"))
        else:
            git.export(self._root, state.commit, folder)
            source = source_of(git.blobs(self._root, state.commit))
        return LaidOut(folder, source, ("-m", git.SERVERS))

    def usual(self, arm: Arm) -> tuple[Path, str | None]:  # noqa: ARG002  # all have the same
        """See Files."""
        return Path(sys.executable), sys.prefix


class TheirFiles:
    """An application of somebody's own, with all of the repository that it is in.

    Args:
        app: ``MODULE:OBJECT``.
        folder: where that is imported from, and served.
        python: interpreter that has its packages.
        requirements: file below the repository's top that says which these are; None: the
            interpreter serves as it is.

    Raises:
        ArmError: there is no such file.
    """

    pins: tuple[str, ...] = ()
    compiled = "."

    def __init__(self, app: str, folder: Path, python: str, requirements: Path | None) -> None:
        self._app = app
        folder = folder.resolve()
        self._top = git.top_of(folder) or folder
        self._below = folder.relative_to(self._top)
        # Not resolved: an environment's interpreter is a link out of it.
        self._python = os.path.abspath(shutil.which(python) or python)  # noqa: PTH100
        self._requirements: str | None = None
        if requirements is None:
            return
        if not requirements.exists():  # from where the application is, as well as from here
            requirements = folder / requirements
        try:
            path = requirements.resolve().relative_to(self._top)
        except ValueError as error:
            raise ArmError(f"--requirements {requirements}: not a file of {self._top}") from error
        self._requirements = path.as_posix()

    @property
    def names(self) -> set[str]:
        """Packages that the requirements of the working tree name, and what these bring along."""
        lines = self._text_of_requirements(Arm(), None).splitlines()
        found = {normalised(re.split(r"[^\w.-]", line)[0]) for line in lines}
        for package, brought in _BRINGS.items():
            found |= {brought} if package in found else set()
        return found

    def state(self, arm: Arm) -> State:
        """See Files."""
        if arm.requires and self._requirements is None:
            raise ArmError(
                "packages of an arm come on top of those of the application: say which these are "
                "(--requirements FILE)"
            )
        python, requires = environments.interpreter(arm.python or self._python), tuple(arm.requires)
        if arm.ref is None:
            commit, dirty = git.state(self._top, (".",))
        else:
            commit, dirty = git.commit_of(self._top, arm.ref), False
            below = self._below.as_posix()
            if submodules := git.submodules(self._top, commit):
                raise ArmError(
                    f"{arm.ref} has submodules, which are not laid out: {', '.join(submodules)}"
                )
            if not any(each.endswith(".py") for each in git.blobs(self._top, commit, below)):
                raise ArmError(
                    f"{arm.ref} has no Python in {below}, where the application should be"
                )
        text = self._text_of_requirements(arm, commit)
        return State(commit, dirty, Wanted(python, (), requires, text))

    def lay_out(self, arm: Arm, state: State, folder: Path) -> LaidOut:
        """See Files; the server proves the Python files below the folder where it runs."""
        if arm.ref is not None and state.commit is not None:
            git.export(self._top, state.commit, folder, "")
        else:
            self._copy(folder)
        runs_in = folder / self._below
        files = sorted(each for each in runs_in.rglob("*.py") if each.is_file())
        names = [each.relative_to(runs_in).as_posix() for each in files]
        made_of = {"files": names, "laid_out": str(folder), "origin": str(self._top)}
        # Beside the folder: what is in it is theirs. ASCII, whatever names are.
        listed = folder.with_name(f"{folder.name}.json")
        listed.write_text(json.dumps(made_of), encoding="ascii")
        served_by = ("-B", str(ELSEWHERE), f"--app={self._app}", f"--made-of={listed}")
        return LaidOut(runs_in, _digest(runs_in, files), served_by)

    def usual(self, arm: Arm) -> tuple[Path, str | None]:
        """See Files; whose it is has put there what it is."""
        return Path(environments.interpreter(arm.python or self._python).command), None

    def _text_of_requirements(self, arm: Arm, commit: str | None) -> str:
        if self._requirements is None:
            return ""
        if arm.ref is not None and commit is not None:
            committed = commit

            def read(path: str) -> str | None:
                return git.text(self._top, committed, path)

        else:

            def read(path: str) -> str | None:
                file = self._top / path
                return file.read_text("utf-8", "surrogateescape") if file.is_file() else None

        try:
            return flattened(self._requirements, read)
        except ArmError as error:
            where = "the working tree" if arm.ref is None else arm.ref
            raise ArmError(f"{where}: {error}") from error

    def _copy(self, folder: Path) -> None:
        """The working tree as it is at this moment, without what git is told to ignore."""
        try:
            names = git.present(self._top)
            if names is None:
                shutil.copytree(self._top, folder, ignore=_NEVER, dirs_exist_ok=True, symlinks=True)
                return
            for name in names:
                source, there = self._top / name, folder / name
                if source.is_symlink() or source.is_file():
                    there.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, there, follow_symlinks=False)
        except (OSError, shutil.Error) as error:
            raise ArmError(f"{self._top} cannot be copied: {error}") from error


def _digest(root: Path, paths: Iterable[Path]) -> str:
    return source_of(
        {
            path.relative_to(root).as_posix(): blob_of(path.read_bytes())
            for path in paths
            if path.is_file() and os.access(path, os.R_OK)
        }
    )
