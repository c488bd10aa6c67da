"""The official JavaScript client: whether it can run here, how, and how it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from loadtests import ROOT
from loadtests.record import called
from loadtests.record.places import NODE, PACKAGE_FILES, is_checkout

_MODULES = NODE / "node_modules"
_PACKAGE = _MODULES / "socket.io-client" / "package.json"
_REMEDY = f"run: {called.command('make node')}"


class NotInstalled(Exception):
    """The official client could not be installed; one line says why."""


def missing() -> str | None:
    """What the official client lacks on this machine and how to get it; None where it can run."""
    if shutil.which("node") is None:
        return f"Node.js is not installed; install version 18 or later, then {_REMEDY}"
    if not _PACKAGE.exists():
        return f"the official client is not installed; {_REMEDY}"
    return None


def command(script: Path) -> tuple[str, ...]:
    """What runs a script that requires the official packages.

    Args:
        script: of ours. Node looks for packages in the folders above it, which has them in a
            checkout alone.
    """
    where = () if is_checkout() else ("env", f"NODE_PATH={_MODULES}")
    return (*where, "node", str(script))


def install(folder: Path = NODE) -> Path:
    """Have npm install the locked packages.

    Args:
        folder: gets ``node_modules``, and what npm is to be told where that is not there yet.

    Returns:
        The folder of the packages.

    Raises:
        NotInstalled: npm is missing or failed, or the folder cannot be written to.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("npm is not installed; it comes with Node.js, version 18 or later")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in PACKAGE_FILES:
            if folder != ROOT and (ROOT / name).is_file():
                shutil.copyfile(ROOT / name, folder / name)
    except OSError as error:
        raise NotInstalled(f"{error.filename}: {error.strerror}") from error
    # The server is for our tests, which are not installed.
    leaner = () if is_checkout() else ("--omit=dev",)
    done = subprocess.run(
        [npm, "ci", "--loglevel=error", *leaner],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = [each.removeprefix("npm error ") for each in done.stderr.strip().splitlines()]
        why = " ".join(words[:2]) or f"code {done.returncode}"
        raise NotInstalled(f"npm could not install the official client: {why}")
    return folder / "node_modules"
