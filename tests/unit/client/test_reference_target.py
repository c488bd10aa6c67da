"""A session that python-socketio drives is told what the application wants, as one of ours is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.client import reference
from loadtests.client.reference import ReferenceSession
from loadtests.client.target import Target
from loadtests.record.words import Transport
from tests.unit.client.streams import SERVER
from tests.unit.client.test_reference_session import FakeClient


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[FakeClient]:
    monkeypatch.setattr(FakeClient, "made", [], raising=False)
    monkeypatch.setattr(FakeClient, "refusal", None)
    monkeypatch.setattr(reference, "_Client", FakeClient)
    return FakeClient.made


def test_library_is_told_what_the_application_wants(fakes: list[FakeClient]) -> None:
    target = Target(
        query={"room": "a b"},
        headers={"X-Key": "k"},
        cookies={"token": "x"},
        ca_file=__file__,
    )
    made = ReferenceSession(replace(SERVER, target=target), (Transport.POLLING,), "/test")
    made.connect(auth={"me": 1}, timeout_s=3)
    [library] = fakes
    told = library.connected_with
    assert (told["url"], told["auth"]) == ("http://example:5000?room=a+b", {"me": 1})
    assert told["headers"] == {"X-Key": "k"}
    http = library.options["http_session"]
    assert http.cookies.get_dict() == {"token": "x"}
    assert (http.verify, library.options["ssl_verify"]) == (__file__, True)
    assert (made.compressed, made.unread) == (False, 0)


def test_library_trusts_everybody_where_that_is_wanted(fakes: list[FakeClient]) -> None:
    insecure = replace(SERVER, target=Target(insecure=True))
    ReferenceSession(insecure, (Transport.POLLING,), "/test")
    assert fakes[0].options["ssl_verify"] is False
