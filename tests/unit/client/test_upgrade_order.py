"""However a switch goes and wherever it breaks off: every packet arrives once and in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.client.frames import Opcode
from loadtests.client.packets import PROBE_PONG, UPGRADE_PACKET, decode_payload
from loadtests.record.words import Transport
from tests.unit.client.streams import FakeStream, play
from tests.unit.client.test_frames import server_frame
from tests.unit.client.test_polling_link import answer, requests
from tests.unit.client.test_websocket_link import upgrade
from tests.unit.client.upgrading import NOOP, REFUSAL, Played, join, open_

#: What the server says in an answer to a GET or in frames, and how a payload has it.
SAID = {b"2": b"2", b"4x": b"4x", b"by": b"beQ=="}


class World:
    """A server and a network that do what they may, in the order that the test gives.

    A POST has arrived when it is answered, which is as late as it may be: what was sent after it
    by another way must not have arrived before.

    Args:
        streams: that the test plays.
        fate: what becomes of the probe: ``switched``, or how it fails.
    """

    def __init__(self, streams: list[FakeStream], fate: str) -> None:
        self.played = Played(streams)
        self.played.on_packet = self.hear
        self.fate = fate
        self.stage = "asked"  # for a WebSocket; then agreed, ponged, and switched or failed
        self.sent: list[bytes] = []
        self.said: list[bytes] = []
        self.arrived: list[bytes] = []
        self.framed = 1  # how many frames have been read; the first is the probe
        self.answered: dict[FakeStream, int] = {}
        open_(self.played)
        self.answered[self.played.get] = 1
        join(self.played)

    # The client.

    def send(self) -> None:
        number = len(self.sent)
        packet = (b"b" if number % 5 == 4 else b"4") + b"%d" % number
        self.sent.append(packet)
        self.played.send(packet)

    def hear(self, packet: bytes) -> None:
        if packet != NOOP:
            self.played.heard.append(packet)
        if packet == b"2":  # as a session answers the server's ping
            self.send()

    # The server and the network.

    def under_way(self, method: bytes) -> FakeStream | None:
        """The connection with an unanswered request; there must not be two."""
        found = [
            stream
            for stream in self.played.polling
            if len(stream.sent) > self.answered.get(stream, 0)
            and not stream.closed
            and requests(stream)[-1][0] == method
        ]
        assert len(found) < 2
        return found[0] if found else None

    def answer(self, method: bytes, body: bytes, *, close: bool = False) -> None:
        stream = self.under_way(method)
        assert stream is not None
        assert len(stream.sent) == self.answered.get(stream, 0) + 1, "one request at a time"
        self.answered[stream] = len(stream.sent)
        if method == b"POST":
            self.arrived += decode_payload(requests(stream)[-1][1])
        stream.say(answer(body, close=close))

    def speak(self, packet: bytes) -> None:
        """By WebSocket after the switch, by the GET that is under way before it, or not now."""
        if self.stage == "switched":
            self.said.append(packet)
            binary = packet[:1] == b"b"
            opcode = Opcode.BINARY if binary else Opcode.TEXT
            self.played.websocket.say(server_frame(opcode, packet[binary:]))
        elif self.under_way(b"GET") is not None:
            self.said += [packet, b"4x"]
            self.answer(b"GET", SAID[packet] + b"\x1e6\x1e4x", close=packet == b"by")

    def drop(self, method: bytes) -> None:
        """Close a kept connection just as it is used again: nothing was read of the request."""
        stream = self.under_way(method)
        if stream is not None and self.answered.get(stream, 0) > 0:
            self.answered[stream] = len(stream.sent)
            stream.end()

    def go_on(self) -> None:
        """The next step of the probe, or its end."""
        played = self.played
        if self.stage == "asked" and self.fate == "refused":
            self.stage = "failed"
            played.websocket.say(REFUSAL)
        elif (self.stage, self.fate) in (("asked", "dead at once"), ("ponged", "dead late")):
            self.stage = "failed"
            played.websocket.end("broken")
        elif self.stage == "asked":
            self.stage = "agreed"
            played.websocket.say(upgrade(played.websocket))
        elif self.stage == "agreed":
            self.stage = "ponged"
            played.frame(PROBE_PONG)
        elif self.stage == "ponged" and self.fate != "switched":
            self.stage = "failed"
            played.frame(PROBE_PONG if self.fate == "two pongs" else NOOP)
        elif self.stage == "ponged" and self.under_way(b"GET") is not None:
            self.answer(b"GET", NOOP)

    def do(self, action: str) -> None:
        """One thing that may happen, if it may now."""
        if action == "send":
            self.send()
        elif action == "go on":
            self.go_on()
        elif action == "answer" and self.under_way(b"POST") is not None:
            self.answer(b"POST", b"ok", close=len(self.sent) % 3 == 0)
        elif action.startswith("drop"):
            self.drop(action.split()[1].encode())
        elif action.startswith("say"):
            self.speak(action.split()[1].encode())
        self.read_frames()
        self.check()

    def read_frames(self) -> None:
        """Take what has come over the WebSocket."""
        if self.stage not in ("ponged", "switched"):
            return
        for opcode, payload in self.played.framed[self.framed :]:
            if payload == UPGRADE_PACKET:
                self.stage = "switched"
                assert self.answered == {each: len(each.sent) for each in self.played.polling}
            else:
                assert self.stage == "switched"
                self.arrived.append(payload if opcode == Opcode.TEXT else b"b" + payload)
        self.framed = len(self.played.framed)

    def check(self) -> None:
        """What is true at every moment."""
        link, switched = self.played.link, self.stage == "switched"
        assert link.transport is (Transport.WEBSOCKET if switched else Transport.POLLING)
        assert link.settled.is_set() == (self.stage in ("switched", "failed"))
        # Between the pong and the switch, a GET that has ended is not followed by another.
        if self.stage not in ("ponged", "switched"):
            assert self.under_way(b"GET") is not None
        assert self.arrived == self.sent[: len(self.arrived)]


ACTIONS = ["send", "send", "answer", "go on", "say 2", "say 4x", "say by", "drop GET", "drop POST"]
FATES = ["switched"] * 3 + ["refused", "dead at once", "dead late", "two pongs", "no pong"]


# Five times as many as elsewhere: an order that goes wrong needs several things at once.
@settings(max_examples=5 * settings().max_examples)
@given(st.sampled_from(FATES), st.lists(st.sampled_from(ACTIONS), max_size=30))
def test_every_packet_arrives_once_and_in_order(fate: str, actions: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        world = World(play(patch), fate)
        for action in actions:
            world.do(action)
        for _ in range(len(world.sent) + 3):  # as many as there may be POSTs, and the probe's steps
            world.do("go on")
            world.do("answer")
    assert world.sent == world.arrived
    assert world.sent == world.played.left
    assert world.said == world.played.heard
    assert world.played.ended == []
    assert world.stage == "switched" or fate != "switched"
