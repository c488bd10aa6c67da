"""Who gets an event that has arrived."""

from __future__ import annotations

import pytest

from loadtests.users.inbox import KEPT, Found, Inbox

SAID = ("said", None)


@pytest.fixture
def inbox():
    return Inbox(expects=["hello"])


def found(*arguments, at_ns=0):
    return Found(list(arguments), at_ns, at_ns)


def test_first_who_waits_for_it_gets_it_and_the_handler_too(inbox):
    heard: list[str] = []
    inbox.handle(SAID, heard.append)
    first, is_new = inbox.wait(SAID, None)
    assert not is_new
    second, _ = inbox.wait(SAID, None)
    inbox.deliver(SAID, found("text"))
    assert first.answer.get(block=False) == found("text")
    assert not second.answer.ready()
    assert heard == ["text"]


def test_who_waits_for_something_else_goes_on_waiting(inbox):
    waiting, is_new = inbox.wait(SAID, lambda text: text == "mine")
    assert is_new
    inbox.deliver(SAID, found("another's"))
    assert not waiting.answer.ready()
    inbox.deliver(SAID, found("mine"))
    assert waiting.answer.get(block=False).arguments == ["mine"]


def test_expected_event_is_kept_until_somebody_waits_for_it(inbox):
    key = ("hello", None)
    for text in ("first", "second", "third"):
        inbox.deliver(key, found(text))
    waiting, _ = inbox.wait(key, lambda text: text == "second")
    inbox.take_kept(key, waiting)
    assert waiting.answer.get(block=False).arguments == ["second"]
    another, _ = inbox.wait(key, None)
    inbox.take_kept(key, another)
    assert another.answer.get(block=False).arguments == ["third"]


def test_what_nobody_ever_waits_for_does_not_pile_up(inbox):
    key = ("hello", None)
    for number in range(KEPT + 1):
        inbox.deliver(key, found(number))
    waiting, _ = inbox.wait(key, None)
    inbox.take_kept(key, waiting)
    assert waiting.answer.get(block=False).arguments == [1]


def test_namespaces_are_listened_to_apart(inbox):
    heard: list[str] = []
    inbox.handle(("said", "/admin"), heard.append)
    inbox.handle(SAID, lambda _text: None)
    inbox.deliver(SAID, found("to all"))
    assert heard == []
    assert list(inbox.keys("/admin")) == [("said", "/admin")]
    assert list(inbox.keys(None)) == [("hello", None), SAID]
