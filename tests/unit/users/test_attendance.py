"""Since when there has been nobody to make load."""

from __future__ import annotations

import pytest

from loadtests.users.attendance import Attendance

SECOND_NS = 10**9


@pytest.fixture
def attendance():
    result = Attendance()
    result.begin(100 * SECOND_NS)
    for _ in range(3):
        result.came()
    return result


def test_last_session_that_is_lost_says_since_when_there_is_no_load(attendance):
    assert not attendance.lost(105 * SECOND_NS)
    assert not attendance.lost(107 * SECOND_NS)
    assert attendance.words() is None
    assert attendance.lost(114 * SECOND_NS + SECOND_NS // 5)
    assert attendance.words() == "no load since 14.2 s: all 3 users lost their session"


def test_users_that_could_not_connect_are_told_of(attendance):
    attendance.refused()
    for _ in range(3):
        attendance.lost(101 * SECOND_NS)
    assert attendance.words() == (
        "no load since 1.0 s: all 3 users lost their session (1 more could not connect)"
    )


def test_test_whose_users_could_not_connect_had_no_load():
    attendance = Attendance()
    attendance.begin(0)
    assert attendance.words() is None
    attendance.refused()
    assert attendance.words() == "no load: no user could connect"
    attendance.came()
    assert attendance.words() is None


def test_users_that_were_stopped_were_not_lost(attendance):
    for _ in range(3):
        attendance.left()
    assert attendance.words() is None


def test_user_that_comes_back_makes_load_again(attendance):
    for _ in range(3):
        attendance.lost(101 * SECOND_NS)
    attendance.returned()
    assert attendance.words() is None
    attendance.lost(103 * SECOND_NS)
    assert attendance.words() == "no load since 3.0 s: all 3 users lost their session"
