"""The order of trials: blocks, groups whose servers take turns, and nobody who is always first."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.record.results import PlannedTrial
from loadtests.record.words import Client, Transport
from loadtests.run.experiment import Experiment, ExperimentError, parse
from loadtests.run.plan import cut, plan
from loadtests.run.schedule import in_groups
from loadtests.scenarios.scenario import Variant
from tests.unit.run.test_experiment import WHOLE

_IN_TURNS = ("echo", "broadcast")


@pytest.fixture
def whole() -> Experiment:
    return parse(WHOLE, "mine.toml")


# --- blocks


def test_same_seed_gives_the_same_order(whole: Experiment) -> None:
    assert plan(whole) == plan(parse(WHOLE, "elsewhere.toml"))


def test_another_seed_gives_another_order(whole: Experiment) -> None:
    assert plan(whole) != plan(msgspec.structs.replace(whole, seed=8))


@pytest.mark.parametrize("scenario", ["echo", "broadcast"])
def test_scenario_may_have_trials_in_the_first_blocks_only(scenario: str) -> None:
    table = f"[{scenario}]\n"
    trials = plan(parse(WHOLE.replace(table, f"{table}blocks = 2\n"), "mine.toml"))
    blocks = {each: {one.block for one in trials if one.scenario == each} for each in _IN_TURNS}
    assert blocks.pop(scenario) == {0, 1}
    assert list(blocks.values()) == [{0, 1, 2}]


def test_order_is_the_same_on_every_machine_and_version() -> None:
    # Written down once: a changed order makes old and new runs of a seed incomparable.
    experiment = parse(WHOLE.replace("blocks = 3", "blocks = 1"), "o")
    first = [(each.scenario, each.mode, each.transport.value) for each in plan(experiment)[:3]]
    assert first == [
        ("disconnect", "threading", "polling"),
        ("echo", "threading", "polling"),
        ("echo", "gevent", "websocket"),
    ]


def test_every_block_has_every_combination_exactly_once(whole: Experiment) -> None:
    combinations = {
        (scenario, mode, transport)
        for scenario in ("echo", "broadcast", "disconnect")
        for mode in ("gevent", "threading")
        for transport in Transport
    }
    for block in range(3):
        found = Counter(
            (each.scenario, each.mode, each.transport)
            for each in plan(whole)
            if each.block == block
        )
        assert dict.fromkeys(combinations, 1) == found


def test_blocks_differ_in_their_order(whole: Experiment) -> None:
    orders = {
        tuple((each.scenario, each.mode, each.transport) for each in plan(whole) if each.block == b)
        for b in range(3)
    }
    assert len(orders) == 3


def test_trials_are_numbered_as_they_run(whole: Experiment) -> None:
    trials = plan(whole)
    assert list(range(36)) == [each.number for each in trials]
    assert [each.block for each in trials] == [0] * 12 + [1] * 12 + [2] * 12


def test_disconnect_has_a_row_per_cause(whole: Experiment) -> None:
    rows = {each.scenario: each.rows for each in plan(whole)}
    assert rows == {
        "echo": ["echo"],
        "broadcast": ["broadcast"],
        "disconnect": ["disconnect:close", "disconnect:kill"],
    }


@pytest.mark.parametrize(
    ("axis", "value"), [("modes", '["gevent", "gevent"]'), ("transports", '["polling", "polling"]')]
)
def test_cell_that_is_named_twice_does_not_run_twice_in_a_block(axis: str, value: str) -> None:
    text = re.sub(rf"^{axis} = .*$", f"{axis} = {value}", WHOLE, flags=re.MULTILINE)
    try:
        trials = plan(parse(text, "o"))
    except ExperimentError:
        return  # refusing it, as a cause that is named twice is, would be as good
    found = Counter((each.block, each.scenario, each.mode, each.transport) for each in trials)
    assert {1} == set(found.values())


# --- groups


def cell_of(planned: PlannedTrial) -> tuple[str, Transport, Client]:
    return planned.mode, planned.transport, planned.client


def groups_of(experiment: Experiment, scenario: str) -> dict[int, list[PlannedTrial]]:
    """Block -> the group of a scenario that has one in each."""
    found = {}
    for together in in_groups(plan(experiment)):
        if together[0].scenario == scenario:
            assert together[0].block not in found
            found[together[0].block] = together
    return found


def test_cells_of_a_scenario_that_takes_turns_are_one_group_in_each_block(
    whole: Experiment,
) -> None:
    cells = {(mode, transport) for mode in ("gevent", "threading") for transport in Transport}
    for scenario in ("echo", "broadcast"):
        groups = groups_of(whole, scenario)
        assert sorted(groups) == [0, 1, 2]
        for together in groups.values():
            assert cells == {(each.mode, each.transport) for each in together}
            assert len(together) == 4


def test_trials_of_a_group_have_its_number_which_is_nobody_elses(whole: Experiment) -> None:
    found = [{each.group for each in together} for together in in_groups(plan(whole))]
    assert all(len(each) == 1 for each in found)
    numbers = [number for (number,) in found if number is not None]
    assert list(range(6)) == numbers


def test_trials_of_a_scenario_that_takes_no_turns_run_alone(whole: Experiment) -> None:
    alone = [each for each in plan(whole) if each.scenario == "disconnect"]
    assert {None} == {each.group for each in alone}
    assert sum(len(together) for together in in_groups(alone) if len(together) == 1) == 12, (
        "also where two of them follow each other"
    )


def test_a_cell_that_is_the_only_one_takes_turns_with_itself() -> None:
    text = re.sub(r"^(modes|transports) = .*$", "", WHOLE, flags=re.MULTILINE)
    one = parse(f'modes = ["gevent"]\ntransports = ["polling"]\n{text}', "mine.toml")
    found = {each.scenario: each.group is None for each in plan(one) if each.block == 0}
    assert found == {"echo": False, "broadcast": False, "disconnect": True}


def test_servers_start_in_mirrored_order_in_each_pair_of_blocks() -> None:
    groups = groups_of(parse(WHOLE.replace("blocks = 3", "blocks = 6"), "mine.toml"), "echo")
    orders = [[cell_of(each) for each in groups[block]] for block in range(6)]
    for first, second in ((0, 1), (2, 3), (4, 5)):
        assert orders[first] == orders[second][::-1]
    assert len({tuple(order) for order in orders}) > 2, "each pair has an order of its own"


def test_scenarios_of_a_block_do_not_start_their_servers_in_the_same_order() -> None:
    experiment = parse(WHOLE.replace("blocks = 3", "blocks = 8"), "mine.toml")
    echo, broadcast = (groups_of(experiment, name) for name in ("echo", "broadcast"))
    orders = [[[cell_of(each) for each in of[block]] for of in (echo, broadcast)] for block in echo]
    assert any(first != second for first, second in orders)


def test_kinds_of_trials_of_a_scenario_are_groups_of_their_own() -> None:
    text = WHOLE[: WHOLE.index("[echo]")] + "[payload]\nsizes = [32, 1024]\n"
    whole = parse(text, "mine.toml")
    groups = [
        (together[0].block, {each.variant for each in together})
        for together in in_groups(plan(whole))
    ]
    assert all(len(variants) == 1 for _, variants in groups)
    kinds = ["1024", "1024:binary", "32", "32:binary"]
    for block in range(3):
        assert kinds == sorted(name for at, names in groups if at == block for name in names)
    assert {4} == {len(together) for together in in_groups(plan(whole))}


def test_the_reference_takes_turns_with_ours() -> None:
    text = WHOLE.replace('name = "mine"', 'name = "mine"\nclient = "reference"')
    for together in groups_of(parse(text, "mine.toml"), "echo").values():
        assert len({cell_of(each) for each in together}) == 8


def test_groups_differ_in_their_order_from_block_to_block(whole: Experiment) -> None:
    shapes = [
        [(each.scenario, each.group is None) for each in plan(whole) if each.block == block]
        for block in range(3)
    ]
    assert len({tuple(shape) for shape in shapes}) > 1


# --- where a machine has not room for all


def test_where_there_is_room_nothing_is_cut() -> None:
    assert cut(["a", "b", "c"], 3) == [["a", "b", "c"]]
    assert cut(["a"], 3) == [["a"]]


def test_groups_that_are_cut_have_the_first_cell_in_common() -> None:
    assert cut(list("abcdef"), 3) == [["a", "b", "c"], ["a", "d", "e"], ["a", "f"]]


@given(st.integers(1, 40), st.integers(2, 12))
def test_every_cell_is_in_a_group_of_two_to_as_many_as_there_is_room_for(
    cells: int, most: int
) -> None:
    items = list(range(cells))
    groups = cut(items, most)
    assert all(len(group) <= most and (len(group) > 1 or cells == 1) for group in groups)
    assert items == sorted({each for group in groups for each in group})
    assert all(group[0] == 0 for group in groups)
    again = Counter(each for group in groups for each in group)
    assert all(times == 1 for each, times in again.items() if each), "only the first one"


def test_a_cell_that_is_in_several_groups_has_a_trial_in_each(whole: Experiment) -> None:
    def room(variant: Variant) -> int:
        return 2 if variant.scenario.name == "echo" else 100

    trials = [each for each in plan(whole, room) if each.scenario == "echo" and each.block == 0]
    groups = list(in_groups(trials))
    assert [len(together) for together in groups] == [2, 2, 2]
    assert len({cell_of(together[0]) for together in groups}) == 1
    assert len({cell_of(each) for each in trials}) == 4
    assert len({each.group for each in trials}) == 3


# --- what is carried out together


def planned(number: int, group: int | None) -> PlannedTrial:
    return PlannedTrial(number, 0, "echo", "gevent", Transport.POLLING, ["echo"], group=group)


def test_neighbours_without_a_group_are_not_one() -> None:
    trials = [planned(n, group) for n, group in enumerate([None, None, 0, 0, 1, None])]
    found = [[each.number for each in together] for together in in_groups(trials)]
    assert found == [[0], [1], [2, 3], [4], [5]]
    assert all(a[-1] + 1 == b[0] for a, b in pairwise(found))
