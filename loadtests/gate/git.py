"""What git knows of the application: commits, their files, and whether there are others now.

Every path is relative to ``root``, which may lie below the top of its repository.
"""

from __future__ import annotations

import difflib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.gate.errors import ArmError

#: The package that is served, in every commit.
SERVERS = "servers"
LOCK = "requirements.lock"


class _Refused(ArmError):
    """Git did not do it; what it said first."""


def commit_of(root: Path, ref: str) -> str:
    """The commit of a name: branch, tag, ``HEAD~3``, digits of a commit.

    Raises:
        ArmError: there is no such, or no repository.
    """
    try:
        _git(root, "rev-parse", "--git-dir")
    except _Refused as error:  # it also is none to git where somebody else owns it
        raise ArmError(f"{root} is not a git repository ({error}), so it has no {ref}") from error
    try:
        if not ref or ref.startswith("-"):
            raise _Refused("an option")
        return _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()
    except _Refused as error:
        names = _git(root, "for-each-ref", "--format=%(refname:short)").splitlines()
        close = difflib.get_close_matches(ref, names, n=1)
        advice = f"did you mean {close[0]}?" if close else "it may have to be fetched first"
        raise ArmError(f"unknown ref {ref!r}; {advice}") from error


def top_of(folder: Path) -> Path | None:
    """The top of the repository that a folder is in; None where it is in none."""
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    except (ArmError, NotADirectoryError):
        return None


def present(root: Path) -> list[str] | None:
    """Files of the working tree that are tracked or could be; None where git knows nothing."""
    try:
        found = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except ArmError:
        return None
    return sorted(set(filter(None, found.split("\0"))))


def state(root: Path, paths: Sequence[str] = (SERVERS, LOCK)) -> tuple[str | None, bool]:
    """The commit that is checked out, and whether what is served differs from it.

    (None, False) outside of git and before the first commit.
    """
    try:
        head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
        changes = _git(root, "status", "--porcelain", "--", *paths)
    except ArmError:
        return None, False
    return head, bool(changes)


def blobs(root: Path, commit: str, path: str = SERVERS) -> dict[str, str]:
    """Path -> git's name of the content, of every file of the application in a commit."""
    found = {}
    for entry in filter(None, _git(root, "ls-tree", "-r", "-z", commit, "--", path).split("\0")):
        told, _, name = entry.partition("\t")
        _, _, blob = told.split(" ")
        found[name] = blob
    return found


def submodules(root: Path, commit: str) -> list[str]:
    """Paths of other repositories in a commit."""
    entries = filter(None, _git(root, "ls-tree", "-r", "-z", commit).split("\0"))
    return [entry.partition("\t")[2] for entry in entries if entry.startswith("160000 ")]


def text(root: Path, commit: str, path: str) -> str | None:
    """A file in a commit; None where it has none of that name."""
    try:
        return _git(root, "cat-file", "blob", f"{commit}:./{path}")
    except _Refused:
        return None


def export(root: Path, commit: str, folder: Path, path: str = SERVERS) -> None:
    """Write a folder of a commit into an empty one, where it keeps its name; all of it if empty.

    In place of a worktree, of which the repository would know: nothing of ours is left in it,
    however we end.
    """
    tree = _git(root, "rev-parse", "--verify", f"{commit}:./{path}").strip()
    repository = _git(root, "rev-parse", "--absolute-git-dir").strip()
    index = folder.with_name(f"{folder.name}.index")
    there = (f"--git-dir={repository}", f"--work-tree={folder}")
    environment = {"GIT_INDEX_FILE": str(index)}
    try:
        prefix = (f"--prefix={path}/",) if path else ()
        _git(folder, *there, "read-tree", *prefix, tree, environment=environment)
        _git(folder, *there, "checkout-index", "--all", environment=environment)
    finally:
        index.unlink(missing_ok=True)


def _inherited() -> dict[str, str]:
    return {name: each for name, each in os.environ.items() if not name.startswith("GIT_")}


def _git(root: Path, *arguments: str, environment: Mapping[str, str] = {}) -> str:
    try:
        done = subprocess.run(
            # No hook of the repository's, and files as they are in it.
            ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", *arguments],
            cwd=root,
            # In its own words and not the user's, and never waiting for a lock of an editor's. In a
            # hook, git's own variables would lead to another tree.
            env={**_inherited(), "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            start_new_session=True,  # a Ctrl-C in the terminal is for us alone
        )
    except FileNotFoundError as error:
        raise ArmError("git is not installed") from error
    if done.returncode:
        words = os.fsdecode(done.stderr).strip().splitlines()
        raise _Refused(words[0] if words else f"git {arguments[0]}: code {done.returncode}")
    return os.fsdecode(done.stdout)
