"""Where things are: what comes along, and where what is made at run time goes.

In a checkout everything is in it. Installed, nothing is written beside the code, which belongs to
pip: runs go where the user is, what is kept for later into the user's cache.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from loadtests import ROOT

#: Says where the cache is. The command sets it for its processes, since one of them, a trial's
#: Locust, starts without the user's HOME (``machine.launch.generating``).
CACHE_VARIABLE = "TRANSPORT_BENCH_CACHE"
#: Where the package manager finds which official packages there are to be.
PACKAGE_FILES = ("package.json", "package-lock.json", ".npmrc")
_RUNS = "transport-bench-runs"


def is_checkout(root: Path = ROOT) -> bool:
    """Whether the rooms are a checkout's, which has what they were built from beside them."""
    return (root / "pyproject.toml").is_file()


def runs_of(root: Path) -> Path:
    """The folder of run folders; it need not be there."""
    if is_checkout(root):
        return root / "reports" / "runs"
    try:
        return Path.cwd() / _RUNS
    except OSError:  # the folder where the user is has been removed: writing will say so
        return Path(_RUNS)


def cache_of(root: Path, environment: Mapping[str, str]) -> Path:
    """The folder of what is kept for later; it need not be there.

    Args:
        root: of the rooms.
        environment: whose ``XDG_CACHE_HOME`` is heeded (XDG Base Directory Specification 0.8).
    """
    if is_checkout(root):
        return root / ".cache"
    if told := environment.get(CACHE_VARIABLE):
        return Path(told)
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # which is to be ignored, says the specification
        base = Path(environment.get("HOME") or Path.home()) / ".cache"
    return base / "transport-bench"


def node_of(root: Path, cache: Path) -> Path:
    """The folder with ``node_modules``: another one for other versions, once it is a cache's."""
    if is_checkout(root):
        return root
    lock = root / PACKAGE_FILES[1]
    content = lock.read_bytes() if lock.is_file() else b""
    return cache / f"node-{hashlib.sha256(content).hexdigest()[:12]}"


def application_of(root: Path) -> Path:
    """The copy of this project whose ``servers/`` a gate compares.

    Installed, that is the folder where the user is, if it is such a copy.
    """
    here = runs_of(root).parent
    copy = not is_checkout(root) and all(
        (here / each).is_file() for each in ("servers/__main__.py", "servers/app.py")
    )
    return here if copy else root


def make(folder: Path, runs: Path | None = None) -> None:
    """Make a run folder, those above it too; it may be there.

    Args:
        folder: the run's.
        runs: where run folders usually are, which a checkout's git ignores; None for ``RUNS``.
    """
    runs = RUNS if runs is None else runs
    folder.mkdir(parents=True, exist_ok=True)
    if folder.parent == runs and not is_checkout(runs.parent.parent):
        # In somebody's repository they would be changes that no commit holds, to a gate as well.
        ignored = runs / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")


RUNS = runs_of(ROOT)
CACHE = cache_of(ROOT, os.environ)
NODE = node_of(ROOT, CACHE)
APPLICATION = application_of(ROOT)
#: It is of the machine, wherever the user is.
CALIBRATION = RUNS / "calibration.json" if is_checkout() else CACHE / "calibration.json"
