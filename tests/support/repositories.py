"""Small repositories of git's, each with an application to serve."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support import ROOT

#: Nobody's settings, and not those of the hook that the tests may run in.
_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


class Repository:
    """One of them.

    Args:
        root: its top; a repository is made there if there is none.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.exists():
            root.mkdir(parents=True)
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """What git prints."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=inherited | _SETTINGS,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, path: str, content: str) -> Path:
        """Write a file, in folders that need not be there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def commit(self, tag: str | None = None) -> str:
        """Commit whatever is there; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=something")
        if tag is not None:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")


def with_our_application(root: Path) -> Repository:
    """A repository with this checkout's application, as it is now, in a commit ``first``."""
    made = Repository(root)
    there = root / "servers"
    shutil.copytree(ROOT / "servers", there, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", root)
    made.write(".gitignore", "__pycache__/\n")
    made.commit("first")
    return made
