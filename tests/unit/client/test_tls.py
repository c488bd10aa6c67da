"""TLS over a connection that the test plays, against OpenSSL's server side in memory."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client import tls
from loadtests.client.tls import TlsStream
from tests.support.certificates import Issued, issue
from tests.unit.client.streams import FakeStream
from tests.unit.client.tls_ends import Client, TlsServer

#: As long as a record of TLS may be (RFC 8446, section 5.1).
RECORD_BYTES = 16384


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("tls"), "example", "127.0.0.1")


@pytest.fixture(scope="module")
def trusting(issued: Issued) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(issued.authority))


@pytest.fixture(scope="module", params=["TLSv1_2", "TLSv1_3"])
def certified(issued: Issued, request: pytest.FixtureRequest) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    context.maximum_version = ssl.TLSVersion[request.param]
    return context


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeStream.made = []
    monkeypatch.setattr(tls, "Stream", lambda _addresses, *listeners: FakeStream(*listeners))


@pytest.fixture
def server(certified: ssl.SSLContext) -> TlsServer:
    return TlsServer(certified)


@pytest.fixture
def client(trusting: ssl.SSLContext) -> Client:
    return Client(trusting)


@pytest.fixture
def shaken(client: Client, server: TlsServer) -> Client:
    """A client whose handshake is done."""
    client.talk(server)
    assert (client.ended, server.complaint) == ([], "")
    return client


# --- the handshake


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"<!DOCTYPE HTML>", b"\0"])
def test_server_that_answers_without_tls_is_told_with_what_would_work(
    client: Client, answer: bytes
) -> None:
    client.below.say(answer)
    assert client.ended == ["TLS: the server answers without: http:// or ws://?"]
    assert client.below.closed


@pytest.mark.parametrize("step", [1, 7, 1 << 30])
@pytest.mark.parametrize("name", ["example", "127.0.0.1"])
def test_handshake_is_done_however_its_bytes_were_cut(
    trusting: ssl.SSLContext, server: TlsServer, step: int, name: str
) -> None:
    client = Client(trusting, name)
    client.talk(server, step)
    client.stream.send(b"ping")
    client.talk(server, step)
    client.below.say(server.wire(b"pong"))
    assert (server.heard, client.heard, client.ended) == (b"ping", [b"pong"], [])


@pytest.mark.parametrize("step", [1, 1 << 30])
def test_what_was_sent_before_the_handshake_follows_it_in_order(
    client: Client, server: TlsServer, step: int
) -> None:
    client.stream.send(b"GET / ")
    client.stream.send(b"HTTP/1.1")
    client.talk(server, step)
    client.stream.send(b"\r\n\r\n")
    client.talk(server, step)
    assert server.heard == b"GET / HTTP/1.1\r\n\r\n"


def test_nothing_is_sent_in_clear(client: Client, server: TlsServer) -> None:
    client.stream.send(b"secret")
    hello = list(client.below.sent)
    client.talk(server)
    client.stream.send(b"secret")
    assert hello != []
    assert b"secret" not in b"".join(hello + client.below.sent)


@pytest.mark.parametrize("done", [0, 1, 600])
def test_connection_that_ends_during_the_handshake_has_its_own_reason(
    client: Client, server: TlsServer, done: int
) -> None:
    server.take(client.below.sent[0])
    for byte in server.give()[:done]:
        client.below.say(bytes((byte,)))
    client.below.end("connection closed by the server")
    assert (client.heard, client.ended) == ([], ["connection closed by the server"])


# --- what cannot be trusted


def refused(client: Client, server: TlsServer) -> str:
    """The only reason of a client that hears nothing and sends nothing but an alert."""
    client.stream.send(b"secret")
    client.talk(server)
    assert client.below.closed
    assert client.stream.closed
    assert (client.heard, server.heard) == ([], b"")
    [reason] = client.ended
    return reason


def test_certificate_of_another_name_is_refused_in_openssls_words(
    trusting: ssl.SSLContext, server: TlsServer
) -> None:
    client = Client(trusting, "elsewhere")
    assert (
        refused(client, server)
        == "TLS: Hostname mismatch, certificate is not valid for 'elsewhere'."
    )
    assert "alert" in server.complaint


def test_certificate_of_another_address_is_refused(
    trusting: ssl.SSLContext, server: TlsServer
) -> None:
    assert "IP address mismatch" in refused(Client(trusting, "127.0.0.2"), server)


def test_certificate_of_an_unknown_authority_is_refused_and_the_server_is_told(
    server: TlsServer,
) -> None:
    reason = refused(Client(ssl.create_default_context()), server)
    assert reason == "TLS: unable to get local issuer certificate"
    assert "unknown ca" in server.complaint.lower().replace("_", " ")


def test_server_that_wants_a_certificate_of_ours_refuses_in_openssls_words(
    client: Client, issued: Issued
) -> None:
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    demanding.load_cert_chain(issued.certificate, issued.key)
    demanding.load_verify_locations(issued.authority)
    demanding.verify_mode = ssl.CERT_REQUIRED
    client.talk(TlsServer(demanding))
    [reason] = client.ended
    assert reason.startswith("TLS: ")
    assert "certificate" in reason.lower()


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 100, b"\xff" * 9]
)
def test_what_is_no_tls_ends_with_a_reason(client: Client, garbage: bytes) -> None:
    client.stream.send(b"secret")
    client.below.say(garbage)
    assert (len(client.ended), client.below.closed, client.heard) == (1, True, [])
    assert client.ended[0].startswith("TLS: ")


def test_what_is_no_tls_any_more_ends_with_a_reason(shaken: Client, server: TlsServer) -> None:
    forged = bytearray(server.wire(b"after the true one") + server.wire(b"forged"))
    forged[-1] ^= 1
    shaken.below.say(bytes(forged))
    assert (shaken.heard, shaken.below.closed) == ([b"after the true one"], True)
    [reason] = shaken.ended
    assert reason.startswith("TLS: ")


@pytest.mark.parametrize("shaken_first", [False, True])
def test_nothing_can_be_sent_after_the_end_and_nobody_is_harmed(
    client: Client, server: TlsServer, shaken_first: bool
) -> None:
    if shaken_first:
        client.talk(server)
    client.below.say(b"garbage that is longer than the head of a record")
    client.below.sent.clear()
    client.stream.send(b"too late")
    client.stream.close()
    client.stream.freeze()
    assert b"too late" not in b"".join(client.below.sent)
    assert len(client.ended) == 1


def test_alert_that_breaks_the_connection_does_not_end_it_twice(
    trusting: ssl.SSLContext, server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(trusting, "elsewhere")
    server.take(client.below.sent[0])
    monkeypatch.setattr(client.below, "send", lambda _: client.below.end("broken pipe"))
    client.below.say(server.give())
    assert len(client.ended) == 1


# --- data


def test_several_records_in_one_read_arrive_in_order_with_its_times(
    shaken: Client, server: TlsServer
) -> None:
    shaken.below.say(server.wire(b"one", b"two", b"three"))
    assert (shaken.heard, shaken.stamps) == ([b"one", b"two", b"three"], {(10, 20)})


def test_nothing_arrives_before_its_record_is_whole(shaken: Client, server: TlsServer) -> None:
    record = server.wire(b"whole")
    shaken.below.say(record[:-1])
    assert shaken.heard == []
    shaken.below.say(record[-1:])
    assert shaken.heard == [b"whole"]


@pytest.mark.parametrize("length", [RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1, 1_000_000])
def test_large_data_arrives_whole_both_ways(shaken: Client, server: TlsServer, length: int) -> None:
    data = bytes(index % 251 for index in range(length))
    shaken.stream.send(data)
    shaken.talk(server, 65536)
    wire = server.wire(data)
    for at in range(0, len(wire), 65536):
        shaken.below.say(wire[at : at + 65536])
    assert server.heard == data
    assert b"".join(shaken.heard) == data


def test_any_cut_of_the_records_gives_the_same_data(
    certified: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    @given(
        st.lists(st.binary(min_size=1, max_size=100), max_size=6),
        st.lists(st.integers(min_value=0), max_size=8),
        st.booleans(),
    )
    def check(plain: list[bytes], places: list[int], closing: bool) -> None:
        client, server = Client(trusting), TlsServer(certified)
        client.talk(server)
        wire = server.wire(*plain) + (server.goodbye() if closing else b"")
        edges = [0, *sorted(place % (len(wire) + 1) for place in places), len(wire)]
        for begin, end in pairwise(edges):
            if begin < end:
                client.below.say(wire[begin:end])
        assert plain == client.heard
        assert client.ended == ["connection closed by the server"] * closing
        assert closing == client.below.closed

    check()


# --- the end


@pytest.mark.parametrize("together", [True, False])
def test_close_notify_is_the_end_after_what_came_before_it(
    shaken: Client, server: TlsServer, together: bool
) -> None:
    last, goodbye = server.wire(b"last words"), server.goodbye()
    for data in [last + goodbye] if together else [last, goodbye]:
        shaken.below.say(data)
    assert (shaken.heard, shaken.ended) == ([b"last words"], ["connection closed by the server"])
    assert (shaken.below.closed, shaken.stream.closed) == (True, True)


def test_connection_that_ends_without_close_notify_has_its_own_reason(shaken: Client) -> None:
    shaken.below.end("connection broken: Connection reset by peer")
    assert shaken.ended == ["connection broken: Connection reset by peer"]


def test_what_is_heard_may_close_and_then_nothing_more_is_heard(
    shaken: Client, server: TlsServer
) -> None:
    def closing(data: bytes, kernel_ns: int, user_ns: int) -> None:
        shaken.hear(data, kernel_ns, user_ns)
        shaken.stream.close()

    shaken.stream.on_data = closing
    shaken.below.say(server.wire(b"one", b"two") + server.goodbye())
    assert (shaken.heard, shaken.ended, shaken.below.closed) == ([b"one"], [], True)


def test_what_is_heard_may_be_answered(shaken: Client, server: TlsServer) -> None:
    shaken.stream.on_data = lambda data, *_: shaken.stream.send(data.upper())
    shaken.below.say(server.wire(b"one", b"two"))
    shaken.talk(server)
    assert server.heard == b"ONETWO"


def test_who_hears_may_change_between_two_records_of_one_read(
    shaken: Client, server: TlsServer
) -> None:
    heard: list[bytes] = []

    def first(_data: bytes, *_: Any) -> None:
        shaken.stream.on_data = lambda data, *_: heard.append(data)

    shaken.stream.on_data = first
    shaken.below.say(server.wire(b"one", b"two"))
    assert heard == [b"two"]


@pytest.mark.parametrize(
    ("leave", "state"),
    [(TlsStream.close, (True, False)), (TlsStream.freeze, (False, True))],
)
@pytest.mark.parametrize("shaken_first", [False, True])
def test_tls_ends_as_the_connection_below_it(
    client: Client,
    server: TlsServer,
    leave: Callable[[TlsStream], None],
    state: tuple[bool, bool],
    shaken_first: bool,
) -> None:
    if shaken_first:
        client.talk(server)
    client.below.sent.clear()
    leave(client.stream)
    assert (client.below.closed, client.below.frozen) == state
    assert (client.stream.closed, client.ended, client.below.sent) == (state[0], [], [])
