"""What is missing has a price and a remedy; what a run can do without does not stop it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from transport_bench.looking import is_virtual, unwritable
from transport_bench.needs import Here, State, can_measure, needs

ALL = Here(
    modes={"threading": None, "gevent": None, "uwsgi-gevent": None},
    main=("gevent", "threading"),
    unwritable=None,
    open_files=None,
    one_core=None,
    ahead=True,
    governor=None,
    virtual=False,
    client=None,
    tabs=None,
    network=None,
    tcpdump=True,
    git=True,
)


def test_where_nothing_is_missing_nothing_is_to_be_done() -> None:
    found = needs(ALL)
    assert {each.state for each in found} == {State.THERE}
    assert [each.remedy for each in found if each.remedy] == []
    assert all(each.costs for each in found)
    assert can_measure(found)


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({"client": "run: x"}, "the official client", State.MISSING),
        ({"tabs": "run: x"}, "browser tabs", State.MISSING),
        ({"network": "x"}, "a network to cut", State.MISSING),
        ({"tcpdump": False}, "tcpdump", State.MISSING),
        ({"git": False}, "git", State.MISSING),
        ({"one_core": "one core only"}, "a second core", State.PARTLY),
        ({"ahead": False}, "precedence", State.PARTLY),
        ({"open_files": 1024}, "open files", State.PARTLY),
        ({"governor": "powersave"}, "a steady speed", State.PARTLY),
        ({"virtual": True}, "a real machine", State.PARTLY),
    ],
)
def test_what_only_some_rows_need_is_told_and_stops_nothing(change, name: str, state) -> None:
    found = needs(replace(ALL, **change))
    short = [each for each in found if each.state is not State.THERE]
    assert [(each.name, each.state) for each in short] == [(name, state)]
    assert all(each.remedy for each in short)
    assert can_measure(found)


def test_a_machine_that_serves_one_mode_can_measure() -> None:
    found = needs(replace(ALL, modes={"threading": None, "gevent": "run: pip install gevent"}))
    assert can_measure(found)


def test_without_any_mode_or_without_a_folder_nothing_can_be_measured() -> None:
    assert not can_measure(needs(replace(ALL, modes={"gevent": "not installed"})))
    assert not can_measure(needs(replace(ALL, unwritable="/ cannot be written to")))


def test_modes_that_are_compared_by_default_come_first() -> None:
    names = [each.name for each in needs(ALL)][:3]
    assert names == ["mode gevent", "mode threading", "mode uwsgi-gevent"]


def test_a_processor_tells_that_it_is_not_a_real_one() -> None:
    assert is_virtual("processor : 0\nflags\t\t: fpu hypervisor lahf_lm\n")
    assert not is_virtual("flags\t\t: fpu lahf_lm\nhypervisor: none\n")
    assert not is_virtual("")


def test_a_folder_that_is_not_there_yet_is_one_that_can_be_made(tmp_path: Path) -> None:
    assert unwritable(tmp_path / "a" / "b") is None
    (tmp_path / "file").touch()
    assert "cannot be written to" in (unwritable(tmp_path / "file" / "b") or "")
