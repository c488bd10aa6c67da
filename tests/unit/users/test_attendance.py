"""Since when there has been nobody to make load, in one process or in several."""

from __future__ import annotations

import re

import pytest

from loadtests.users.attendance import Attendance, Headcount, no_load

SECOND_NS = 10**9


@pytest.fixture
def attendance() -> Attendance:
    result = Attendance()
    result.begin(100 * SECOND_NS)
    for _ in range(3):
        result.came()
    return result


def words(attendance: Attendance) -> str | None:
    return no_load([attendance.headcount()])


def test_last_session_that_is_lost_says_since_when_there_is_no_load(attendance: Attendance) -> None:
    attendance.lost(105 * SECOND_NS)
    attendance.lost(107 * SECOND_NS)
    assert words(attendance) is None
    attendance.lost(114 * SECOND_NS + SECOND_NS // 5)
    assert words(attendance) == "no load since 14.2 s: all 3 users lost their session"


def test_users_that_could_not_connect_are_told_of(attendance: Attendance) -> None:
    attendance.refused()
    for _ in range(3):
        attendance.lost(101 * SECOND_NS)
    assert words(attendance) == (
        "no load since 1.0 s: all 3 users lost their session (1 more could not connect)"
    )


def test_test_whose_users_could_not_connect_had_no_load() -> None:
    attendance = Attendance()
    attendance.begin(0)
    assert words(attendance) is None
    attendance.refused()
    assert words(attendance) == "no load: no user could connect"
    attendance.came()
    assert words(attendance) is None


def test_users_that_were_stopped_were_not_lost(attendance: Attendance) -> None:
    for _ in range(3):
        attendance.left()
    assert words(attendance) is None


def test_user_that_comes_back_makes_load_again(attendance: Attendance) -> None:
    for _ in range(3):
        attendance.lost(101 * SECOND_NS)
    attendance.returned()
    assert words(attendance) is None
    attendance.lost(103 * SECOND_NS)
    assert words(attendance) == "no load since 3.0 s: all 3 users lost their session"
    assert attendance.headcount().came == 3


def test_users_that_fail_in_their_on_start_are_told_of() -> None:
    attendance = Attendance()
    attendance.begin(0)
    attendance.came()
    attendance.failed(2 * SECOND_NS)
    assert words(attendance) == "no load since 2.0 s: the only user failed in its on_start"
    attendance.came()
    assert words(attendance) is None
    attendance.lost(3 * SECOND_NS)
    assert words(attendance) == (
        "no load since 3.0 s: all 2 users lost their session or failed in their on_start"
    )


def test_users_that_try_to_come_back_are_counted_until_they_give_up(
    attendance: Attendance,
) -> None:
    attendance.lost(101 * SECOND_NS, returning=True)
    attendance.lost(101 * SECOND_NS, returning=True)
    attendance.returned()
    assert attendance.headcount().returning == 1
    attendance.gave_up()
    assert attendance.headcount().returning == 0


# --- several processes

GONE = Headcount(present=0, came=2, lost=2, idle_s=4.0)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([Headcount(present=1, came=1)], None),
        ([Headcount(present=0, came=3, lost=3, idle_s=9.0)], "no load since 9.0 s: all 5 users"),
        ([Headcount(refused=2)], r"no load since 4.0 s: all 2 users lost .* \(2 more could not"),
        ([Headcount()], "no load since 4.0 s: all 2 users lost their session"),
        # Its users were stopped, and before that they made load.
        ([Headcount(present=0, came=3)], "no load since 4.0 s: all 2 users lost their session"),
    ],
)
def test_there_is_load_as_long_as_any_process_has_a_user(
    others: list[Headcount], said: str | None
) -> None:
    found = no_load([GONE, *others])
    assert found is None if said is None else re.match(said, found or "")


def test_no_user_of_any_process_could_connect() -> None:
    refused = [Headcount(refused=2), Headcount(), Headcount(refused=1)]
    assert no_load(refused) == "no load: no user could connect"
    assert no_load([*refused, Headcount(present=1, came=1)]) is None
    assert no_load([]) is None
