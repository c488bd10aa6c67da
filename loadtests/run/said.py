"""Messages of one's own application, from the words of a command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from loadtests.scenarios.own_messages import PAYLOAD, First, Messages, OwnExchange
from loadtests.scenarios.scenario import Speaks

_PARTS = ("event", "data", "answer", "matched_by")


def said(given: Mapping[str, Any], below: Messages | None) -> Messages | None:
    """The messages that a command line says, and below them those that stand elsewhere.

    Args:
        given: its options: ``echo_event``, ``echo_data``, ``echo_answer``, ``echo_matched_by``, the
            first three of ``broadcast`` too, and ``first``; a kind of which an event is given is
            said anew.
        below: of an experiment, or of one of its subjects.

    Raises:
        ValueError: they make no sense; one line.
    """
    found = {kind: _exchange(kind, given) for kind in (Speaks.ECHO, Speaks.BROADCAST)}
    echo, broadcast = found[Speaks.ECHO], found[Speaks.BROADCAST]
    first = [_first(text) for text in given.get("first") or ()]
    if echo is None and broadcast is None and not first:
        return below
    if below is None:
        return Messages(echo, broadcast, first)
    return Messages(
        echo or below.echo, broadcast or below.broadcast, first if first else below.first
    )


def _exchange(kind: Speaks, given: Mapping[str, Any]) -> OwnExchange | None:
    event, data, answer, matched_by = (given.get(f"{kind}_{part}") for part in _PARTS)
    if event is None:
        if (data, answer, matched_by) != (None, None, None):
            raise ValueError(f"--{kind}-data and others of {kind} are about --{kind}-event")
        return None
    fields = {"event": event, "answer": answer, "matched_by": matched_by}
    if data is not None:
        fields["data"] = _json(f"--{kind}-data", data, f'{{"text": "{PAYLOAD}"}}')
    try:
        told = {name: each for name, each in fields.items() if each is not None or name == "data"}
        return msgspec.convert(told, OwnExchange)
    except ValueError as error:  # msgspec's own is one
        raise ValueError(f"--{kind}-event {event}: {error}") from error


def _first(text: str) -> First:
    example = '{"event": "enter", "data": "lobby", "answer": "entered"}'
    found = _json("--first", text, example)
    try:
        return msgspec.convert(found, First)
    except ValueError as error:
        # What is in it may be somebody's password.
        raise ValueError(f"--first: not like {example} ({error})") from error


def _json(option: str, text: str, example: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{option}: no JSON ({error}); such as '{example}'") from error
