"""Payload: the loops of echo, with messages of many sizes, as text and as bytes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.client import packets
from loadtests.record.results import Measurement
from loadtests.record.words import Transport
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import echoing, payload
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.payload import METRICS, SCENARIO, Payload, SizedMessage
from loadtests.scenarios.sizes import Form, SizeRow
from tests.support.simulation import MS, SECOND, FakeBench, FakeSession, World

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[payload]\n'


def message(size: int = 64, form: Form = Form.TEXT, **changes: float) -> SizedMessage:
    values: dict[str, Any] = {
        "clients": 2,
        "rate_hz": 100,
        "warmup_s": 0.1,
        "latency_s": 1,
        "throughput_s": 0.5,
        "drain_s": 1,
    }
    return SizedMessage(size=size, form=form, **(values | changes))


class Echoing(FakeSession):
    """Has every message come back after a while, whatever it carries; keeps how long it was."""

    def __init__(self, world: World, delay_ns: int | None) -> None:
        super().__init__()
        self._world = world
        self._delay_ns = delay_ns
        self.lengths: list[int] = []
        self.read_after_ns = 0

    def send(self, packet: bytes, leaves: Any = None) -> None:
        if packet.startswith(b"45"):  # what follows is its attachment
            assert packets.decode(packet).attachments == 1
            return
        data: Any = packet[1:] if packet[:1] == b"b" else packets.decode(packet).data[1]["data"]
        leaves()
        self.lengths.append(len(data))
        if self._delay_ns is not None:
            self._world.after(self._delay_ns, lambda: self._answer(data))

    def _answer(self, data: Any) -> None:
        now_ns = self._world.now_ns
        self.handlers["my response"]([{"data": data}], now_ns - self.read_after_ns, now_ns)


def bench(delay_ns: int | None, clients: int = 2) -> tuple[FakeBench, list[Echoing]]:
    world = World()
    found = FakeBench(world, clients)
    sessions = [Echoing(world, delay_ns) for _ in range(clients)]
    found.sessions = list(sessions)
    return found, sessions


# --- what is measured


@pytest.mark.parametrize("form", Form)
def test_a_delay_comes_out_as_it_is_in_either_form(form: Form) -> None:
    equipment, sessions = bench(5 * MS)
    (found,) = payload.measure(equipment, message(1000, form))  # type: ignore[arg-type]
    assert METRICS.keys() == found.metrics.keys()
    assert found.metrics["latency_p50"] == found.metrics["latency_max"] == pytest.approx(5)
    assert found.metrics["lost"] == 0
    # Two clients, each of which has one message under way: 400 a second of a thousand bytes each.
    assert found.metrics["throughput"] == pytest.approx(400, rel=0.02)
    assert found.metrics["volume"] == pytest.approx(0.4, rel=0.02)
    assert {length for session in sessions for length in session.lengths} == {1000}


def test_a_message_that_is_lost_is_counted_and_is_no_quick_one() -> None:
    equipment, _ = bench(5 * MS)
    deaf = equipment.sessions[0]
    plain = deaf.send

    def once_in_ten(packet: bytes, leaves: Any = None) -> None:
        if b":9:" in packet or b":19:" in packet:
            leaves()
        else:
            plain(packet, leaves)

    deaf.send = once_in_ten  # type: ignore[method-assign]
    (found,) = payload.measure(equipment, message())  # type: ignore[arg-type]
    assert found.metrics["lost"] == 2
    assert found.metrics["latency_max"] is None
    assert "never arrived" in found.invalid["latency_max"]


def test_a_server_that_answers_nothing_has_failed() -> None:
    equipment, _ = bench(None)
    with pytest.raises(TrialFailed, match=r"answered nothing.*'my event'.*/test"):
        payload.measure(equipment, message())  # type: ignore[arg-type]


#: What is around the data of a message, in its longest part; base64 makes 4 of each 3 bytes.
AROUND = len(b'42/test,["my event",{"data":""}]')
LONGEST = [
    (Transport.WEBSOCKET, Form.TEXT, 1_000_000 - AROUND),
    (Transport.POLLING, Form.TEXT, 1_000_000 - AROUND),
    (Transport.WEBSOCKET, Form.BINARY, 1_000_000),
    (Transport.POLLING, Form.BINARY, 749_997),
]


def unanswered(
    size: int, form: Form, transport: Transport, limit: int | None = 1_000_000
) -> tuple[FakeBench, Measurement]:
    equipment, sessions = bench(None)
    equipment.place = msgspec.structs.replace(equipment.place, transport=transport)
    for session in sessions:
        session.max_payload = limit
    (found,) = payload.measure(equipment, message(size, form))  # type: ignore[arg-type]
    return equipment, found


@pytest.mark.parametrize(("transport", "form", "longest"), LONGEST)
def test_a_message_beyond_the_servers_limit_is_a_row_that_says_how_it_fails(
    transport: Transport, form: Form, longest: int
) -> None:
    equipment, found = unanswered(longest + 1, form, transport)
    assert set(found.metrics.values()) == {None}
    (why,) = set(found.unavailable.values())
    assert why.startswith("beyond the server's limit of 1,000,000 bytes (maxPayload), sent as ")
    assert "answered nothing" in why
    # What happened to its clients is told: it is not to be told a second time as their loss.
    assert list(equipment.judged or ()) == []


@pytest.mark.parametrize(("transport", "form", "longest"), LONGEST)
def test_a_message_within_the_servers_limit_that_is_not_answered_has_failed(
    transport: Transport, form: Form, longest: int
) -> None:
    with pytest.raises(TrialFailed):
        unanswered(longest, form, transport)


def test_a_server_that_tells_no_limit_has_none_that_explains_a_failure() -> None:
    with pytest.raises(TrialFailed):
        unanswered(2_000_000, Form.TEXT, Transport.WEBSOCKET, None)


def test_a_server_that_answered_and_then_failed_has_not_refused_the_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    equipment, sessions = bench(5 * MS)

    def closed_window(*_arguments: Any, **_paced: Any) -> None:
        raise TrialFailed("all 2 clients lost their connection")

    for session in sessions:
        session.max_payload = 10
    monkeypatch.setattr(echoing, "closed_window", closed_window)
    with pytest.raises(TrialFailed, match="all 2 clients"):
        payload.measure(equipment, message())  # type: ignore[arg-type]


def test_replies_that_wait_to_be_read_are_no_throughput_to_trust() -> None:
    equipment, sessions = bench(5 * MS)
    for session in sessions:
        session.read_after_ns = 4 * MS
    (found,) = payload.measure(equipment, message())  # type: ignore[arg-type]
    assert "waited for the load generator to read them" in found.invalid["throughput"]
    assert "waited for the load generator to read them" in found.invalid["volume"]


# --- what it can be told


def variants(text: str = "") -> list[str]:
    return [each.name for each in parse(HEAD + text, "mine.toml").variants("payload")]


def test_each_size_and_form_is_a_trial_with_one_row() -> None:
    text = "sizes = [32, 65536]\n"
    assert variants(text) == ["32", "32:binary", "65536", "65536:binary"]
    found = parse(HEAD + text, "mine.toml").variant("payload", "65536:binary")
    assert found.rows() == ["payload:65536:binary"]
    assert found.clients == 4


def test_rows_are_in_order_of_size_text_first() -> None:
    rows = ["payload:65536:binary", "payload:32:binary", "payload:65536", "payload:1024"]
    assert SCENARIO.order is not None
    assert sorted(rows, key=SCENARIO.order) == [
        "payload:1024",
        "payload:65536",
        "payload:32:binary",
        "payload:65536:binary",
    ]


@pytest.mark.parametrize("row", [SizeRow(32, Form.TEXT), SizeRow(999_999_999, Form.BINARY)])
def test_a_row_is_read_as_it_was_written(row: SizeRow) -> None:
    assert SizeRow.parse(str(row)) == row
    assert SizeRow.parse(f"{row}:reference") == row


ODD_ROWS = [
    *("payload", "payload:", "payload:x", "payload:0", "payload:032", "payload:-1", "echo:32"),
    *("payload:32:purple", "payload:32:binary:binary", "payload:32:", "payload:²"),
    *(f"payload:{'9' * digits}" for digits in (10, 400, 5000)),
]


@pytest.mark.parametrize("row", ODD_ROWS)
def test_a_row_of_another_shape_is_not_read_and_comes_last(row: str) -> None:
    assert SizeRow.parse(row) is None
    assert SCENARIO.order is not None
    assert SCENARIO.order(row) > SCENARIO.order("payload:999999999:binary")


def test_large_messages_are_offered_as_many_bytes_as_small_ones_but_never_too_few() -> None:
    options = Payload(sizes=[32, 65_536, 1_048_576], forms=[Form.TEXT], rate_hz=100, offered_mb_s=2)
    rates = [each.options.rate_hz for each in SCENARIO.kinds(options)]
    assert rates == [100, pytest.approx(2e6 / 65_536), pytest.approx(20 / 1.5)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sizes = []", "length >= 1"),
        ("sizes = [31]", ">= 32"),
        ("sizes = [16777217]", "<= 16777216"),
        ("sizes = [64, 64]", "named twice"),
        ('forms = ["xml"]', "Invalid enum value 'xml'"),
        ("rate_hz = 0", "> 0"),
        ("rate_hz = 10", "rate_hz × latency_s is below the 20 messages"),
        (
            "latency_s = 0.2\nsizes = [16777216]",
            "20 messages of 16,777,216 bytes within latency_s are 1,678 MB/s; at most 250",
        ),
        ("latency = 1", "did you mean latency_s?"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(HEAD + text, "mine.toml")
    assert words in str(refused.value)
    assert "payload" in str(refused.value)


def test_a_trial_takes_as_long_as_its_loops_and_some_seconds_more() -> None:
    found = parse(HEAD + "sizes = [32]\n", "mine.toml").variant("payload", "32")
    assert 2 * 0.3 + 1.5 + 0.7 < found.expected_s < 2 * 0.3 + 1.5 + 0.7 + 4
    assert found.longest_s > found.expected_s + SECOND / 1e9
