"""Which pair comes next, on machines that are simulated."""

from __future__ import annotations

from collections import Counter

import msgspec

from loadtests.gate.judged import judged
from loadtests.gate.pairs import Kind, arm_of
from loadtests.record.results import PlannedTrial
from loadtests.record.words import Purpose, Transport
from tests.unit.gate.simulated import EXPERIMENT, Machine, is_head

GEVENT = Kind("echo", "", "gevent", Transport.WEBSOCKET)


def counted(machine: Machine) -> Counter[tuple[Purpose | None, str]]:
    """How many pairs of each purpose each mode had."""
    found = Counter((each.purpose, arm_of(each.mode)[0]) for each in machine.order)
    return Counter({key: count // 2 for key, count in found.items()})


def test_two_that_are_alike_are_settled_at_the_first_look() -> None:
    machine = Machine()
    pairing, rule = machine.run()
    found = counted(machine)
    assert found[Purpose.SCREEN, "gevent"] == 2 * rule.first  # echo and broadcast
    assert found[Purpose.CONFIRM, "gevent"] == 0
    assert not pairing.out_of_time


def test_there_are_as_many_pairs_of_two_bases_as_can_show_that_they_differ() -> None:
    machine = Machine()
    machine.run()
    twins = Counter(
        each.scenario for each in machine.order if each.mode in ("gevent-twin", "threading-twin")
    )
    # Five metrics, two-sided, at 1 %: 2 to the power of minus ten.
    assert twins == {"echo": 10, "broadcast": 10}


def test_every_fourth_pair_is_base_against_base_until_there_are_enough() -> None:
    machine = Machine()
    machine.run()
    purposes = [each.purpose for each in machine.order[::2]]
    assert purposes[:10] == ([Purpose.SCREEN] * 4 + [Purpose.CONTRAST]) * 2


def test_who_is_first_is_tossed_for_in_each_pair() -> None:
    machine = Machine(noise=0.5)
    machine.run(most=24)
    first = [
        arm_of(each.mode)[1]
        for each, other in zip(machine.order[::2], machine.order[1::2], strict=True)
        if each.purpose is Purpose.SCREEN and other.block == each.block
    ]
    assert 0.3 < first.count("base") / len(first) < 0.7
    assert "head head" in " ".join(first)
    assert "base base" in " ".join(first)


def test_slower_head_is_confirmed_with_fresh_pairs_in_that_cell_only() -> None:
    machine = Machine(cost=lambda planned: 1.2 if is_head(planned) else 1.0)
    pairing, rule = machine.run()
    found = counted(machine)
    assert set(pairing.fresh.values()) == {rule.confirm_first}
    assert found[Purpose.CONFIRM, "gevent"] == 2 * rule.confirm_first
    assert found[Purpose.CONFIRM, "threading"] == 0


def test_what_is_not_settled_is_measured_until_there_are_most_pairs() -> None:
    machine = Machine(noise=0.5)
    _, rule = machine.run(first=6, most=12)
    found = counted(machine)
    assert found[Purpose.SCREEN, "gevent"] <= 2 * rule.most
    assert found[Purpose.SCREEN, "gevent"] > 2 * rule.first


def test_pair_without_a_number_is_measured_once_more() -> None:
    seen: Counter[str] = Counter()

    def doubted(planned: object) -> list[str]:
        assert hasattr(planned, "mode")
        if not is_head(planned) or planned.scenario != "echo":  # type: ignore[arg-type, attr-defined]
            return []
        seen["echo"] += 1
        return ["server_cpu"] if seen["echo"] in (2, 4) else []

    machine = Machine(invalid=doubted)
    pairing, rule = machine.run()
    tried = [pair for pair in pairing.pairs if pair.kind == GEVENT and pair.other == "head"]
    assert len(tried) == rule.first + 2


def test_cell_that_always_fails_is_left_after_two_pairs() -> None:
    machine = Machine(failing=lambda planned: "it died" if is_head(planned) else None)
    machine.run()
    assert counted(machine)[Purpose.SCREEN, "gevent"] <= 2 * 2


def test_time_that_is_up_ends_the_screen() -> None:
    machine = Machine()
    pairing, _ = machine.run(limit_s=100)
    assert pairing.out_of_time
    assert machine.now_s <= 100


def test_time_to_confirm_is_kept_free() -> None:
    machine = Machine(noise=0.03, cost=lambda planned: 1.3 if is_head(planned) else 1.0)
    pairing, rule = machine.run(limit_s=700)
    assert machine.now_s <= 700
    assert pairing.fresh
    assert all(count >= 2 for count in pairing.fresh.values())
    assert max(pairing.fresh.values()) <= rule.confirm_first


def test_there_need_be_no_pairs_of_two_bases() -> None:
    deciding = msgspec.structs.replace(EXPERIMENT.gate, contrast=0)
    machine = Machine()
    machine.run(msgspec.structs.replace(EXPERIMENT, gate=deciding))
    assert not [each for each in machine.order if arm_of(each.mode)[1] == "twin"]


def test_limits_are_held_against_head_with_the_core_for_itself() -> None:
    machine = Machine()
    limited = msgspec.structs.replace(EXPERIMENT, limits={"echo.latency_p50": "<= 50 ms"})
    pairing, rule = machine.run(limited)
    alone = [each for each in machine.order if each.purpose is Purpose.LIMIT]
    assert {(each.scenario, arm_of(each.mode)[1]) for each in alone} == {("echo", "head")}
    assert len(alone) == 2 * rule.first == len(pairing.alone)
    assert len({each.group for each in alone}) == len(alone)


def test_repeats_do_not_go_beyond_the_time_limit() -> None:
    fresh: Counter[str] = Counter()

    def doubted(planned: PlannedTrial) -> list[str]:
        if planned.purpose is not Purpose.CONFIRM:
            return []
        fresh["confirm"] += 1
        return ["server_cpu"] if fresh["confirm"] % 2 else []

    machine = Machine(
        noise=0.03, cost=lambda planned: 1.3 if is_head(planned) else 1.0, invalid=doubted
    )
    machine.run(limit_s=700)
    assert machine.now_s <= 700


def test_schedule_comes_from_the_seed_alone() -> None:
    one, other = Machine(), Machine()
    one.run()
    other.run()
    assert one.order == other.order


def test_cell_that_is_declared_to_be_removed_is_not_measured() -> None:
    gone = msgspec.structs.replace(EXPERIMENT.gate, removed=["gevent"])
    machine = Machine(failing=lambda planned: "unknown mode" if is_head(planned) else None)
    pairing, rule = machine.run(msgspec.structs.replace(EXPERIMENT, gate=gone))
    assert {kind.mode for kind in pairing.kinds} == {"threading"}
    assert judged(pairing, rule).failures == []
    machine.order.clear()
    pairing, rule = machine.run()
    told = " ".join(judged(pairing, rule).failures)
    assert 'if it is gone on purpose: [gate] removed = ["gevent/websocket"]' in told
