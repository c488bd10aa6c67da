"""What the tests against peers share; they name this module as their plugin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import gevent
import pytest

from tests.integration.client.peers import PEERS, need, serving
from tests.integration.client.peers.listening import WAYS, Peer, Transports

_HANGS_S = 30.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """Peers that are started once for all tests of a file that want them alike."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}

        def start(name: str, **options: Any) -> str:
            need(name)
            key = f"{name}{options}"
            if key not in urls:
                log = tmp_path_factory.mktemp(name) / "peer.log"
                urls[key] = stack.enter_context(serving(name, log, **options))
            return urls[key]

        yield start


@pytest.fixture(params=sorted(PEERS))
def peer(request: pytest.FixtureRequest, running: Peer) -> Peer:
    """Each of the servers."""
    return partial(running, request.param)


@pytest.fixture
def node(running: Peer) -> Peer:
    """The official server."""
    return partial(running, "node")


@pytest.fixture(params=sorted(WAYS))
def transports(request: pytest.FixtureRequest) -> Transports:
    """Each way of carrying a session."""
    return WAYS[request.param]


@pytest.fixture
def loop_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that hangs, or during which a callback in gevent's loop raised.

    The loop prints such an exception and goes on, so nobody else would notice.
    """
    raised: list[BaseException] = []
    hub = gevent.get_hub()
    usual = hub.handle_error

    def keep(context: Any, kind: Any, value: Any, trace: Any) -> None:
        raised.append(value)
        usual(context, kind, value, trace)

    monkeypatch.setattr(hub, "handle_error", keep)
    with gevent.Timeout(_HANGS_S, AssertionError(f"hangs for {_HANGS_S:g} s")):
        yield
    assert raised == []
