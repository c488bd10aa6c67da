"""What connections agreed on, held against what was offered and what the server says of itself."""

from __future__ import annotations

import pytest

from loadtests.machine.journal import WrongConnections
from loadtests.record.words import Client, Transport
from loadtests.scenarios.bench import Place
from loadtests.scenarios.negotiated import verify_compression


def place(
    transport: Transport = Transport.WEBSOCKET,
    *,
    compression: bool = True,
    compresses: bool | None = None,
    client: Client = Client.TRANSPORT_BENCH,
) -> Place:
    return Place(
        "http://127.0.0.1:1",
        transport,
        "trial",
        client=client,
        websocket=None if compresses is None else "simple-websocket",
        compression=compression,
        compresses=compresses,
    )


def test_compression_is_what_all_connections_have() -> None:
    assert verify_compression([True, True], place()) == "permessage-deflate"
    assert verify_compression([False, False], place()) == "none"
    assert verify_compression([False], place(compression=False)) == "none"


def test_no_websocket_says_nothing_of_compression() -> None:
    assert verify_compression([False], place(Transport.POLLING, compresses=True)) == ""
    assert verify_compression([], place(compresses=True)) == ""


def test_connections_that_differ_fail_their_trial() -> None:
    with pytest.raises(WrongConnections, match="1 of 3 WebSocket connections compress and the oth"):
        verify_compression([False, True, False], place())


@pytest.mark.parametrize("compresses", [None, True, False])
def test_compression_that_nobody_offered_fails_the_trial(compresses: bool | None) -> None:
    with pytest.raises(WrongConnections, match=r"2 of 2 .* compress, which nobody offered"):
        verify_compression([True, True], place(compression=False, compresses=compresses))
    with pytest.raises(WrongConnections, match=r"2 of 2 .* compress, which nobody offered"):
        verify_compression([True, True], place(compresses=compresses), offered=False)


def test_server_that_does_as_it_says_is_believed() -> None:
    assert verify_compression([True], place(compresses=True)) == "permessage-deflate"
    assert verify_compression([False], place(compresses=False)) == "none"


def test_server_that_says_to_compress_and_does_not_fails_the_trial() -> None:
    with pytest.raises(WrongConnections) as failed:
        verify_compression([False, False], place(compresses=True))
    assert str(failed.value) == (
        "the server says that its WebSocket (simple-websocket) compresses messages, and none of 2 "
        "connections that offered it do: is it another one that answers?"
    )


def test_server_that_says_not_to_compress_and_does_fails_the_trial() -> None:
    with pytest.raises(
        WrongConnections, match=r"does not compress messages, and all of 2 connections"
    ):
        verify_compression([True, True], place(compresses=False))


def test_who_offers_nothing_proves_nothing_about_the_server() -> None:
    assert verify_compression([False], place(compression=False, compresses=True)) == "none"
    assert verify_compression([False], place(compresses=True), offered=False) == "none"
    reference = place(compresses=True, client=Client.REFERENCE)
    assert verify_compression([False], reference) == "none"
