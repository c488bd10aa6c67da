"""The order of trials: blocks, and in each block which trials are carried out together."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import TypeVar

from loadtests.record.results import PlannedTrial
from loadtests.record.words import Client, Transport
from loadtests.run.experiment import Experiment
from loadtests.scenarios.scenario import Variant

#: How many trials of a kind can be carried out together on this machine.
Room = Callable[[Variant], int]

_Item = TypeVar("_Item")
_Combination = tuple[Variant, str, Transport, Client]


def _any_number(_variant: Variant) -> int:
    return 1_000_000


def plan(experiment: Experiment, room: Room = _any_number) -> list[PlannedTrial]:
    """Blocks of one trial of every scenario in every cell, each block in its own random order.

    Trials of a scenario that takes turns are a group; its servers start in the group's order, which
    is turned round in every second block, so that nobody is always the first. The order comes from
    the seed alone, so the same experiment runs in the same order everywhere.

    Args:
        experiment: narrowed already.
        room: where a group has more cells than that, it is cut into several with one cell in
            common, which comes to be measured in each of them.
    """
    shuffler = random.Random(experiment.seed)
    trials: list[PlannedTrial] = []
    groups = count()
    for block in range(max(map(experiment.blocks_of, experiment.scenarios), default=0)):
        units = list(_units(experiment, block, room))
        shuffler.shuffle(units)
        for unit in units:
            group = next(groups) if len(unit) > 1 or unit[0][0].scenario.takes_turns else None
            for variant, mode, transport, client in unit:
                trials.append(
                    PlannedTrial(
                        number=len(trials),
                        block=block,
                        scenario=variant.scenario.name,
                        mode=mode,
                        transport=transport,
                        rows=variant.rows(client),
                        client=client,
                        variant=variant.name,
                        group=group,
                    )
                )
    return trials


def _units(experiment: Experiment, block: int, room: Room) -> Iterator[list[_Combination]]:
    """What is carried out at one time: a group, or a trial alone."""
    for scenario in experiment.scenarios:
        if block >= experiment.blocks_of(scenario):
            continue
        for variant in experiment.variants(scenario):
            cells = [
                (variant, mode, transport, client)
                for mode in experiment.modes
                for transport in experiment.transports
                for client in experiment.clients
                if variant.scenario.measured_by(client)
            ]
            if not variant.scenario.takes_turns:
                yield from ([cell] for cell in cells)
                continue
            # Mirrored in pairs of blocks; the cell that groups have in common is always the same.
            name = f"{experiment.seed}/{scenario}/{variant.name}/{block // 2}"
            most = room(variant)
            kept = cells[:1] if len(cells) > most else []
            others = cells[len(kept) :]
            random.Random(name).shuffle(others)
            yield from cut([*kept, *(others[::-1] if block % 2 else others)], most)


def cut(items: Sequence[_Item], most: int) -> list[list[_Item]]:
    """As few groups as hold them all, the first item being in each of several.

    Args:
        items: at least one.
        most: in a group; where that is one, nothing can be in common.
    """
    if len(items) <= most:
        return [list(items)]
    if most < 2:
        return [[item] for item in items]
    first, others = items[0], items[1:]
    step = most - 1
    return [[first, *others[place : place + step]] for place in range(0, len(others), step)]
