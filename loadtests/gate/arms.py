"""Two arms of a comparison, made ready to be served: files, packages, and the proof of both."""

from __future__ import annotations

import difflib
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from loadtests.gate import environments, folders
from loadtests.gate.errors import ArmError
from loadtests.gate.files import Files, OurFiles, State
from loadtests.machine.processes import process
from loadtests.record import places
from loadtests.record.gate import BASE, HEAD, ArmFacts
from loadtests.record.proof import Proof
from loadtests.run.arm import Arm
from loadtests.run.subjects import Subject
from servers.modes import ADAPTERS

#: Base once more, made separately.
TWIN = "twin"

#: What is made for arms; ``make clean`` removes it.
CACHE = places.CACHE / "gate"


#: What stands for no mode: the mode is served as it is.
USUAL = Subject()


@dataclass(frozen=True, slots=True)
class Prepared:
    """An arm that can be served.

    Attributes:
        arm: as it was asked for.
        facts: what it is, as each of its servers has to prove.
        command: what serves; the mode and the options are appended.
        folder: where its application is.
        proof: see ``Subject``.
    """

    arm: Arm
    facts: ArmFacts
    command: tuple[str, ...]
    folder: Path
    proof: Proof

    def subject(self, mode: str, usual: Subject = USUAL) -> Subject:
        """What is measured for one of the experiment's modes.

        Args:
            mode: of that name, or what stands for one.
            usual: what that stands for in both arms.
        """
        return replace(
            usual,
            mode=self.arm.mode or usual.mode or mode,
            command=self.command,
            folder=self.folder,
            environment={**usual.environment, **self.arm.environment},
            heartbeat=self.arm.server or usual.heartbeat,
            # It may see other packages than were looked at.
            proof=self.proof
            if "PYTHONPATH" not in usual.environment
            else msgspec.structs.replace(self.proof, versions={}),
        )


@dataclass(frozen=True, slots=True)
class Arms:
    """What is compared; ``twin`` is base once more, made separately, or None."""

    base: Prepared
    head: Prepared
    twin: Prepared | None = None


class _Application(NamedTuple):
    """What an arm serves, before anything has been made."""

    arm: Arm
    state: State

    @property
    def told(self) -> str:
        where = "the working tree" if self.arm.ref is None else self.arm.ref
        at = "" if self.state.commit is None else f" at {self.state.commit[:12]}"
        changes = ", with changes that no commit holds" if self.state.dirty else ""
        return f"{where}{at}{changes}"


@contextmanager
def prepared(
    base: Arm,
    head: Arm,
    *,
    root: Path = places.APPLICATION,
    files: Files | None = None,
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
        files: of another application, in place of that one.
        cache: folder for what is made; environments stay in it, a few of them.
        twin: whether base is to be there twice.
        tell: what is done and found, a line each.

    Raises:
        ArmError: one of them cannot be prepared; nothing is left.
    """
    asked = {BASE: base, HEAD: head} | ({TWIN: base} if twin else {})
    files = OurFiles(root) if files is None else files
    found = {}
    for name, arm in asked.items():
        with _telling_of(name):
            found[name] = _found(files, arm)
    for name in (BASE, HEAD):
        tell(f"{name}: {found[name].told}")
    cache = cache.resolve()
    with ExitStack() as stack:
        trees = stack.enter_context(folders.passing(cache / "trees"))
        pythons = _Pythons(stack, cache / "environments", tell, found, files)
        ready = {}
        for name, application in found.items():
            with _telling_of(name):
                folder = trees / name
                folder.mkdir()
                served_by = pythons.of(name, application)
                ready[name] = _prepared(name, application, files, folder, served_by)
        yield Arms(ready[BASE], ready[HEAD], ready.get(TWIN))


@contextmanager
def _telling_of(name: str) -> Iterator[None]:
    try:
        yield
    except ArmError as error:
        raise ArmError(f"{name}: {error}") from error


def _found(files: Files, arm: Arm) -> _Application:
    """What an arm asks for, if there is such."""
    if arm.mode is not None and arm.mode not in ADAPTERS:
        close = difflib.get_close_matches(arm.mode, ADAPTERS, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise ArmError(f"unknown mode {arm.mode!r}; {guess}known: {', '.join(ADAPTERS)}")
    _refuse_unsayable(arm)
    return _Application(arm, files.state(arm))


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


class _Pythons:
    """Gives each arm the interpreter that serves it: ours, or that of an environment of its own.

    Args:
        stack: environments are in use until its end.
        cache: folder of environments.
        tell: what is done.
        found: all arms.
        files: whose they are.
    """

    def __init__(
        self,
        stack: ExitStack,
        cache: Path,
        tell: Callable[[str], None],
        found: Mapping[str, _Application],
        files: Files,
    ) -> None:
        self._stack = stack
        self._cache = cache
        self._tell = tell
        self._files = files
        self._own = any(_needs_its_own(each, files.pins) for each in found.values())
        self._made: Counter[str] = Counter()

    def of(self, name: str, application: _Application) -> tuple[Path, str | None]:
        """Interpreter and prefix of an arm; those of no two arms are the same environment.

        Raises:
            ArmError: it cannot be made.
        """
        if not self._own:
            return self._files.usual(application.arm)
        wanted = application.state.wanted
        copy = self._made[wanted.content]
        self._made[wanted.content] += 1
        made = environments.environment(
            wanted, copy, cache=self._cache, tell=lambda line: self._tell(f"{name}: {line}")
        )
        folder = self._stack.enter_context(made)
        return environments.python_of(folder), str(folder)


def _needs_its_own(application: _Application, pins: tuple[str, ...]) -> bool:
    """Whether what it asks for is in no environment that there is."""
    wanted = application.state.wanted
    if wanted.requires or wanted.requirements or wanted.pins != pins:
        return True
    return bool(pins) and application.arm.python is not None


def _prepared(
    name: str,
    application: _Application,
    files: Files,
    folder: Path,
    served_by: tuple[Path, str | None],
) -> Prepared:
    python, prefix = served_by
    arm, state = application
    laid_out = files.lay_out(arm, state, folder)
    # Else the first trial of each would compile. What does not compile is the server's to say.
    compiling = [str(python), "-P", "-m", "compileall", "-q", files.compiled]
    runs_in = laid_out.folder
    with process(compiling, core=None, stdout=subprocess.DEVNULL, folder=runs_in) as running:
        running.wait()
    versions = environments.versions(python, runs_in, os.environ | arm.environment)
    shown = arm.unsaid()
    facts = ArmFacts(
        name=name,
        ref=arm.ref,
        commit=state.commit,
        dirty=state.dirty,
        requires=shown.requires,
        mode=arm.mode,
        environment=sorted(shown.environment),
        versions=versions,
        source=laid_out.source,
    )
    proof = Proof(laid_out.source, versions, prefix)
    return Prepared(arm, facts, (str(python), *laid_out.served_by), runs_in, proof)
