"""Engine.IO over HTTP long-polling as a browser does it.

One GET is always waiting for the server; POSTs go out beside it on a second connection, one at a
time, each with all that has gathered meanwhile. Both connections are kept as long as the server
lets them live, and compressed responses are accepted: all of that is what browsers do, and what a
server must cope with. A client that opens a connection per request measures something else.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from loadtests.client import heads, http, notices, packets, refusals
from loadtests.client.channel import Channel
from loadtests.client.cookies import Jar
from loadtests.client.errors import ProtocolError
from loadtests.client.link import OnLeave, OnPacket, Server
from loadtests.client.packets import Handshake
from loadtests.client.stream import OnEnd
from loadtests.record.words import Transport

#: python-engineio throws the whole body of a POST away that has more, and answers it with 200
#: (engineio/payload.py, Payload.max_decode_packets; the request of engineio.server.Server, 4.15).
MOST_PACKETS = 16
TOO_MANY_PACKETS = (
    f"POSTs of more than {MOST_PACKETS} packets: python-engineio throws them away and answers 200 "
    "OK, so their messages are lost without a word. Send more slowly, or over WebSocket, or raise "
    "engineio.payload.Payload.max_decode_packets in the server"
)

#: Until the server has said what it takes: the default of socketio/engine.io-protocol.
_LONGEST_UNTOLD = 1_000_000


class PollingLink:
    """See Link."""

    __slots__ = (
        "_cookies",
        "_ended",
        "_gets",
        "_heads",
        "_jar",
        "_leaves",
        "_leaving",
        "_longest",
        "_on_end",
        "_on_packet",
        "_outbox",
        "_paused",
        "_posts",
        "_said_goodbye",
        "_server",
        "_session_id",
        "codings",
    )

    transport = Transport.POLLING

    compressed = False  # no message is; a response may be

    def __init__(
        self, server: Server, on_packet: OnPacket, on_end: OnEnd, *, jar: Jar | None = None
    ) -> None:
        self._server = server
        self._jar = server.jar() if jar is None else jar
        self._session_id = ""
        self._heads: heads.PollingHeads | None = None
        self._cookies = 0  # the jar's version that the heads have
        self._on_packet = on_packet
        self._on_end = on_end
        self.codings: set[bytes] = set()
        self._gets = Channel(server, self._got, self._end)
        self._posts = Channel(server, self._posted, self._end)
        self._outbox: list[bytes] = []
        self._leaves: list[OnLeave | None] = []  # of the outbox's packets
        self._longest = _LONGEST_UNTOLD
        self._paused: Callable[[], None] | None = None
        self._ended = False
        self._leaving = False
        self._said_goodbye = False

    def open(self) -> None:
        """The first GET: its response is the open packet."""
        self._poll()

    def joined(self, handshake: Handshake) -> None:
        """Carry the session in every request from here on, and no more than the server takes."""
        self._session_id = quote(handshake.sid, safe="")
        self._heads = None
        if handshake.max_payload is not None:
            self._longest = handshake.max_payload

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """Queue a packet; it leaves at once unless a POST is under way."""
        if self._ended:
            return
        self._outbox.append(packet)
        self._leaves.append(leaves)
        if not self._posts.busy and self._paused is None:
            self._post()

    def say_goodbye(self) -> None:
        """Post Engine.IO's close packet; connections are closed when that is answered.

        By itself, after all else has been answered, as the official client does: its server would
        act on it before a packet of Socket.IO's in the same POST (socket.io, Client.ondecoded).
        """
        self._leaving = True
        if not self._posts.busy and self._paused is None:
            self._leave()

    def pause(self, paused: Callable[[], None]) -> None:
        """Begin no further request; call back once none is under way."""
        self._paused = paused
        self._tell_if_quiet()

    def resume(self) -> None:
        """Go on after a pause, with what has gathered."""
        self._paused = None
        if not self._gets.busy:
            self._poll()
        if self._outbox and not self._posts.busy:
            self._post()

    def take_unsent(self) -> list[tuple[bytes, OnLeave | None]]:
        """Give away the packets that no POST has carried."""
        unsent = list(zip(self._outbox, self._leaves, strict=True))
        self._outbox, self._leaves = [], []
        return unsent

    @property
    def connecting(self) -> str:
        """See Link."""
        return self._gets.connecting

    def carried(self) -> tuple[int, int] | None:
        """None: it has two connections, and others after those."""
        return None

    def keep(self) -> None:
        """Nothing: what arrives has been unzipped to find where it ends."""

    @property
    def kept(self) -> int:
        """See Link."""
        return 0

    def read_kept(self) -> None:
        """Nothing."""

    def kill(self) -> None:
        """Close both connections without a word."""
        self._ended = True
        self._gets.close()
        self._posts.close()

    def reset(self) -> None:
        """The same with RST instead of FIN."""
        self._ended = True
        self._gets.reset()
        self._posts.reset()

    def freeze(self) -> None:
        """Leave both connections as they are."""
        self._gets.freeze()
        self._posts.freeze()

    def _tell_if_quiet(self) -> None:
        if self._paused is not None and not self._gets.busy and not self._posts.busy:
            self._paused()

    def _poll(self) -> None:
        self._gets.request(self._current_heads().get())

    def _current_heads(self) -> heads.PollingHeads:
        cookie = self._jar.header  # asked for first: that is when one that has expired goes
        if self._heads is None or self._cookies != self._jar.version:
            self._heads = heads.polling(self._server, self._session_id, cookie)
            self._cookies = self._jar.version
        return self._heads

    def _post(self) -> None:
        body = packets.encode_payload(self._outbox, self._longest)
        carried = len(self._leaves) - len(self._outbox)
        for leaves in self._leaves[:carried]:
            if leaves is not None:
                leaves()
        del self._leaves[:carried]
        if carried > MOST_PACKETS:
            notices.tell(TOO_MANY_PACKETS, f"a POST of {carried} packets")
        self._posts.request(self._current_heads().post(body))

    def _got(self, response: http.Response, kernel_ns: int, user_ns: int) -> None:
        if response.cookies:
            self._jar.take(response.cookies)
        if response.status != 200:
            self._refused("GET", response)
            return
        self.codings.add(response.coding)
        try:
            for packet in packets.decode_payload(response.body) if response.body else ():
                self._on_packet(packet, kernel_ns, user_ns)
                if self._ended:  # by what the packet made its handler do
                    return
        except ProtocolError as error:
            self._end(str(error))
            return
        # After the handlers, as the official client does: what they send goes out first.
        if self._paused is not None:
            self._tell_if_quiet()
        elif not self._leaving:
            self._poll()

    def _posted(self, response: http.Response, _kernel_ns: int, _user_ns: int) -> None:
        if response.cookies:
            self._jar.take(response.cookies)
        if response.status != 200:
            self._refused("POST", response)
        elif self._paused is not None:
            self._tell_if_quiet()
        elif self._outbox:
            self._post()
        elif self._leaving:
            self._leave()

    def _leave(self) -> None:
        if self._said_goodbye:
            self.kill()
        else:
            self._said_goodbye = True
            self.send(packets.CLOSE_PACKET)

    def _refused(self, method: str, response: http.Response) -> None:
        words = refusals.refusal_line(response, self._session_id)
        self._end(f"{method} answered with {response.status}{words}")

    def _end(self, reason: str) -> None:
        if self._ended:
            return
        self.kill()
        if not self._leaving:
            self._on_end(reason)
