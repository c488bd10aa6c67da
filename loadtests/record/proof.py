"""What a server must say of itself to be the one that was asked for. Pure.

``servers/proof.py`` makes the same digests inside the server; neither imports the other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

from loadtests.record.ready import Ready

#: Under which the READY line has the version of Python itself.
PYTHON = "python"


class Proof(msgspec.Struct, frozen=True):
    """What must be true of a running server beside its mode.

    Attributes:
        source: digest of its files, see ``source_of``; None for any.
        versions: of Python and of every package that it can import; empty for any.
        prefix: folder of its Python's environment; None for any.
    """

    source: str | None = None
    versions: dict[str, str] = {}
    prefix: str | None = None

    def difference(self, ready: Ready) -> str | None:
        """What the server says otherwise, and what it should say; None where it is the one."""
        return (
            self._says_nothing(ready)
            or _differ("source", ready.source, self.source)
            or self._elsewhere(ready)
            or self._other_packages(ready)
        )

    def _says_nothing(self, ready: Ready) -> str | None:
        if self.source is None or ready.source is not None:
            return None
        return (
            "does not say which files it serves (no source in its READY line): its application is "
            "older than that; choose a later commit"
        )

    def _elsewhere(self, ready: Ready) -> str | None:
        if self.prefix is None or ready.prefix == self.prefix:
            return None
        return "runs in another environment than the one that was made for it"

    def _other_packages(self, ready: Ready) -> str | None:
        if not self.versions:
            return None
        for name, version in ready.versions.items():  # in words, where there are any
            if difference := _differ(name, version, self.versions.get(name)):
                return difference
        expected = packages_of(self.versions)
        return _differ("packages", ready.packages, expected)


def _differ(name: str, found: str | None, wanted: str | None) -> str | None:
    if wanted is None or found == wanted:
        return None
    return f"says {name} is {found!r}, it should be {wanted!r}"


def blob_of(content: bytes) -> str:
    """Git's name of a file's content (gitformat-pack(5), "Object types")."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def source_of(blobs: Mapping[str, str]) -> str:
    """Digest of an application's files.

    Args:
        blobs: path in the repository -> git's name of its content.
    """
    lines = sorted(f"{blob}\t{path}\n" for path, blob in blobs.items())
    return hashlib.sha1("".join(lines).encode()).hexdigest()


def packages_of(versions: Mapping[str, str]) -> str:
    """Digest of packages, by their versions; Python's own is left out."""
    lines = sorted(
        f"{normalised(name)}=={version}\n" for name, version in versions.items() if name != PYTHON
    )
    return hashlib.sha1("".join(lines).encode()).hexdigest()


def normalised(name: str) -> str:
    """A package's one name among those that pip takes for it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
