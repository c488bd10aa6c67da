"""Connections: what each takes and what is left of it are slopes, whatever a server has besides."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.arithmetic.usage import Usage
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios.connections import METRICS, Point, Seen, lasting_growth, slope, summarise
from loadtests.scenarios.crowd import Arrived
from loadtests.scenarios.upgrading import NO_UPGRADE
from tests.support.simulation import MS, SECOND

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[connections]\n'


#: After each wave; measured of a gevent server that keeps nothing (120 WebSocket clients).
FILLS_UP = [69.1, 77.3, 83.3, 86.5, 89.2, 91.0, 92.0, 92.4, 93.1, 93.4, 93.6, 93.9]


def seen(**changes: Any) -> Seen:
    """Of a server of 60 MiB that takes 80 KiB, two descriptors and no thread per connection."""
    points = [Point(n, 60 + n * 80 / 1024, 3, 20 + 2 * n) for n in (5, 50, 150, 300)]
    found = Seen(
        points=points,
        left_mib=FILLS_UP,
        arrived=[Arrived(0, 3 * MS, 5 * MS)] * 99 + [Arrived(0, 3 * MS, 50 * MS)],
        connecting=[Usage(SECOND // 2, SECOND // 10, SECOND // 2)],
        heartbeats=200,
        idle=Usage(4 * SECOND, SECOND // 10, SECOND // 50),
        upgraded_ns=[9 * MS] * 20,
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_what_a_connection_takes_is_a_slope() -> None:
    found = summarise(seen(), 300, 120)
    assert found.metrics.keys() == METRICS.keys()
    assert found.metrics["connection_rss"] == pytest.approx(80)
    assert found.metrics["connection_files"] == pytest.approx(2)
    assert found.metrics["connection_threads"] == pytest.approx(0, abs=1e-9)
    assert found.metrics["connected"] == 300
    assert found.invalid == found.unavailable == {}


def test_connecting_and_joining_are_told_apart() -> None:
    found = summarise(seen(), 300, 120)
    assert (found.metrics["connect_p50"], found.metrics["connect_p99"]) == (5, 5)
    assert found.metrics["join_p50"] == 2
    assert found.metrics["connects"] == 200


def test_upgrades_are_timed_or_it_is_said_why_there_are_none() -> None:
    assert summarise(seen(), 300, 120).metrics["upgrade_p50"] == 9
    some = summarise(seen(not_upgraded="no upgrade (3)"), 300, 120)
    assert "not all clients were upgraded: no upgrade (3)" in some.invalid["upgrade_p50"]
    none = summarise(seen(upgraded_ns=[], not_upgraded=NO_UPGRADE), 300, 120)
    assert none.metrics["upgrade_p50"] is None
    assert none.unavailable["upgrade_p50"] == NO_UPGRADE


def test_heartbeats_have_their_cost() -> None:
    assert summarise(seen(), 300, 120).metrics["server_cpu"] == pytest.approx(100)


def test_memory_that_a_server_fills_once_is_not_left_behind() -> None:
    assert summarise(seen(), 120, 120).metrics["left_behind"] == pytest.approx(0, abs=4)
    assert summarise(seen(left_mib=[90.0] * 12), 120, 120).metrics["left_behind"] == pytest.approx(
        0
    )


def test_memory_that_is_kept_is_told_per_client_that_came_and_went() -> None:
    leak_mib = 120 * 64 / 1024
    filled = [mib + wave * leak_mib for wave, mib in enumerate(FILLS_UP)]
    assert summarise(seen(left_mib=filled), 120, 120).metrics["left_behind"] == pytest.approx(
        64, abs=4
    )


def test_wave_that_did_not_come_back_whole_leaves_nothing_that_is_known() -> None:
    found = summarise(seen(not_back="no answer (99 of 120 are connected)"), 300, 120)
    assert "a wave did not come back whole: no answer" in found.invalid["left_behind"]


def test_growth_that_lasts_is_told_from_growth_that_dies_away() -> None:
    values = [50 + 3 * number - 20 * 0.6**number for number in range(12)]
    assert lasting_growth(values) == pytest.approx(3)
    assert lasting_growth(values[:5]) is None, "too few to tell"


def test_server_of_ones_own_has_no_memory_that_is_known_and_that_is_no_zero() -> None:
    points = [Point(n, None, None, None) for n in (5, 50, 150)]
    idle = Usage(4 * SECOND, SECOND, None)
    found = summarise(seen(points=points, left_mib=[], idle=idle), 150, 120)
    for name in ("connection_rss", "connection_threads", "left_behind", "server_cpu"):
        assert found.metrics[name] is None
        assert "was not started by this run" in found.unavailable[name]
    assert found.metrics["connect_p50"] == 5


def test_server_without_room_for_all_says_how_many_it_had() -> None:
    found = summarise(seen(refused="no answer (300 of 500 are connected)"), 300, 120)
    assert found.notes["connected"] == (
        "no more could connect: no answer (300 of 500 are connected)"
    )


def test_busy_generator_is_what_may_have_been_slow() -> None:
    connecting = [Usage(SECOND, round(0.95 * SECOND), SECOND // 2)]
    found = summarise(seen(connecting=connecting), 300, 120)
    assert "load generator may be what limits" in found.invalid["connects"]


def test_slope_of_what_does_not_change_is_nothing_at_all() -> None:
    assert slope([5, 50, 150, 300, 500], [1.0] * 5) == 0


def test_slope_of_one_point_or_of_equal_ones_is_none() -> None:
    assert slope([1], [2]) is slope([3, 3], [1, 2]) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("steps = [10, 5, 20]", "each is above the one before"),
        ("steps = [10, 20]", "length >= 3"),
        ("idle_s = 1", "idle_s is below ping_interval_s"),
        ("waves = 5", ">= 6"),
    ],
)
def test_what_says_nothing_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
