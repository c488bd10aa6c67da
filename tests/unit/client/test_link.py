"""Where the server is, from its URL."""

from __future__ import annotations

import pytest

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/?token=x",
        "http://127.0.0.1/#chat",
        "ftp://127.0.0.1",
        "127.0.0.1:5000",
        "http://",
        "",
        "http://127.0.0.1:99999",
    ],
)
def test_url_that_is_none_of_ours_says_what_is_expected(url: str) -> None:
    with pytest.raises(ConnectionFailed):
        locate(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@127.0.0.1",
        "http://secret@127.0.0.1:5000",
        "https://me:secret@[::1",
        "http://me:secret@127.0.0.1:port/path",
        "me:secret@127.0.0.1",
    ],
)
def test_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConnectionFailed, match="a user or a password") as refused:
        locate(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://127.0.0.1:5000", "127.0.0.1:5000", 5000),
        ("http://127.0.0.1", "127.0.0.1", 80),
        ("http://127.0.0.1:5000/", "127.0.0.1:5000", 5000),
    ],
)
def test_url_is_resolved_to_an_address(url: str, host: str, port: int) -> None:
    found = locate(url)
    assert (host, ("127.0.0.1", port)) == (found.host, found.addresses[0][1])
