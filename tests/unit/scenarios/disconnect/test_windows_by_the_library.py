"""The expected windows held against python-engineio itself, run in virtual time.

Nothing here knows the rules: clients go, the library's own code notices, and the window must hold
what it did, to the microsecond. Where a window is said to end, it must also be reached: one that
is too wide fails as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.windows import Situation
from tests.unit.scenarios.disconnect.virtual_clients import CLIENTS, Client, VirtualServer
from tests.unit.scenarios.disconnect.virtual_trials import (
    EXACT_S,
    MODES,
    MOMENT_S,
    POLLING,
    SILENT_CAUSES,
    WEBSOCKET,
    Trial,
    assert_in_its_window,
    send_every,
    situation,
)

HEARTBEATS = [(25, 20), (10, 5), (5, 5), (2, 2), (1, 1), (2.5, 2), (5, 10), (1, 6)]


def trials() -> Iterator[Trial]:
    """Every mode, transport and heartbeat, few clients and many, idle and sent to."""
    for seed, heartbeat in enumerate(HEARTBEATS):
        for mode in MODES:
            for transport in Transport:
                for sent_every_s in (None, 1.0):
                    case = situation(
                        mode, transport, Cause.FREEZE, heartbeat, 12, 7, sent_every_s=sent_every_s
                    )
                    yield Trial(mode, case, seed)


def name(trial: Trial) -> str:
    case = trial.situation
    heartbeat = f"{case.ping_interval_s}/{case.ping_timeout_s}"
    return "-".join(
        (trial.mode, case.transport, heartbeat, "busy" if case.sent_every_s else "idle")
    )


@pytest.mark.parametrize("trial", list(trials()), ids=name)
def test_silent_client_is_noticed_within_its_window(trial: Trial) -> None:
    for client in trial.run():
        assert_in_its_window(trial.situation, client)


@pytest.mark.parametrize(
    ("mode", "transport", "leaving", "heartbeat", "late_s"),
    [
        ("threading", WEBSOCKET, 20, (2.5, 2), 0.0),
        ("gevent", WEBSOCKET, 150, (5, 5), windows.WAIT_LATE_S),
        ("gevent", POLLING, 1, (2, 2), windows.WAIT_LATE_S),
        ("threading", POLLING, 200, (10, 5), 0.0),
    ],
)
def test_window_holds_with_two_hundred_clients(
    mode: str, transport: Transport, leaving: int, heartbeat: tuple[float, float], late_s: float
) -> None:
    case = situation(mode, transport, Cause.CUT, heartbeat, 200, leaving)
    for client in Trial(mode, case, late_s=late_s).run():
        assert_in_its_window(case, client)


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("mode", MODES)
def test_every_way_of_going_is_noticed_within_its_window(
    mode: str, transport: Transport, cause: Cause
) -> None:
    case = situation(mode, transport, cause, (5, 3), 30, 20)
    for busy in (None, 0.5):
        trial = Trial(mode, replace(case, sent_every_s=busy))
        for client in trial.run():
            assert_in_its_window(trial.situation, client)


@st.composite
def any_trial(draw: st.DrawFn) -> Trial:
    mode = draw(st.sampled_from(MODES))
    interval_s = draw(st.floats(0.5, 30))
    timeout_s = draw(st.floats(0.5, 30))
    connections = draw(st.integers(1, 24))
    case = situation(
        mode,
        draw(st.sampled_from(Transport)),
        draw(st.sampled_from(SILENT_CAUSES)),
        (interval_s, timeout_s),
        connections,
        draw(st.integers(1, connections)),
        sent_every_s=draw(st.none() | st.floats(0.2, 60)),
    )
    slowest_answer_s = draw(st.just(0.0) | st.floats(0, 0.9 * timeout_s))
    joining = draw(st.integers(0, 10))
    # Each that joins makes a round longer where waits end late; the window knows of none.
    late_s = 0.0 if joining else draw(st.sampled_from([0.0, windows.WAIT_LATE_S]))
    seed, another = draw(st.integers(0, 2**16)), draw(st.booleans())
    return Trial(mode, case, seed, slowest_answer_s, late_s, joining, another)


@given(any_trial())
def test_window_holds_whatever_the_situation(trial: Trial) -> None:
    for client in trial.run():
        assert_in_its_window(trial.situation, client)


# --- and no window is wider than it must be


def alone(
    mode: str, case: Situation, *, at_phase_s: float, unseen_s: float, sent_s: float = 0.0
) -> tuple[Client, float, str]:
    """One client alone, which goes at a phase of its choice.

    Args:
        mode: of the server.
        case: connections and leaving are one.
        at_phase_s: after it has answered, it goes.
        unseen_s: the scan looks at it so long after it is too old.
        sent_s: the server last sent to it so long before it is too old.
    """
    interval_s, timeout_s = case.ping_interval_s, case.ping_timeout_s
    with VirtualServer(mode, interval_s, timeout_s) as server:
        start_s = server.time.now_s  # the scan looks at a lone client at start + m * T
        answers_after_s = (-unseen_s - 2 * interval_s) % timeout_s
        client = CLIENTS[case.transport](server, answers_after_s)
        answered_s = start_s + interval_s + answers_after_s
        server.time.at(answered_s + at_phase_s, lambda: client.depart(case.cause))
        if case.sent_every_s is not None:
            first_s = answered_s + interval_s + timeout_s - sent_s
            send_every(server, client, case.sent_every_s, first_s)
        server.time.run_until(answered_s + 2 * interval_s + 4 * timeout_s)
        ((detected_s, reason),) = client.noticed
        return client, detected_s, reason


@pytest.mark.parametrize("sent_every_s", [None, 0.7, 60.0])
@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("heartbeat", [(25, 20), (10, 5), (5, 5), (2, 2), (2.5, 2), (3, 7)])
def test_both_ends_of_a_silent_clients_window_are_reached(
    mode: str, transport: Transport, heartbeat: tuple[float, float], sent_every_s: float | None
) -> None:
    case = situation(mode, transport, Cause.FREEZE, heartbeat, sent_every_s=sent_every_s)
    interval_s, timeout_s = heartbeat
    window = windows.window(case)
    near_s = pytest.approx(0, abs=2 * windows.WAIT_LATE_S)
    before_ping_s = interval_s - MOMENT_S
    client, soonest_s, _ = alone(
        mode, case, at_phase_s=before_ping_s, unseen_s=MOMENT_S, sent_s=MOMENT_S
    )
    assert soonest_s - window.earliest_s == near_s
    assert soonest_s - windows.window_at(case, client.silent_s).earliest_s == near_s
    client, last_s, _ = alone(
        mode, case, at_phase_s=MOMENT_S, unseen_s=timeout_s - MOMENT_S, sent_s=MOMENT_S
    )
    assert last_s - window.latest_s == near_s
    assert last_s - windows.window_at(case, client.silent_s).latest_s == near_s


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize(
    ("connections", "leaving"), [(2, 2), (9, 3), (16, 8), (16, 16), (100, 20), (100, 100)]
)
def test_client_is_looked_at_late_when_those_behind_it_go(
    transport: Transport, connections: int, leaving: int
) -> None:
    """The longest gap between two looks of the scan, made on purpose and met exactly."""
    interval_s, timeout_s = 25.0, 20.0
    behind = min(leaving - 1, connections - round(connections**0.5))
    place = connections - behind - 1  # the last one that stays
    with VirtualServer("gevent", interval_s, timeout_s) as server:
        # One client is there first; the scan takes all others into its next round.
        first = CLIENTS[transport](server)
        server.time.run_until(server.time.now_s + MOMENT_S)
        round_s = server.time.now_s - MOMENT_S
        wait_s = timeout_s / connections
        others = [CLIENTS[transport](server) for _ in range(connections - 1)]
        clients = [first, *others]
        victim = clients[place]
        # The first look at which the client, after its second ping, can be as good as too old.
        soonest_s = round_s + 2 * interval_s + timeout_s
        rounds = ceil((soonest_s - round_s - place * wait_s) / timeout_s - EXACT_S)
        looked_s = round_s + rounds * timeout_s + place * wait_s
        # So that it is too old a moment after the scan has looked.
        answered_s = looked_s - interval_s - timeout_s + MOMENT_S
        victim.answers_after_s = max(0.0, answered_s - interval_s - server.time.now_s)
        server.time.at(answered_s + MOMENT_S, lambda: victim.depart(Cause.FREEZE))
        for client in clients[place + 1 :]:
            server.time.at(looked_s + MOMENT_S, partial(client.depart, Cause.CLOSE))
        server.time.run_until(looked_s + 3 * timeout_s)
        ((detected_s, reason),) = victim.noticed
    gap_s = victim.gone_s + detected_s - looked_s
    longest_s = windows.scan_gap_s(timeout_s, connections, leaving)
    stretch_s = connections * windows.WAIT_LATE_S  # none here: the waits are exact
    assert gap_s == pytest.approx(longest_s - stretch_s, abs=1e-3)
    assert reason == "ping timeout"


def test_silent_clients_are_noticed_all_over_their_window() -> None:
    """By chance, too, both ends are met; a tenth more or less of either would be seen."""
    case = situation("gevent", WEBSOCKET, heartbeat=(2.5, 2), connections=3)
    places = []
    for seed in range(120):
        (client,) = Trial("gevent", case, seed).run()
        window = windows.window_at(case, client.silent_s)
        place = (client.noticed[0][0] - window.earliest_s) / (window.latest_s - window.earliest_s)
        places.append(place)
    assert min(places) < 0.03
    assert max(places) > 0.97
    assert sum(places) / len(places) == pytest.approx(0.5, abs=0.06)


# --- what else the library does, on which the windows and the documentation rest


def given_up(
    mode: str, transport: Transport, heartbeat: tuple[float, float], look: Callable[[Client], None]
) -> None:
    """Let a client freeze among three and look at what is left of it much later."""
    with VirtualServer(mode, *heartbeat) as server:
        clients = [CLIENTS[transport](server) for _ in range(3)]
        server.time.run_until(server.time.now_s + 1.3 * heartbeat[0])
        clients[1].depart(Cause.FREEZE)
        server.time.run_until(server.time.now_s + 5 * sum(heartbeat))
        assert len(clients[1].noticed) == 1
        look(clients[1])


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("mode", MODES)
def test_given_up_client_never_gets_the_close_packet_that_is_meant_for_it(
    mode: str, transport: Transport
) -> None:
    # check_ping_timeout closes with abort=False so that close() sends CLOSE; but send() asks
    # check_ping_timeout again, which says no.
    def look(client: Client) -> None:
        assert "1" not in client.packets

    given_up(mode, transport, (5, 5), look)


@pytest.mark.parametrize(
    ("mode", "alive"), [("threading", True), ("gevent", True), ("eventlet", False)]
)
def test_websocket_of_a_frozen_client_stays_but_under_eventlet(mode: str, alive: bool) -> None:
    # simple_websocket.ws.Base.close (1.1) sends a frame, but leaves socket and read open.
    def look(client: Client) -> None:
        assert client.serving is not None
        assert client.serving.alive is alive

    given_up(mode, WEBSOCKET, (5, 5), look)


@pytest.mark.parametrize("mode", ["threading", "gevent"])
def test_writer_that_gives_up_does_not_end_the_websocket(mode: str) -> None:
    """Its queue is empty for I + T after the ping, long before the scan looks where T > I."""
    case = situation(mode, WEBSOCKET, heartbeat=(1, 6))
    _, detected_s, reason = alone(mode, case, at_phase_s=0.5, unseen_s=5.9)
    assert detected_s == pytest.approx(0.5 + 6 + 5.9)
    assert detected_s > 2 * 1 + 6 - 0.5
    assert reason == "ping timeout"


def test_get_that_came_after_the_ping_ends_as_transport_error() -> None:
    case = situation("gevent", POLLING, heartbeat=(1, 6))
    # The ping is answered after 5.1 s; half a second after the next ping the client goes.
    client, detected_s, reason = alone("gevent", case, at_phase_s=1.5, unseen_s=4.9)
    assert client.silent_s == pytest.approx(1.5)
    assert detected_s == pytest.approx(1 + 6 - 0.5)
    assert reason == "transport error"
    assert_in_its_window(case, client)
    _, _, reason = alone("gevent", case, at_phase_s=0.5, unseen_s=4.9)
    assert reason == "ping timeout"


def test_slow_handler_holds_up_the_scan_and_with_it_every_other_detection() -> None:
    def last(handler_s: float) -> float:
        with VirtualServer("gevent", 5, 5, handler_s=handler_s) as server:
            clients: Sequence[Client] = [CLIENTS[POLLING](server) for _ in range(10)]
            server.time.run_until(server.time.now_s + 6)
            for client in clients:
                client.depart(Cause.FREEZE)
            server.time.run_until(server.time.now_s + 60)
            return max(client.noticed[0][0] for client in clients)

    assert last(3.0) == pytest.approx(last(0.0) + 9 * 3.0)
