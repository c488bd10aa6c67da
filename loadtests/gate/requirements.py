"""A requirements file in a state of an application, as one text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from loadtests.gate.errors import ArmError

_INCLUDES = re.compile(r"(?:-r\s*|--requirement[\s=]+)(\S+)")
_REFUSED = {
    re.compile(r"-e\b|--editable\b"): "an editable package",
    re.compile(r"-c\b|--constraint\b"): "a file of constraints",
    re.compile(r"\.{0,2}/|\.$|file:|\S+\s*@\s*file:|[A-Za-z]:\\"): "a path",
}
_DEEPEST = 10


def flattened(path: str, read: Callable[[str], str | None]) -> str:
    """Its lines, with those of the files that it includes.

    Args:
        path: of the file, from the top of the repository.
        read: gives a file's text; None where there is none.

    Returns:
        What pip can be given alone, wherever it runs.

    Raises:
        ArmError: a file is missing, or a line means something of this machine. The application
            itself is not installed: it is served from where its commit is laid out.
    """
    return "".join(f"{line}\n" for line in _lines(path, read, depth=0))


def _lines(path: str, read: Callable[[str], str | None], depth: int) -> Iterator[str]:
    text = read(path)
    if text is None:
        raise ArmError(f"there is no {path}")
    if depth > _DEEPEST:
        raise ArmError(f"{path}: includes itself, or too deeply")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # what git gave was no UTF-8
        raise ArmError(f"{path}: not UTF-8") from error
    # A backslash at the end goes on with the line, as hashes do.
    for line in re.sub(r"\\\r?\n", " ", text.removeprefix("\ufeff")).splitlines():
        told = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if not told:
            continue
        if included := _INCLUDES.match(told):
            beside = PurePosixPath(path).parent / included[1]
            yield from _lines(_tidied(beside), read, depth + 1)
            continue
        for pattern, what in _REFUSED.items():
            if pattern.match(told):
                raise ArmError(
                    f"{path}: {what} ({told[:80]}); packages by name and version are wanted here, "
                    "since the application is served from its own commit"
                )
        yield told


def _tidied(path: PurePosixPath) -> str:
    """Without ``..``: git knows none."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if not parts:
                raise ArmError(f"{path}: outside of the repository")
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
