"""Two arms of a comparison, made ready to be served: files, packages, and the proof of both."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from loadtests import ROOT
from loadtests.gate import environments, folders, git
from loadtests.gate.environments import Wanted
from loadtests.gate.errors import ArmError
from loadtests.machine.processes import process
from loadtests.record import places
from loadtests.record.gate import BASE, HEAD, ArmFacts
from loadtests.record.proof import Proof, blob_of, source_of
from loadtests.run.arm import Arm
from loadtests.run.subjects import Subject
from servers.modes import ADAPTERS

#: Base once more, made separately.
TWIN = "twin"

#: What is made for arms; ``make clean`` removes it.
CACHE = places.CACHE / "gate"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An arm that can be served.

    Attributes:
        arm: as it was asked for.
        facts: what it is, as each of its servers has to prove.
        python: the interpreter that serves.
        folder: where its application is.
        proof: see ``Subject``.
    """

    arm: Arm
    facts: ArmFacts
    python: Path
    folder: Path
    proof: Proof

    def subject(self, mode: str) -> Subject:
        """What is measured for one of the experiment's modes."""
        return Subject(
            mode=self.arm.mode or mode,
            command=(str(self.python), "-m", git.SERVERS),
            folder=self.folder,
            environment=self.arm.environment,
            heartbeat=self.arm.server,
            proof=self.proof,
        )


@dataclass(frozen=True, slots=True)
class Arms:
    """What is compared; ``twin`` is base once more, made separately, or None."""

    base: Prepared
    head: Prepared
    twin: Prepared | None = None


class _Application(NamedTuple):
    """What an arm serves, before anything has been made.

    Attributes:
        commit: its own, or the one that the working tree comes from.
        blobs: of the commit; None for the working tree.
        wanted: what its environment has in it, if it is to have one.
    """

    arm: Arm
    commit: str | None
    dirty: bool
    blobs: Mapping[str, str] | None
    wanted: Wanted

    @property
    def told(self) -> str:
        where = "the working tree" if self.arm.ref is None else self.arm.ref
        at = "" if self.commit is None else f" at {self.commit[:12]}"
        changes = ", with changes that no commit holds" if self.dirty else ""
        return f"{where}{at}{changes}"


@contextmanager
def prepared(
    base: Arm,
    head: Arm,
    *,
    root: Path = places.APPLICATION,
    cache: Path = CACHE,
    twin: bool,
    tell: Callable[[str], None],
) -> Iterator[Arms]:
    """Both arms, until the block ends.

    Each is served from a copy of its application, the working tree too: so paths are of the same
    length (T. Mytkowicz et al., "Producing Wrong Data Without Doing Anything Obviously Wrong!",
    ASPLOS 2009), and who works on the application meanwhile disturbs nothing. For the same reason
    either all have an environment of their own, or none has.

    Args:
        base: as asked for.
        head: as asked for; the same is allowed.
        root: of the checkout, with ``servers`` and ``requirements.lock``.
        cache: folder for what is made; environments stay in it, a few of them.
        twin: whether base is to be there twice.
        tell: what is done and found, a line each.

    Raises:
        ArmError: one of them cannot be prepared; nothing is left.
    """
    asked = {BASE: base, HEAD: head} | ({TWIN: base} if twin else {})
    found = {}
    for name, arm in asked.items():
        with _telling_of(name):
            found[name] = _found(root, arm)
    for name in (BASE, HEAD):
        tell(f"{name}: {found[name].told}")
    cache = cache.resolve()
    with ExitStack() as stack:
        trees = stack.enter_context(folders.passing(cache / "trees"))
        pythons = _Pythons(stack, cache / "environments", tell, found, _pins(root))
        ready = {}
        for name, application in found.items():
            with _telling_of(name):
                folder = trees / name
                folder.mkdir()
                served_by = pythons.of(name, application)
                ready[name] = _prepared(name, application, root, folder, served_by)
        yield Arms(ready[BASE], ready[HEAD], ready.get(TWIN))


@contextmanager
def _telling_of(name: str) -> Iterator[None]:
    try:
        yield
    except ArmError as error:
        raise ArmError(f"{name}: {error}") from error


def _found(root: Path, arm: Arm) -> _Application:
    """What an arm asks for, if there is such."""
    if arm.mode is not None and arm.mode not in ADAPTERS:
        close = difflib.get_close_matches(arm.mode, ADAPTERS, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise ArmError(f"unknown mode {arm.mode!r}; {guess}known: {', '.join(ADAPTERS)}")
    _refuse_unsayable(arm)
    python, requires = environments.interpreter(arm.python), tuple(arm.requires)
    # Installed, it is in nobody's repository: the one around it would be the user's own.
    installed = root == ROOT and not places.is_checkout(root)
    if arm.ref is None:
        if not (root / git.SERVERS).is_dir():
            raise ArmError(f"{root} has no {git.SERVERS}/, which is the application")
        commit, dirty = (None, False) if installed else git.state(root)
        return _Application(arm, commit, dirty, None, Wanted(python, _pins(root), requires))
    if installed:
        raise ArmError(
            f"{arm.ref} can be compared in a copy of transport-bench, with the application in its "
            f"{git.SERVERS}/; {Path.cwd()} is none. --base-requires and --head-requires compare "
            "packages anywhere"
        )
    commit = git.commit_of(root, arm.ref)
    blobs = git.blobs(root, commit)
    if not blobs:
        raise ArmError(f"{arm.ref} has no {git.SERVERS}/, which is the application")
    lock = git.text(root, commit, git.LOCK)
    pins = _pins(root) if lock is None else environments.pins_of(lock)
    return _Application(arm, commit, False, blobs, Wanted(python, pins, requires))


def _refuse_unsayable(arm: Arm) -> None:
    """What no command line and no environment can hold."""
    for what in (arm.ref or "", arm.python or "", *arm.requires):
        if "\0" in what:
            raise ArmError(f"{what!r} has a zero byte in it")
    if not all(each.strip() for each in arm.requires):
        raise ArmError("requires: one of them is empty")
    for name, value in arm.environment.items():
        if not name or "=" in name or "\0" in name + value:
            raise ArmError(f"environment: {name!r} cannot be a variable with that value")


def _pins(root: Path) -> tuple[str, ...]:
    lock = root / git.LOCK
    return environments.pins_of(lock.read_text(encoding="utf-8")) if lock.is_file() else ()


class _Pythons:
    """Gives each arm the interpreter that serves it: ours, or that of an environment of its own.

    Args:
        stack: environments are in use until its end.
        cache: folder of environments.
        tell: what is done.
        found: all arms.
        ours: what is pinned for us.
    """

    def __init__(
        self,
        stack: ExitStack,
        cache: Path,
        tell: Callable[[str], None],
        found: Mapping[str, _Application],
        ours: tuple[str, ...],
    ) -> None:
        self._stack = stack
        self._cache = cache
        self._tell = tell
        self._own = any(
            each.arm.requires or each.arm.python is not None or each.wanted.pins != ours
            for each in found.values()
        )
        self._made: Counter[str] = Counter()

    def of(self, name: str, application: _Application) -> tuple[Path, str]:
        """Interpreter and prefix of an arm; those of no two arms are the same environment.

        Raises:
            ArmError: it cannot be made.
        """
        if not self._own:
            return Path(sys.executable), sys.prefix
        wanted = application.wanted
        copy = self._made[wanted.content]
        self._made[wanted.content] += 1
        made = environments.environment(
            wanted, copy, cache=self._cache, tell=lambda line: self._tell(f"{name}: {line}")
        )
        folder = self._stack.enter_context(made)
        return environments.python_of(folder), str(folder)


def _prepared(
    name: str, application: _Application, root: Path, folder: Path, served_by: tuple[Path, str]
) -> Prepared:
    python, prefix = served_by
    arm = application.arm
    if application.blobs is None or application.commit is None:
        source = _copied(root, folder)
    else:
        git.export(root, application.commit, folder)
        source = source_of(application.blobs)
    # Else the first trial of each would compile. What does not compile is the server's to say.
    compiling = [str(python), "-m", "compileall", "-q", git.SERVERS]
    with process(compiling, core=None, stdout=subprocess.DEVNULL, folder=folder) as running:
        running.wait()
    versions = environments.versions(python, folder, os.environ | arm.environment)
    shown = arm.unsaid()
    facts = ArmFacts(
        name=name,
        ref=arm.ref,
        commit=application.commit,
        dirty=application.dirty,
        requires=shown.requires,
        mode=arm.mode,
        environment=sorted(shown.environment),
        versions=versions,
        source=source,
    )
    return Prepared(arm, facts, python, folder, Proof(source, versions, prefix))


def _copied(root: Path, folder: Path) -> str:
    """Copy the application as it is at this moment; the digest of its files."""
    there = folder / git.SERVERS
    try:
        shutil.copytree(
            root / git.SERVERS, there, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    except (OSError, shutil.Error) as error:
        raise ArmError(f"{root / git.SERVERS} cannot be copied: {error}") from error
    return source_of(
        {
            path.relative_to(folder).as_posix(): blob_of(path.read_bytes())
            for path in there.rglob("*")
            if path.is_file()
        }
    )
