"""In whose words a trial's clients speak to their server, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from loadtests.client.target import Target
from loadtests.machine.launch import RunningServer
from loadtests.record.application import BESIDE_NAMESPACE
from loadtests.run.experiment import Experiment
from loadtests.run.subjects import Subject
from loadtests.scenarios.own_messages import PAYLOAD, Messages, OwnExchange
from loadtests.scenarios.scenario import Speaks


def messages_of(experiment: Experiment, subject: Subject, speaks: Speaks) -> Messages | None:
    """The messages that a trial has in place of ours; None for ours.

    An application that this run serves has ours as well, for what its own cannot do.

    Args:
        experiment: that may say some.
        subject: that is measured.
        speaks: what the trial's scenario needs.
    """
    own = subject.messages or experiment.messages
    if own is None or (subject.url is None and own.of(speaks) is None):
        return None
    return own


def said(given: Mapping[str, Any], below: Messages | None) -> Messages | None:
    """The messages that a command line says, and below them those of an experiment.

    Args:
        given: its options: ``echo_event``, ``echo_data``, ``echo_answer`` and the same of
            ``broadcast``; a kind of which an event is given is said anew.
        below: what stands elsewhere.

    Raises:
        ValueError: they make no sense; one line.
    """
    found: dict[str, OwnExchange] = {}
    for kind in (Speaks.ECHO, Speaks.BROADCAST):
        event, data, answer = (given.get(f"{kind}_{part}") for part in ("event", "data", "answer"))
        if event is None:
            if data is not None or answer is not None:
                raise ValueError(f"--{kind}-data and --{kind}-answer are about --{kind}-event")
            continue
        more: dict[str, Any] = {} if answer is None else {"answer": answer}
        if data is not None:
            more["data"] = _json(f"--{kind}-data", data)
        try:
            found[kind] = OwnExchange(event, **more)
        except ValueError as error:
            raise ValueError(f"--{kind}-event {event}: {error}") from error
    if not found:
        return below
    if below is None:
        return Messages(found.get(Speaks.ECHO), found.get(Speaks.BROADCAST))
    return msgspec.structs.replace(below, **found)


def _json(option: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(
            f"""{option}: no JSON ({error}); such as '{{"text": "{PAYLOAD}"}}'"""
        ) from error


def unspoken(experiment: Experiment, subject: Subject, speaks: Speaks) -> str:
    """Why a running server cannot be spoken to; nothing where it can."""
    own = subject.messages or experiment.messages
    if own is None or speaks is Speaks.NOTHING or own.of(speaks) is not None:
        return ""
    if speaks is Speaks.MORE:
        return "its messages are those of the application under test, and [messages] say others"
    return f"[messages] say no {speaks}"


def target_of(
    experiment: Experiment, subject: Subject, speaks: Speaks, server: RunningServer | None
) -> Target:
    """What connections are told; where the events are is known of an application of others.

    Args:
        experiment: see messages_of.
        subject: the same.
        speaks: the same.
        server: that this run has started, whose path is known.
    """
    target = subject.target or experiment.target
    if messages_of(experiment, subject, speaks) is not None:
        target = target.with_(namespace=target.namespace or "/")
    elif subject.app is not None:
        target = target.with_(namespace=BESIDE_NAMESPACE)
    if subject.app is None or server is None or target.path != Target().path:
        return target
    return target.with_(path=server.ready.path)
