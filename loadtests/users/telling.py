"""Locust's options for what connections are told, and where that takes them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from loadtests.client.link import Server, locate
from loadtests.client.target import Target
from loadtests.client.told import OPTIONS, Words, told

_NOTHING = Target()


def add_target_options(parser: Any) -> None:
    """Of the command line only: a page that others may open is no place for what may be secrets."""
    for option in OPTIONS:
        more: dict[str, Any] = {"metavar": option.form}
        if not option.form:
            more = {"action": "store_true"}
        elif option.repeatable:
            more |= {"action": "append", "default": []}
        parser.add_argument(option.name, include_in_web_ui=False, help=option.help, **more)
    parser.add_argument(
        "--no-compression",
        action="store_true",
        include_in_web_ui=False,
        help="Do not offer to compress WebSocket messages, as browsers do.",
    )


def target_of(options: Any, below: Target = _NOTHING) -> Target:
    """What connections are told by the command line, and below that by a user class.

    Args:
        options: Locust's.
        below: of a user class.

    Raises:
        ValueError: the options make no sense, in one line.
    """
    return told(Words.of({} if options is None else vars(options)), below)


def compression_of(options: Any) -> bool:
    """Whether clients offer to compress WebSocket messages."""
    return not getattr(options, "no_compression", False)


def located(
    url: str, target: Target = _NOTHING, *, lean: bool = False, compression: bool = True
) -> Server:
    """What ``locate`` finds, looked for once in a process.

    No user is to measure the resolver, or the reading of certificates; what each of them says may
    be its own.

    Raises:
        ConnectionFailed: see ``locate``.
    """
    server = _place(url, target.path, target.insecure, target.ca_file)
    return replace(server, target=target, lean=lean, compression=compression)


@cache
def _place(url: str, path: str, insecure: bool, ca_file: str | None) -> Server:
    return locate(url, Target(path=path, insecure=insecure, ca_file=ca_file))
