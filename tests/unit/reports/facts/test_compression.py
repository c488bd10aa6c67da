"""What WebSocket connections agreed on: said of every run, and found where a server does not."""

from __future__ import annotations

from msgspec.structs import replace

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Result
from reports.facts.findings import Finding, Kind
from reports.pages.html import to_html
from reports.summary import summarise
from tests.unit.reports.builder import measurement, planned, ran, result


def run(*, offered: bool | None = True, **agreed: str) -> Result:
    """Modes and what was agreed on in their cell."""
    plan = [
        planned(number, mode=mode.replace("_", "-"), block=0) for number, mode in enumerate(agreed)
    ]
    trials = [
        ran(number, measurement("echo"), generator=GeneratorFacts("kernel", compression=what))
        for number, what in enumerate(agreed.values())
    ]
    experiment = {"name": "test"} | ({} if offered is None else {"compress": offered})
    return result(plan, trials, experiment=experiment)


def found(one: Result) -> list[Finding]:
    return [each for each in summarise(one).findings if each.kind is Kind.UNCOMPRESSED]


def test_server_that_does_not_compress_is_a_finding_and_no_failure() -> None:
    one = run(gevent="permessage-deflate", gevent_websocket="none")
    (finding,) = found(one)
    assert finding.text == (
        "WebSocket messages are not compressed, which the clients offer as browsers do, in "
        "gevent-websocket × websocket; they are in gevent × websocket."
    )
    assert finding.cells == ("gevent-websocket × websocket",)
    assert not summarise(one).failed


def test_nobody_is_found_fault_with_where_nothing_was_offered() -> None:
    assert found(run(offered=False, gevent="none")) == []
    assert found(run(offered=None, gevent="none")) == []
    assert found(run(gevent="permessage-deflate")) == []


def test_page_says_what_was_agreed_on() -> None:
    def said(one: Result) -> str:
        page = to_html(summarise(one), [])
        return page.partition("<dt>WebSocket compression</dt><dd>")[2].partition("</dd>")[0]

    assert said(run(gevent="permessage-deflate")) == "permessage-deflate"
    assert said(run(gevent="permessage-deflate", other="none")) == (
        "permessage-deflate: gevent × websocket; none: other × websocket"
    )
    assert said(run(gevent="")) == "not recorded"


def test_page_says_in_what_answers_to_polling_were_packed() -> None:
    rows = {"echo": ["identity"], "broadcast": [], "payload:4096": ["gzip", "identity"]}
    plan = [
        replace(planned(number, row.partition(":")[0], block=0), rows=[row])
        for number, row in enumerate(rows)
    ]
    trials = [
        ran(number, measurement(row), generator=GeneratorFacts("kernel", codings=codings))
        for number, (row, codings) in enumerate(rows.items())
    ]
    head = "<dt>HTTP compression of long-polling's answers</dt><dd>"
    page = to_html(summarise(result(plan, trials)), [])
    told = page.partition(head)[2].partition("</dd>")[0]
    assert told == "none: echo; gzip, none: payload:4096"
    assert head not in to_html(summarise(run(gevent="none")), [])
