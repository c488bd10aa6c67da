"""What happens to many sessions alike is told once, and counted."""

from __future__ import annotations

import logging

import pytest

from loadtests.client import notices


@pytest.fixture(autouse=True)
def _forgotten():
    notices.forget()
    yield
    notices.forget()


def test_first_of_a_kind_is_told_with_its_example_and_the_others_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            notices.tell("messages that are too long: send less", f"{number} bytes")
        notices.tell("POSTs that are thrown away", "17 packets")
    assert caplog.messages == [
        "messages that are too long: send less (the first: 0 bytes)",
        "POSTs that are thrown away (the first: 17 packets)",
    ]
    assert notices.counted() == {
        "messages that are too long: send less": 1000,
        "POSTs that are thrown away": 1,
    }


def test_counts_are_copies_and_can_be_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    notices.tell("kind", "one")
    notices.counted()["kind"] = 7
    assert notices.counted() == {"kind": 1}
    notices.forget()
    assert notices.counted() == {}
    caplog.clear()
    notices.tell("kind", "two")
    assert caplog.messages == ["kind (the first: two)"]
