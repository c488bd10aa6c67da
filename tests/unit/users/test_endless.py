"""Echo and broadcast without an end, over a session of paper."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.arithmetic.series import UNKNOWN, Series
from loadtests.client import packets
from loadtests.record.application import BROADCAST_EVENT, ECHO_EVENT
from loadtests.users import endless
from loadtests.users.endless import SHORTEST_BYTES, WORKLOADS, Load

START_NS = 10**18  # thirty years of uptime
SECOND_NS = 10**9


class Paper:
    """A session that keeps what was sent; while a POST is under way, it only queues it."""

    namespace = "/test"

    def __init__(self):
        self.sent = []
        self.handlers = {}
        self.posting = False
        self.queue = []

    def on(self, event, handler):
        self.handlers[event] = handler

    def send(self, packet, leaves=None):
        self.queue.append((packet, leaves))
        if not self.posting:
            self.post()

    def post(self):
        for packet, leaves in self.queue:
            if leaves is not None:
                leaves()
            self.sent.append(packet)
        self.queue = []

    def messages(self):
        return [packets.decode(packet).data[1]["data"] for packet in self.sent]

    def hears(self, text, at_ns):
        self.handlers["my response"]([{"data": text}], at_ns, at_ns + 5)


class Alarm:
    """Rings when it is told to."""

    def __init__(self):
        self.due = []

    def at(self, due_ns, callback):
        self.due.append((due_ns, callback))

    def ring(self):
        due_ns, callback = self.due.pop(0)
        callback()
        return due_ns


@pytest.fixture
def clock():
    return SimpleNamespace(now_ns=START_NS + 7)


@pytest.fixture
def make(clock):
    def load(scenario="echo", payload_bytes=SHORTEST_BYTES, series=None):
        session, alarm = Paper(), Alarm()
        series = Series() if series is None else series
        schedule = ConstantRate(START_NS, 2)
        workload = WORKLOADS[scenario]
        made = Load(
            workload,
            session,  # type: ignore[arg-type]
            alarm,  # type: ignore[arg-type]
            schedule,
            payload_bytes,
            series,
            lambda: clock.now_ns,
        )
        return made, (session, alarm, series)

    return load


def test_sends_are_due_on_the_schedule_and_their_lateness_is_kept(make):
    _, (session, alarm, series) = make()
    assert [alarm.ring() for _ in range(3)] == [START_NS + n * SECOND_NS // 2 for n in range(3)]
    assert len(session.sent) == 3
    assert series.take().lateness_ns.tolist() == [7, 7 - SECOND_NS // 2, 7 - SECOND_NS]


@pytest.mark.parametrize(
    ("scenario", "event"), [("echo", ECHO_EVENT), ("broadcast", BROADCAST_EVENT)]
)
@pytest.mark.parametrize("length", [SHORTEST_BYTES, 1000])
def test_message_has_exactly_the_stated_length(make, scenario, event, length):
    _, (session, alarm, _) = make(scenario, length)
    alarm.ring()
    assert packets.decode(session.sent[0]).data[0] == event
    assert len(session.messages()[0]) == length


def test_echo_is_timed_from_due_and_from_sent(make):
    _, (session, alarm, series) = make()
    alarm.ring()
    session.hears(session.messages()[0], START_NS + 100)
    found = series.take()
    assert found.due_ns.tolist() == [START_NS]
    assert found.sent_ns.tolist() == [START_NS + 7]
    assert found.kernel_ns.tolist() == [START_NS + 100]
    assert found.user_ns.tolist() == [START_NS + 105]
    assert found.lengths.tolist() == [SHORTEST_BYTES]


def test_service_time_begins_when_the_post_leaves_and_lateness_ends_before(make, clock):
    _, (session, alarm, series) = make()
    session.posting = True
    alarm.ring()
    alarm.ring()
    clock.now_ns = START_NS + SECOND_NS
    session.post()
    for text in session.messages():
        session.hears(text, START_NS + SECOND_NS + 100)
    found = series.take()
    assert found.lateness_ns.tolist() == [7, 7 - SECOND_NS // 2]
    assert found.due_ns.tolist() == [START_NS, START_NS + SECOND_NS // 2]
    assert found.sent_ns.tolist() == [START_NS + SECOND_NS] * 2


def test_message_that_leaves_after_it_was_given_up_stays_lost(make, clock):
    load, (session, alarm, series) = make()
    session.posting = True
    alarm.ring()
    alarm.ring()
    assert load.give_up(START_NS + 1) == [START_NS]
    clock.now_ns = START_NS + SECOND_NS
    session.post()
    for text in session.messages():
        session.hears(text, START_NS + SECOND_NS + 100)
    found = series.take()
    assert found.due_ns.tolist() == [START_NS + SECOND_NS // 2]
    assert found.sent_ns.tolist() == [START_NS + SECOND_NS]


def test_second_copy_and_others_messages_are_no_echo(make):
    _, (session, alarm, series) = make()
    _, (other, others_alarm, _) = make()
    alarm.ring()
    others_alarm.ring()
    for text in (session.messages()[0], session.messages()[0], other.messages()[0], "Connected"):
        session.hears(text, START_NS + 100)
    assert len(series.take().kernel_ns) == 1


def test_delivery_of_another_process_with_this_clock_is_timed(make):
    _, (session, _, series) = make("broadcast")
    _, (publisher, alarm, _) = make("broadcast")
    alarm.ring()
    session.hears(publisher.messages()[0], START_NS + 100)
    found = series.take()
    assert found.latency_ms() == [100 / 1e6]
    assert found.sent_ns.tolist() == [UNKNOWN]


def test_delivery_from_another_host_is_counted_and_not_timed(make, monkeypatch):
    _, (session, _, series) = make("broadcast")
    monkeypatch.setattr(endless, "clock_name", lambda: "ffffffff")
    _, (publisher, alarm, _) = make("broadcast")
    alarm.ring()
    session.hears(publisher.messages()[0], START_NS + 100)
    assert series.take().latency_ms() == [None]


@pytest.mark.parametrize("text", ["Connected", "", ":::", "a:zz:c:xxx", "0:17:xxx", None, 5])
def test_what_is_not_ours_is_ignored(make, text):
    _, (session, _, series) = make("broadcast")
    session.hears(text, START_NS)
    session.handlers["my response"]([], START_NS, START_NS)
    session.handlers["my response"](["text"], START_NS, START_NS)
    assert len(series.take().kernel_ns) == 0


@pytest.mark.parametrize("scenario", ["echo", "broadcast"])
def test_unanswered_message_is_given_up_once(make, scenario):
    load, (session, alarm, _) = make(scenario)
    for _ in range(3):
        alarm.ring()
    session.hears(session.messages()[1], START_NS + 100)
    assert load.give_up(START_NS) == []
    assert load.give_up(START_NS + SECOND_NS) == [START_NS]
    assert load.give_up(START_NS + SECOND_NS) == []
    assert load.give_up() == [START_NS + SECOND_NS]
    assert load.give_up() == []


@pytest.mark.parametrize("scenario", ["echo", "broadcast"])
@pytest.mark.parametrize("before_ns", [START_NS + 1, None])
def test_own_message_that_was_given_up_does_not_count_when_it_comes(make, scenario, before_ns):
    load, (session, alarm, series) = make(scenario)
    alarm.ring()
    load.give_up(before_ns)
    session.hears(session.messages()[0], START_NS + 100)
    assert len(series.take().kernel_ns) == 0


@pytest.mark.parametrize("scenario", ["echo", "broadcast"])
def test_second_copy_of_an_own_message_does_not_count(make, scenario):
    _, (session, alarm, series) = make(scenario)
    alarm.ring()
    for _ in range(2):
        session.hears(session.messages()[0], START_NS + 100)
    assert len(series.take().kernel_ns) == 1


def test_what_becomes_due_after_the_stop_is_counted_once(make):
    load, (_, alarm, _) = make()
    alarm.ring()
    load.stop()
    assert load.overdue(START_NS + SECOND_NS // 2) == 0  # due then is not due yet
    assert load.overdue(START_NS + SECOND_NS // 2 + 1) == 1
    assert load.overdue(START_NS + SECOND_NS // 2 + 1) == 0
    assert load.overdue(START_NS + 3600 * SECOND_NS) == 7198


def test_nothing_is_sent_after_the_stop(make):
    load, (session, alarm, _) = make()
    load.stop()
    alarm.ring()
    assert (session.sent, alarm.due) == ([], [])
