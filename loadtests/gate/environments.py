"""Virtual environments for servers that are to have other packages than ours, or another Python.

They are kept, by what is in them, until newer ones take their place.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from loadtests import ROOT
from loadtests.gate import folders
from loadtests.gate.errors import ArmError
from loadtests.machine.processes import process, signal_all
from loadtests.record import files
from loadtests.record.proof import PYTHON, normalised
from loadtests.run.arm import without_password
from servers.modes import ADAPTERS

#: Three serve at the same time: base, head and the twin. About 70 MB each.
KEPT = 6
#: What the servers are written for, see ``requires-python`` in pyproject.toml.
OLDEST = (3, 11)
#: In an environment, once it is whole: what is to be said of it, line by line.
_WHOLE = ".whole"
_PROBE_TIMEOUT_S = 60

_WHO = """\
import json, os, platform, sys
print(json.dumps([sys.executable, os.path.realpath(sys.executable),
                  platform.python_implementation(), platform.python_version()]))
"""
#: With -P, so that no file of theirs hides what it needs; after that, their folder goes first.
_PACKAGES = """\
import json, platform, sys
from importlib import metadata
sys.path.insert(0, "")
found = []
for each in metadata.distributions():
    told = each.metadata
    found.append((told["Name"], told["Version"]))
print(json.dumps([platform.python_version(), found]))
"""


class Interpreter(NamedTuple):
    """A Python that can be run.

    Attributes:
        command: what runs it.
        path: where it really is, whatever links there are.
        name: its implementation and version.
    """

    command: str
    path: str
    name: str


class Wanted(NamedTuple):
    """What an environment is to have in it.

    Attributes:
        interpreter: whose environment it is.
        pins: of a lock file, see ``pins_of``.
        requires: packages on top of those, in pip's spelling.
        requirements: of an application of somebody's own: a requirements file's text.
    """

    interpreter: Interpreter
    pins: tuple[str, ...]
    requires: tuple[str, ...]
    requirements: str = ""

    @property
    def content(self) -> str:
        """The same for what has the same in it, of 16 characters."""
        served = served_of(self.pins)
        who = self.interpreter.path, self.interpreter.name
        parts = [*who, self.pins, served, self.requires, self.requirements]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def may_change(self) -> bool:
        """Whether a folder or an address is asked for, which has something else in it tomorrow."""
        lines = [line for line in self.requirements.splitlines() if not line.startswith("--")]
        return any("@" in each or "/" in each for each in (*self.requires, *lines))


def interpreter(named: str | None) -> Interpreter:
    """A Python by its name or path; ours for None.

    Raises:
        ArmError: there is none, it does not run, or is too old.
    """
    command = sys.executable if named is None else shutil.which(named)
    if command is None:
        raise ArmError(f"no interpreter {named!r}; give a command on the PATH or a path")
    executable, path, implementation, version = _asked(command, ("-I", "-S", "-c", _WHO))
    if tuple(int(each) for each in version.split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ArmError(f"{named} is Python {version}; the servers need {oldest} or later")
    return Interpreter(executable, path, f"{implementation} {version}")


def versions(python: Path, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Of Python and of every package that a server of it could import.

    Args:
        python: the interpreter.
        folder: where the server runs.
        environment: all variables that it has.

    Raises:
        ArmError: it does not run.
    """
    version, found = _asked(str(python), ("-P", "-c", _PACKAGES), folder, environment)
    result = {PYTHON: version}
    for name, installed in found:
        result.setdefault(normalised(name), installed)  # the first on the path is imported
    return result


def pins_of(lock: str) -> tuple[str, ...]:
    """The packages of a lock file, ``name==version`` and perhaps a marker, without their hashes."""
    lines = (line.removesuffix("\\").strip() for line in lock.splitlines() if line[:1].isalnum())
    return tuple(line for line in lines if "==" in line)


def served_of(pins: Sequence[str]) -> list[str]:
    """Those of a lock file that the modes need; pip finds what these need, among the pins."""
    needed = {"flask", "flask-socketio"}
    needed |= {package for adapter in ADAPTERS.values() for package in adapter.MODE.packages}
    pinned = {normalised(re.split(r"[=\[; ]", pin)[0]) for pin in pins}
    return sorted(needed & pinned)


@contextmanager
def environment(
    wanted: Wanted, copy: int, *, cache: Path, tell: Callable[[str], None]
) -> Iterator[Path]:
    """The folder of such an environment, which stays as it is until the block ends.

    Args:
        wanted: what is to be in it.
        copy: one digit, for several that are the same and were made apart.
        cache: folder of all of them; made if it is not there.
        tell: what is done, and what is to be known of it.

    Raises:
        ArmError: it cannot be made; what pip said stays in the cache.
    """
    cache = cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{wanted.content}-{copy}"
    with ExitStack() as stack:
        with folders.locked(cache, fcntl.LOCK_EX):
            if wanted.may_change:
                folders.remove_unused([folder] if folder.exists() else [])
            if not (folder / _WHOLE).is_file():
                more = ", ".join(without_password(each) for each in wanted.requires)
                tell(f"making an environment of {wanted.interpreter.name}: {more or 'its lock'}")
                _make(folder, wanted, cache / "pip.log")
            os.utime(folder / _WHOLE)
            for line in (folder / _WHOLE).read_text(encoding="utf-8").splitlines():
                tell(line)
            stack.enter_context(folders.locked(folder, fcntl.LOCK_SH))
            _remove_oldest(cache)
        yield folder


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"


def _remove_oldest(cache: Path) -> None:
    """All but the newest few, and whatever was never finished."""
    made = [each for each in cache.iterdir() if each.is_dir()]
    whole = [each for each in made if (each / _WHOLE).is_file()]
    newest = sorted(whole, key=lambda each: (each / _WHOLE).stat().st_mtime_ns)[-KEPT:]
    folders.remove_unused(each for each in made if each not in newest)


def _make(folder: Path, wanted: Wanted, log: Path) -> None:
    """Make it where it stays, since its paths are in its scripts, and say last that it is whole."""
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted one has left
    pins = log.with_name("pins.txt")
    pip = [sys.executable, "-m", "pip", f"--python={python_of(folder)}", "install", "--compile"]
    pip += ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    try:
        _run([wanted.interpreter.command, "-m", "venv", "--without-pip", str(folder)], log)
        if served := served_of(wanted.pins):
            pins.write_text("\n".join(wanted.pins), encoding="utf-8")
            _run([*pip, f"--constraint={pins}", "--", *served], log)
        if wanted.requirements:
            pins.write_text(wanted.requirements, encoding="utf-8")
            _run([*pip, f"--requirement={pins}"], log)
        said = ""
        if wanted.requires:
            # After the others, and whatever those ask for: only what is named is to differ.
            said = _run([*pip, "--", *wanted.requires], log)
        files.replace(folder / _WHOLE, "".join(_misfits(said)).encode())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        pins.unlink(missing_ok=True)
    log.unlink(missing_ok=True)


def _run(command: Sequence[str], log: Path) -> str:
    """What a command printed.

    Raises:
        ArmError: it failed.
    """
    with log.open("wb") as output, process(command, core=None, stdout=output) as running:
        try:
            code = running.wait()
        except BaseException:
            signal_all(running, signal.SIGKILL)  # pip starts others to build with
            raise
    said = log.read_text(encoding="utf-8", errors="replace")
    if code:
        raise ArmError(f"{meaning(said)}; all that was said: {log}")
    return said


def meaning(said: str) -> str:
    """Why pip has failed, in its own words: the last line that tells it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)error: (?!ResolutionImpossible)", line)]
    last = (errors or lines or ["it printed nothing"])[-1]
    return without_password(re.sub(r"^(?i:error): ", "", last)[:300])


def _misfits(said: str) -> Iterator[str]:
    """What pip thinks of packages that ask for others than there are now."""
    for line in said.splitlines():
        if line.endswith("which is incompatible."):
            yield f"pip: {re.sub(r'^(?i:error): ', '', line.strip())}\n"


def _asked(
    command: str,
    arguments: Sequence[str],
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Any:
    """What an interpreter answers, in JSON."""
    try:
        done = subprocess.run(
            [command, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PROBE_TIMEOUT_S,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        problem = f"no answer after {_PROBE_TIMEOUT_S} s"
        raise ArmError(f"interpreter {command} does not run: {problem}") from error
    except OSError as error:
        problem = error.strerror or str(error)
        raise ArmError(f"interpreter {command} does not run: {problem}") from error
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        # pyenv's stand-ins say in their first line what is missing.
        words = os.fsdecode(done.stderr).strip().splitlines() or [f"code {done.returncode}"]
        raise ArmError(f"interpreter {command} does not run: {words[0]}") from error
