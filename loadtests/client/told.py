"""What connections are to be told, from the words of a command line.

``python -m loadtests run`` and Locust have the same options; a value that may be a secret is in no
complaint about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from loadtests.client.target import Target


class Option(NamedTuple):
    """An option of a command line, named as the field of Words.

    Attributes:
        name: with its dashes.
        form: of its value; empty where it has none.
        help: what it does.
        repeatable: whether it may be given several times.
    """

    name: str
    form: str
    help: str
    repeatable: bool = False

    @property
    def field(self) -> str:
        """Its name without dashes."""
        return self.name.removeprefix("--").replace("-", "_")


OPTIONS = (
    Option("--path", "PATH", "Of Engine.IO, behind that of the URL (default: /socket.io)."),
    Option("--query", "NAME=VALUE", "A parameter of every request.", repeatable=True),
    Option("--header", "NAME:VALUE", "A header of every request.", repeatable=True),
    Option("--cookie", "NAME=VALUE", "A cookie that every session begins with.", repeatable=True),
    Option("--auth", "JSON", "For the server's connect handler."),
    Option("--namespace", "NAME", "To join."),
    Option("--insecure", "", "Take a certificate that nobody vouches for."),
    Option("--ca-file", "FILE", "Authorities to trust in place of the system's, PEM."),
)

_NOTHING = Target()


@dataclass(frozen=True, slots=True)
class Words:
    """What was given; None, False or nothing where nothing was."""

    path: str | None = None
    query: Sequence[str] = ()
    header: Sequence[str] = ()
    cookie: Sequence[str] = ()
    auth: str | None = None
    namespace: str | None = None
    insecure: bool = False
    ca_file: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Words:
        """Those among the options of a command line, of which some may be missing."""
        fields: dict[str, Any] = {option.field: given.get(option.field) for option in OPTIONS}
        nothing: tuple[object, ...] = (None, False, (), [])
        return cls(**{name: value for name, value in fields.items() if value not in nothing})


def told(words: Words, below: Target = _NOTHING) -> Target:
    """What connections are told: these words, and below them what stands elsewhere.

    Args:
        words: of a command line. They go before everything else, by single names where there are
            several of a kind.
        below: of an experiment's table, or of a user class.

    Raises:
        ValueError: they make no sense; one line that has no value in it that may be a secret.
    """
    changes: dict[str, Any] = {
        "query": {**below.query, **_named("--query", words.query, "=")},
        "cookies": {**below.cookies, **_named("--cookie", words.cookie, "=")},
        "headers": _headers(below.headers, _named("--header", words.header, ":")),
    }
    if words.path is not None:
        changes["path"] = words.path
    if words.namespace is not None:
        changes["namespace"] = words.namespace
    if words.auth is not None:
        try:
            changes["auth"] = msgspec.json.decode(words.auth)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ValueError(
                f"""--auth: no JSON ({error}); a text wants quotes of its own: '"token"'"""
            ) from error
    if words.insecure or words.ca_file is not None:
        changes |= {"insecure": words.insecure, "ca_file": words.ca_file}
    target = below.with_(**changes)
    if target.ca_file is not None:  # a load generator works in a folder of its own
        target = target.with_(ca_file=str(Path(target.ca_file).absolute()))
    try:
        msgspec.json.encode(target)  # so it goes to other processes
    except (UnicodeError, TypeError, ValueError) as error:
        raise ValueError(
            "what connections are to be told is no text in UTF-8, or no JSON"
        ) from error
    return target


def _named(option: str, given: Iterable[str], separator: str) -> dict[str, str]:
    found: dict[str, str] = {}
    keys: set[str] = set()
    for one in given:
        name, separated, value = one.partition(separator)
        if not separated or not name.strip():
            raise ValueError(f"{option}: expected NAME{separator}VALUE")
        name, value = (name.strip(), value.strip()) if separator == ":" else (name, value)
        # Names of headers have no case (RFC 9110, section 5.1).
        key = name.lower() if separator == ":" else name
        if key in keys:
            raise ValueError(f"{option}: {name!r} is given twice")
        keys.add(key)
        found[name] = value
    return found


def _headers(below: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    names = {name.lower() for name in above}
    return {name: value for name, value in below.items() if name.lower() not in names} | {**above}
