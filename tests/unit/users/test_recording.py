"""What becomes of raw times: Locust's statistics, our board, a plugin's listener."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from loadtests.arithmetic.series import UNKNOWN, Series
from loadtests.client import notices
from tests.unit.users.unpatched import Environment, StopUser, recording

MS = 1_000_000


@pytest.fixture
def environment():
    result = Environment()
    result.create_local_runner()
    return result


@pytest.fixture
def recorder(environment):
    return recording.recorder_of(environment)


def arrive(recorder, *took_ms, name="echo", lag_ms=0):
    series = recorder.series("websocket", name)
    now_ns = time.monotonic_ns()
    for each in took_ms:
        due_ns = UNKNOWN if each is None else now_ns - each * MS
        sent_ns = UNKNOWN if each is None else due_ns + MS
        series.arrived(due_ns, sent_ns, now_ns, now_ns + lag_ms * MS, 32)


def measured(recorder):
    return {row.measure: row for row in recorder.board.rows()}


def test_what_has_no_time_is_counted_and_written_with_the_rest(environment, recorder):
    recorder.count("emit", "data")
    recorder.count("emit", "data", many=4)
    recorder.count("emit", "data", "not sent")
    assert environment.stats.total.num_requests == 0
    recorder.flush()
    recorder.flush()
    entry = environment.stats.get("data", "emit")
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures) == (6, 6, 1)
    assert recorder.board.rows() == []  # there is nothing to time


def test_plugin_hears_of_each_that_has_no_time(environment, recorder):
    heard = []
    environment.events.request.add_listener(
        lambda name, response_time, exception, **_: heard.append(
            (name, response_time, exception and str(exception))
        )
    )
    recorder.count("emit", "data", many=2)
    recorder.count("emit", "data", "not sent")
    recorder.flush()
    assert heard == [("data", None, None)] * 2 + [("data", None, "not sent")]
    assert environment.stats.get("data", "emit").num_requests == 3


def test_what_was_never_sent_is_lost(environment, recorder):
    recorder.lose("websocket", "echo", "never sent", 0)
    assert recorder.board.rows() == []
    recorder.lose("websocket", "echo", "never sent", 3)
    recorder.flush()
    assert environment.stats.get("echo", "websocket").num_failures == 3
    assert measured(recorder)["latency"].lost == 3


def test_what_is_followed_is_asked_a_last_time_when_the_test_is_stopping(environment, recorder):
    asked: list[str] = []
    recorder.follow(lambda: asked.append("followed"))
    environment.events.test_stopping.fire(environment=environment)
    recorder.follow(lambda: asked.append("too late"))
    environment.events.test_stopping.fire(environment=environment)
    assert asked == ["followed"]


def test_end_says_since_when_there_was_no_load(environment, recorder, caplog):
    environment.events.test_start.fire(environment=environment)
    recorder.attendance.came()
    recorder.roll_call.lost(time.monotonic_ns())
    assert "no load since 0.0 s: the only user lost its session" in caplog.text
    environment.events.test_stopping.fire(environment=environment)
    assert recorder.closing_words() == ["no load since 0.0 s: the only user lost its session"]


def test_beside_users_of_other_kinds_only_load_over_socketio_is_said_to_be_over(
    environment, recorder
):
    environment.user_classes = [SimpleNamespace]
    environment.events.test_start.fire(environment=environment)
    recorder.attendance.refused()
    environment.events.test_stopping.fire(environment=environment)
    assert recorder.closing_words() == ["no load over Socket.IO: no user could connect"]


def test_notices_are_counted_and_travel_to_the_master(environment, recorder):
    environment.events.test_start.fire(environment=environment)
    master = recording.recorder_of(Environment())
    for _ in range(2):
        notices.tell("too long", "one of them")
        master._add(report(recorder)[recording.REPORT_KEY])
    assert report(recorder).keys() == {recording.USERS_KEY}
    assert recorder.closing_words() == ["too long: 2 times"]
    assert master._workers_notices == {"too long": 2}
    environment.events.test_start.fire(environment=environment)
    assert recorder.closing_words() == []


def test_environment_has_one_recorder(environment, recorder):
    assert recording.recorder_of(environment) is recorder
    assert recording.recorder_of(Environment()) is not recorder


def test_messages_reach_locust_and_the_board_together(environment, recorder):
    arrive(recorder, 5, 7, 9, lag_ms=2)
    assert environment.stats.total.num_requests == 0
    recorder.flush()
    entry = environment.stats.get("echo", "websocket")
    assert entry.num_requests == environment.stats.total.num_requests == 3
    assert (entry.min_response_time, entry.max_response_time) == (5, 9)
    assert entry.total_content_length == 96
    assert measured(recorder)["latency"].max_ms == 9.0
    assert measured(recorder)["service time"].max_ms == 8.0
    assert measured(recorder)["receive lag"].max_ms == 2.0


def test_messages_are_written_once(environment, recorder):
    arrive(recorder, 5)
    recorder.flush()
    recorder.flush()
    assert environment.stats.total.num_requests == 1


def test_messages_count_for_the_second_of_their_arrival(environment, recorder):
    series = recorder.series("websocket", "echo")
    arrived_ns = time.monotonic_ns() - 7_000 * MS
    series.arrived(arrived_ns - MS, arrived_ns - MS, arrived_ns, arrived_ns, 32)
    recorder.flush()
    (second,) = environment.stats.total.num_reqs_per_sec
    assert second == pytest.approx(time.time() - 7, abs=1.5)


def test_lateness_is_of_what_was_sent_answered_or_not(recorder):
    recorder.series("websocket", "echo").sent(0, 3 * MS)
    recorder.flush()
    assert measured(recorder)["lateness"].count == 1
    assert measured(recorder)["latency"].count == 0


def test_message_of_another_clock_counts_without_a_time(environment, recorder, caplog):
    arrive(recorder, None, 5, None)
    recorder.flush()
    arrive(recorder, None)
    recorder.flush()
    entry = environment.stats.get("echo", "websocket")
    assert (entry.num_requests, entry.num_none_requests, entry.max_response_time) == (4, 3, 5)
    assert (measured(recorder)["latency"].count, measured(recorder)["latency"].untimed) == (1, 3)
    assert [record.message for record in caplog.records if "another host" in record.message][
        1:
    ] == []


def test_plugin_hears_of_each_message_and_none_counts_twice(environment, recorder):
    heard = []
    environment.events.request.add_listener(lambda **found: heard.append(found))
    arrive(recorder, 5, 7)
    recorder.flush()
    assert [each["response_time"] for each in heard] == [5, 7]
    assert {each["name"] for each in heard} == {"echo"}
    assert environment.stats.get("echo", "websocket").num_requests == 2
    assert measured(recorder)["latency"].count == 2


def test_failure_and_connect_are_fired_at_once(environment, recorder):
    recorder.fire("websocket", "connect", 5 * MS)
    recorder.fire("websocket", "connect", 0, ConnectionError("refused"))
    recorder.fire("websocket", "echo", 5000 * MS, ConnectionError("no answer"), lost=True)
    assert environment.stats.total.num_requests == 3
    assert environment.stats.total.num_failures == 2
    connect, echo = recorder.board.rows()
    assert (connect.count, connect.failed, connect.lost) == (1, 1, 0)
    assert (echo.count, echo.failed, echo.lost) == (0, 0, 1)


@pytest.mark.parametrize("event", ["reset_stats", "test_start"])
def test_reset_forgets_what_was_seen_and_what_is_pending(environment, recorder, event):
    arrive(recorder, 5)
    recorder.flush()
    arrive(recorder, 7)
    getattr(environment.events, event).fire(environment=environment)
    environment.stats.reset_all()
    recorder.flush()
    assert recorder.board.rows() == []
    assert environment.stats.total.num_requests == 0


@pytest.mark.parametrize("asked", [True, False])
def test_reset_when_all_users_are_there_is_asked_for(environment, recorder, asked):
    environment.reset_stats = asked
    arrive(recorder, 5)
    environment.events.spawning_complete.fire(user_count=1)
    recorder.flush()
    assert environment.stats.total.num_requests == (0 if asked else 1)
    assert bool(recorder.board) is not asked


def test_end_of_a_test_writes_what_is_pending(environment, recorder):
    arrive(recorder, 5)
    environment.events.test_stop.fire(environment=environment)
    assert environment.stats.total.num_requests == 1


def report(recorder):
    """What a worker sends to its master, but for Locust's part."""
    data: dict[str, Any] = {}
    recorder._environment.events.report_to_master.fire(client_id="worker", data=data)
    return data


def test_worker_reports_what_is_new_and_the_master_adds_it(recorder):
    master = recording.recorder_of(Environment())
    for took_ms in ([5, 7], [9]):
        arrive(recorder, *took_ms)
        recorder.flush()
        data = report(recorder)
        master._environment.events.worker_report.fire(client_id="worker", data=data)
    assert report(recorder).keys() == {recording.USERS_KEY}
    assert measured(master)["latency"].count == 3
    assert measured(master)["latency"].max_ms == 9.0


def test_report_of_another_version_is_said_and_not_counted(recorder, caplog):
    data = {recording.REPORT_KEY: {"format": 99, "names": []}}
    recorder._environment.events.worker_report.fire(client_id="worker", data=data)
    assert "format 99, expected 1" in caplog.text
    assert not recorder.board


def test_last_report_comes_as_a_message(recorder):
    worker = recording.recorder_of(Environment())
    arrive(worker, 5)
    worker._environment.stats.use_response_times_cache = False
    worker.flush()
    msg = SimpleNamespace(node_id="one", data={recording.REPORT_KEY: worker.board.take()})
    recorder._last_report(msg=msg, environment=None)
    assert measured(recorder)["latency"].count == 1


@pytest.fixture
def reporting(recorder, monkeypatch):
    """Has the recorder report without a pause, until the end of the test."""
    monkeypatch.setattr(recording, "REPORT_S", 0)
    yield recorder
    gevent.kill(recorder._greenlet)


@pytest.mark.parametrize("error", [ZeroDivisionError, StopUser])
def test_check_that_fails_is_logged_and_the_reports_go_on(environment, reporting, caplog, error):
    again = Event()
    calls: list[None] = []

    def broken():
        calls.append(None)
        if len(calls) == 2:
            again.set()
        raise error

    reporting.checks.add(broken)
    arrive(reporting, 5)
    reporting.start()
    assert again.wait(10)
    assert environment.stats.total.num_requests == 1
    assert "the statistics may be incomplete" in caplog.text
    assert error.__name__ in caplog.text


def test_flush_that_fails_is_logged_and_the_reports_go_on(
    environment, reporting, caplog, monkeypatch
):
    flush, flushed = reporting.flush, Event()
    calls: list[None] = []

    def broken_once():
        calls.append(None)
        if len(calls) == 1:
            raise ZeroDivisionError
        flush()
        flushed.set()

    monkeypatch.setattr(reporting, "flush", broken_once)
    arrive(reporting, 5)
    reporting.start()
    assert flushed.wait(10)
    assert environment.stats.total.num_requests == 1
    assert "ZeroDivisionError" in caplog.text


def test_listener_that_stops_users_keeps_no_message_from_the_others(environment, recorder, caplog):
    heard = []

    def stop(**_found):
        raise StopUser

    environment.events.request.add_listener(lambda **found: heard.append(found["response_time"]))
    environment.events.request.add_listener(stop)
    arrive(recorder, 5, 7)
    arrive(recorder, 9, name="delivery")
    environment.events.test_stop.fire(environment=environment)
    assert heard == [5, 7, 9]
    assert environment.stats.total.num_requests == 3
    assert "StopUser" in caplog.text


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(("wrong", "error"), [(1.5, TypeError), (2**63, OverflowError)])
def test_series_takes_all_of_an_answer_or_nothing(place, wrong, error):
    series = Series()
    series.arrived(1, 2, 3, 4, 5)
    answer = [10, 20, 30, 40, 50]
    answer[place] = wrong
    with pytest.raises(error):
        series.arrived(*answer)
    with pytest.raises(error):
        series.sent(0, wrong)
    found = series.take()
    columns = (found.due_ns, found.sent_ns, found.kernel_ns, found.user_ns, found.lengths)
    assert [column.tolist() for column in columns] == [[1], [2], [3], [4], [5]]
    assert found.lateness_ns.tolist() == []
