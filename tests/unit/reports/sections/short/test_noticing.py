"""When somebody who is gone is noticed, in a sentence."""

from __future__ import annotations

from typing import Any

from loadtests.record.words import Cause, Transport
from reports.sections.short import noticing
from reports.summary import summarise
from tests.unit.reports.builder import cells
from tests.unit.reports.disconnect_builder import Faults, disconnects

SOUND = Faults()


def said(**run: Any) -> str:
    usual: dict[str, Any] = {"sweep": (), "server": False, "busy": False, "faults": SOUND}
    found = noticing.told(summarise(disconnects(**usual | run)))
    assert found is not None
    return "".join(found)


def test_who_closes_is_noticed_at_once_and_who_falls_silent_by_the_heartbeat() -> None:
    text = said(heartbeat=(2.5, 2))
    assert text.startswith(
        "Who says goodbye or closes a WebSocket was noticed at once (slowest of "
    )
    assert "Who falls silent, or dies over long-polling, was noticed after " in text
    assert "at this run's heartbeat of 2.5/2 s, and after 20 to 65 s at the library's 25/20 s" in (
        text
    )


def test_at_the_librarys_own_heartbeat_nothing_is_predicted() -> None:
    text = said(heartbeat=(25, 20), causes=(Cause.FREEZE,))
    assert text.endswith("at this run's heartbeat of 25/20 s, the library's own.")


def test_eventlets_websocket_is_sooner_by_the_rules() -> None:
    text = said(modes=("eventlet",), transports=(Transport.WEBSOCKET,), causes=(Cause.FREEZE,))
    assert "after 20 to 45 s at the library's 25/20 s" in text


def test_who_was_never_noticed_is_counted_and_not_called_at_once() -> None:
    text = said(faults=Faults(missed={"disconnect:close": 2, "disconnect:freeze": 1}))
    assert "was not always noticed: 12 of " in text
    assert "(6 of " in text


def test_without_long_polling_nobody_is_said_to_die_over_it() -> None:
    text = said(transports=(Transport.WEBSOCKET,))
    assert "long-polling" not in text


def test_a_run_in_which_nobody_went_says_nothing() -> None:
    assert noticing.told(summarise(cells("latency_p50", a=(1.0,)))) is None


def test_a_server_that_does_not_say_what_it_runs_has_no_rule() -> None:
    run = disconnects(sweep=(), server=False, faults=SOUND)
    for trial in run.trials:
        trial.server.clear()
    found = noticing.told(summarise(run))
    assert found is not None
    assert "25/20" not in found[1]
