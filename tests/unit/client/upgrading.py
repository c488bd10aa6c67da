"""An upgrading link and its server, on streams that the test plays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from loadtests.client.frames import Opcode
from loadtests.client.packets import PROBE_PONG, decode_handshake
from loadtests.client.upgrade import UpgradingLink
from tests.unit.client.streams import SERVER, FakeStream
from tests.unit.client.test_frames import server_frame
from tests.unit.client.test_polling_link import answer, requests
from tests.unit.client.test_websocket_link import unmasked, upgrade

OPEN = (
    b'0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,'
    b'"maxPayload":40}'
)
NOOP = b"6"
REFUSAL = b"HTTP/1.1 400 BAD REQUEST\r\nContent-Length: 2\r\n\r\nno"


def text(*packets: bytes) -> list[tuple[int, bytes]]:
    return [(Opcode.TEXT, packet) for packet in packets]


class Played:
    """An upgrading link, all that it did, and the server's side of its connections."""

    def __init__(self, streams: list[FakeStream]) -> None:
        self.streams = streams
        self.heard: list[bytes] = []
        self.ended: list[str] = []
        self.left: list[bytes] = []
        self.on_packet: Callable[[bytes], None] = self.heard.append
        self.link = UpgradingLink(SERVER, self._hear, self.ended.append)

    def _hear(self, packet: bytes, _kernel_ns: int, _user_ns: int) -> None:
        if packet[:1] == b"0":
            self.link.joined(decode_handshake(packet))
        else:
            self.on_packet(packet)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.link.send(packet, partial(self.left.append, packet))

    # The server's side.

    @property
    def polling(self) -> list[FakeStream]:
        return [stream for stream in self.streams if b"transport=polling" in stream.sent[0]]

    @property
    def get(self) -> FakeStream:
        return next(each for each in reversed(self.polling) if each.sent[0].startswith(b"GET"))

    @property
    def post(self) -> FakeStream:
        return next(each for each in reversed(self.polling) if each.sent[0].startswith(b"POST"))

    @property
    def websocket(self) -> FakeStream:
        return next(each for each in self.streams if b"transport=websocket" in each.sent[0])

    @property
    def posted(self) -> list[bytes]:
        """The bodies of all POSTs."""
        made = [request for stream in self.polling for request in requests(stream)]
        return [body for method, body in made if method == b"POST"]

    @property
    def framed(self) -> list[tuple[int, bytes]]:
        """All frames."""
        return [unmasked(frame) for frame in self.websocket.sent[1:]]

    @property
    def all_closed(self) -> bool:
        return all(stream.closed for stream in self.streams)

    def frame(self, packet: bytes) -> None:
        self.websocket.say(server_frame(Opcode.TEXT, packet))

    def reach(self, stage: str) -> None:
        """Go through all that comes before a stage, and through it."""
        for name, step in STAGES.items():
            step(self)
            if name == stage:
                return
        raise AssertionError(f"no stage {stage}")


def open_(played: Played) -> None:
    played.link.open()


def join(played: Played) -> None:
    played.get.say(answer(OPEN))


def accept(played: Played) -> None:
    played.websocket.say(upgrade(played.websocket))


def pong(played: Played) -> None:
    played.frame(PROBE_PONG)


def quiet(played: Played) -> None:
    played.get.say(answer(NOOP))


STAGES = {"opened": open_, "joined": join, "accepted": accept, "ponged": pong, "switched": quiet}
