"""Findings about applications of somebody's own: what they were sent, and what they say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.record.results import Result
from reports.facts.findings import Finding, Kind, Severity
from reports.facts.markdown import inert
from reports.pages.exports import to_markdown
from reports.summary import summarise
from tests.unit.reports.matrix import realistic

OWN = {"echo": {"event": "say", "answer": "said"}}


def told(kind: Kind, subject: Any = None, **more: Any) -> list[Finding]:
    return [one for one in summarise(run(subject, **more)).findings if one.kind is kind]


def run(subject: Any = None, **more: Any) -> Result:
    base = realistic(blocks=2, scenarios=("echo",))
    experiment = {**base.experiment, "subject": subject, **more}
    return msgspec.structs.replace(base, experiment=experiment)


def test_handlers_beside_which_messages_went_are_told_of() -> None:
    (finding,) = told(Kind.WHOSE_MESSAGES, [{"label": "gevent", "app": "shop:app"}])
    assert finding.severity is Severity.NOTE
    assert "own handlers were not measured" in finding.text


def test_messages_of_ones_own_are_named() -> None:
    (finding,) = told(Kind.WHOSE_MESSAGES, [{"label": "a", "app": "shop:app"}], messages=OWN)
    assert "echo is 'say', answered by 'said'" in finding.text
    assert finding.severity is Severity.NOTE


def test_subjects_that_were_sent_different_messages_are_not_to_be_compared() -> None:
    tables = [{"label": "a", "app": "x:y", "messages": OWN}, {"label": "b", "app": "x:y"}]
    first, second = told(Kind.WHOSE_MESSAGES, tables)
    assert first.severity is second.severity is Severity.WARNING
    assert "by 'a'" in first.text
    assert "by 'b'" in second.text


@pytest.mark.parametrize("subject", [None, [], 5, "gevent", [7], [{"label": "a", "url": "u"}]])
def test_nothing_is_told_where_there_is_no_such_application(subject: Any) -> None:
    assert told(Kind.WHOSE_MESSAGES, subject) == []


def test_exceptions_of_a_server_are_a_note() -> None:
    base = run()
    first, *others = base.trials
    raised = "2 exceptions, the first: KeyError (app.py, line 3)"
    trials = [msgspec.structs.replace(first, raised=raised), *others]
    found = summarise(msgspec.structs.replace(base, trials=trials)).findings
    (finding,) = (one for one in found if one.kind is Kind.RAISED)
    assert raised in finding.text
    assert told(Kind.RAISED) == []


def test_names_that_somebody_has_chosen_mention_and_link_nobody_on_github() -> None:
    hostile = {"echo": {"event": "@octocat <b> https://example.com", "answer": "x" * 999}}
    page = to_markdown(summarise(run([{"label": "a", "app": "x:y"}], messages=hostile)))
    assert "@octocat" not in page
    assert "https://example.com" not in page
    assert "x" * 100 not in page
    assert inert("a@b, mail@example.com: at 12:30") == "a@<wbr>b, mail@<wbr>example.com: at 12:30"
