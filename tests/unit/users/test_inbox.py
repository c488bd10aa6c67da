"""Who gets an event that has arrived."""

from __future__ import annotations

import pytest

from loadtests.users.inbox import KEPT, Found, Inbox

SAID = ("said", None)


@pytest.fixture
def broken():
    """What a matching has raised while an event arrived."""
    return []


@pytest.fixture
def inbox(broken):
    return Inbox(["hello"], lambda key, error: broken.append((key, str(error))))


def breaks(text):
    return text["nonsense"]


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


def test_event_whose_matching_breaks_goes_to_the_next_and_to_the_handler(inbox, broken):
    heard: list[str] = []
    inbox.handle(SAID, heard.append)
    first, _ = inbox.wait(SAID, breaks)
    second, _ = inbox.wait(SAID, None)
    inbox.deliver(SAID, found("text"))
    assert (first.answer.ready(), second.answer.ready(), heard) == (False, True, ["text"])
    ((key, words),) = broken
    assert key == SAID
    assert words.startswith("matching= raised TypeError: ")


def test_kept_event_stays_where_matching_breaks(inbox):
    key = ("hello", None)
    inbox.deliver(key, found("text"))
    waiting, _ = inbox.wait(key, breaks)
    with pytest.raises(RuntimeError, match="matching= raised TypeError"):
        inbox.take_kept(key, waiting)
    inbox.dismiss(key, waiting)
    another, _ = inbox.wait(key, None)
    inbox.take_kept(key, another)
    assert another.answer.get(block=False).arguments == ["text"]
