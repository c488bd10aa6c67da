"""What a gate refuses before it measures anything."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.__main__ import main
from loadtests.gate.command import check_removed, rule_of
from loadtests.gate.limits import limits_of
from loadtests.record.exits import Exit
from loadtests.run.experiment import Experiment, ExperimentError
from tests.unit.gate.simulated import EXPERIMENT


def without(*cells: str, **changes: Any) -> Experiment:
    """The experiment of which head lacks some cells."""
    deciding = msgspec.structs.replace(EXPERIMENT.gate, removed=list(cells), **changes)
    return msgspec.structs.replace(EXPERIMENT, gate=deciding)


@pytest.mark.parametrize("removed", ["gevnet", "gevent/carrier-pigeon", "gevent/"])
def test_removal_of_what_never_was_is_a_slip_of_the_pen(removed: str) -> None:
    with pytest.raises(ExperimentError, match=f"{removed} is no mode and no cell"):
        check_removed(without(removed))


@pytest.mark.parametrize("removed", ["gevent", "gevent/polling", "gunicorn-threads"])
def test_removal_of_what_is_not_compared_this_time_is_fine(removed: str) -> None:
    check_removed(without(removed))


def test_something_must_be_left_to_compare() -> None:
    with pytest.raises(ExperimentError, match="no cell is left"):
        rule_of(without("gevent", "threading/websocket"))


def test_removed_cells_are_no_comparisons_that_a_number_of_pairs_must_serve() -> None:
    # Ten comparisons want 8 pairs at least, five want 7.
    with pytest.raises(ExperimentError, match="with 10 comparisons"):
        rule_of(without(confirm_most=7))
    assert rule_of(without("gevent/websocket", confirm_most=7)).confirm_most >= 7


def test_limit_for_a_removed_cell_is_refused() -> None:
    limited = msgspec.structs.replace(
        without("gevent"), limits={"echo.throughput@gevent/websocket": ">= 10 messages/s"}
    )
    with pytest.raises(ExperimentError, match="head has no such cell"):
        limits_of(limited)


@pytest.mark.parametrize("percent", ["nan", "0.5", "101", "much"])
def test_slowdown_to_find_is_a_number_of_per_cents(
    percent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gate", "--base", "HEAD", "--detect", percent]) == Exit.WRONG_CALL
    assert "--detect" in capsys.readouterr().err
