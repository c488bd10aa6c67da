"""In whose words a trial's clients speak to their server, and where."""

from __future__ import annotations

from typing import Any

import msgspec

from loadtests.client.target import Target
from loadtests.machine.launch import RunningServer
from loadtests.record.application import BESIDE_NAMESPACE
from loadtests.run.experiment import Experiment
from loadtests.run.subjects import Subject
from loadtests.scenarios.own_messages import Messages
from loadtests.scenarios.scenario import Scenario, Speaks


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
    # Who says nothing needs to have said nothing before.
    return msgspec.structs.replace(own, first=[]) if speaks is Speaks.NOTHING else own


def unspoken(experiment: Experiment, subject: Subject, scenario: Scenario[Any]) -> str:
    """Why a scenario cannot be said in a subject's own words; nothing where it can.

    Args:
        experiment: see messages_of.
        subject: a running server, or an application.
        scenario: that is to be measured.
    """
    own, speaks = subject.messages or experiment.messages, scenario.speaks
    if own is None or speaks is Speaks.NOTHING:
        return ""
    exchange = own.of(speaks)
    if exchange is not None and exchange.is_known_by_order and scenario.overloads:
        return (
            "its answers come late where more is offered than a server can answer, and which is "
            'to which message cannot be known with matched_by = "order"'
        )
    if exchange is not None or subject.url is None:
        return ""
    if speaks is Speaks.MORE:
        return "its messages are those of the application under test, and [messages] say others"
    return f"nothing is said of {speaks} ([messages], or --{speaks}-event)"


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
