"""Clients in processes of their own, so that they can be killed, stopped or cut off for real.

The host imports everything once and forks (a zygote): a child costs milliseconds and shares the
pages of what was imported. Until all children are there, nothing may make gevent's loop, since two
processes cannot share one.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import gevent
import msgspec
from gevent.socket import wait_read

from loadtests.client.alarm import Alarm
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.client.sessions import make_session
from loadtests.client.target import Target
from loadtests.machine.leash import dies_with
from loadtests.record.application import NAMESPACE
from loadtests.record.words import Cause, Client, Transport
from loadtests.scenarios.bench import connect_timeout_s
from loadtests.scenarios.disconnect.hosts.diary import Diary
from loadtests.scenarios.disconnect.hosts.interface import check_link, take_down

_ALONE = (Cause.KILL, Cause.FREEZE)
#: How often a child looks whether its session is still there.
_LOOK_S = 0.5


class ProcessHost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a host of processes is to hold.

    Attributes:
        url: of the server.
        transport: of every client.
        client: whose.
        causes: how each client goes: by ``kill`` or ``freeze``, each in a process of its own; or
            all by ``cut``, in one process.
        interface: for ``cut``, the network interface to take down, in the host's own network.
        spread_s: over how long the clients connect, evenly, so that their heartbeats have different
            phases and they have places among others in the server's scan. Those of ``cut`` all go
            at the same moment: only their connecting tells them apart.
        target: what their connections are told.
        compression: whether they offer to compress WebSocket messages.
    """

    url: str
    transport: Transport
    client: Client
    causes: list[Cause]
    interface: str | None = None
    spread_s: float = 0.0
    target: Target = Target()
    compression: bool = True

    def __post_init__(self) -> None:
        if not self.causes:
            raise ValueError("a host of no clients")
        if set(self.causes) == {Cause.CUT}:
            if self.interface is None:
                raise ValueError("clients that are to be cut off need an interface to take down")
        elif others := set(self.causes) - set(_ALONE):
            raise ValueError(
                f"a process cannot go by {', '.join(sorted(others))}; "
                "it can by kill or freeze, and all clients of a host together by cut"
            )
        elif self.interface is not None:
            raise ValueError("an interface is for clients that are all to be cut off")

    @property
    def clients(self) -> int:
        """How many."""
        return len(self.causes)

    @property
    def children(self) -> list[list[int]]:
        """The clients of each process."""
        everybody = list(range(self.clients))
        return [everybody] if self.interface is not None else [[client] for client in everybody]


def hold(config: ProcessHost, path: Path) -> None:
    """Fork the children, pass on when they are to go, and end them all with standard input.

    Args:
        config: what to hold.
        path: of the diary.
    """
    diary = Diary(path)
    if not hasattr(os, "fork"):
        diary.failed("this system has no fork(), so no client can have a process of its own")
        return
    if config.interface is not None:
        try:
            check_link(config.interface)
        except OSError as error:
            diary.failed(f"{config.interface} cannot be taken down: {error.strerror}")
            return
    zygote = _Zygote(config, diary)
    signal.signal(signal.SIGTERM, _stop_listening)
    try:
        zygote.fork()
        for line in sys.stdin.buffer:
            zygote.send_away(json.loads(line)["due_ns"])
    finally:
        zygote.end()


def _stop_listening(_signal: int, _frame: FrameType | None) -> None:
    """Whoever is waiting for standard input now reads its end; what follows is not disturbed."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())


class _Zygote:
    """The children's parent, which never runs a loop itself."""

    def __init__(self, config: ProcessHost, diary: Diary) -> None:
        self._config = config
        self._diary = diary
        self._clients: dict[int, list[int]] = {}  # of each child, by its process id
        self._pipes: dict[int, int] = {}  # to each child, by its process id
        # A byte for each client that the diary has an end of; shared with the children.
        self._told = mmap.mmap(-1, config.clients)

    def fork(self) -> None:
        """Start every child."""
        # Collecting would write to every object, and so copy the pages that are shared.
        gc.collect()
        gc.freeze()
        # A child that ends at once must not be looked for before it is noted.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        signal.signal(signal.SIGCHLD, self._reap)
        zygote = os.getpid()
        for clients in self._config.children:
            words, pipe = os.pipe()
            child = os.fork()
            if child == 0:
                self._become_child(clients, zygote, words, [pipe, *self._pipes.values()])
            os.close(words)
            self._clients[child] = clients
            self._pipes[child] = pipe
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})

    def send_away(self, due_ns: Sequence[int]) -> None:
        """Tell every child."""
        for child, clients in list(self._clients.items()):
            words = json.dumps([due_ns[client] for client in clients]).encode()
            pipe = self._pipes.get(child)
            if pipe is None:  # it was reaped meanwhile
                continue
            try:
                os.write(pipe, words)
            except BrokenPipeError:  # it has just ended, and will be reaped
                continue

    def end(self) -> None:
        """Kill and reap all; a stopped child too can be killed."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
        for child in self._clients:
            os.kill(child, signal.SIGKILL)
        for child in self._clients:
            os.waitpid(child, 0)

    def _reap(self, _signal: int, _frame: FrameType | None) -> None:
        for child in list(self._clients):
            try:
                ended, status = os.waitpid(child, os.WNOHANG)
            except ChildProcessError:
                # Another child's end interrupted this handler, or is doing so: one of the two has
                # this one's status already.
                continue
            if not ended:
                continue
            os.close(self._pipes.pop(child))
            for client in self._clients.pop(child):
                if not self._told[client]:
                    code = os.waitstatus_to_exitcode(status)
                    self._diary.lost(client, f"its process ended with code {code}")

    def _become_child(
        self, clients: list[int], zygote: int, words: int, pipes: list[int]
    ) -> NoReturn:
        code = 1
        try:
            if not dies_with(zygote, signal.SIGKILL):
                os._exit(0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            # A pipe ends with its writers; those to the older children were inherited too.
            for pipe in pipes:
                os.close(pipe)
            _Child(self._config, clients, self._diary, self._told).live(words)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)  # what follows here is the zygote's


class _Child:
    """A process with clients, on a loop of its own."""

    def __init__(
        self, config: ProcessHost, clients: Sequence[int], diary: Diary, told: mmap.mmap
    ) -> None:
        self._config = config
        self._clients = clients
        self._diary = diary
        self._told = told
        self._sessions: dict[int, Session] = {}

    def live(self, words: int) -> None:
        """Connect, then go when the words say so; the end of the words is the zygote's."""
        joining = [gevent.spawn(self._join, client) for client in self._clients]
        gevent.joinall(joining, raise_error=True)
        gevent.spawn(self._watch)
        alarm = Alarm()
        wait_read(words)
        while data := os.read(words, 65536):
            for due_ns, go in self._departures(json.loads(data)):
                alarm.at(due_ns, go)
            wait_read(words)

    def _join(self, client: int) -> None:
        gevent.sleep(self._config.spread_s * client / self._config.clients)
        try:
            config = self._config
            server = locate(config.url, config.target, compression=config.compression)
            namespace = config.target.namespace or NAMESPACE
            session = make_session(config.client, server, config.transport, namespace)
            session.connect(config.target.auth, connect_timeout_s(config.clients))
        except ConnectionFailed as error:
            self._tell(client)
            self._diary.failed(f"client {client} could not connect: {error}")
            return
        self._sessions[client] = session
        self._diary.joined(client, session.sid)

    def _watch(self) -> None:
        while True:
            for client in list(self._sessions):
                self._is_there(client)
            gevent.sleep(_LOOK_S)

    def _is_there(self, client: int) -> bool:
        session = self._sessions.get(client)
        if session is not None and session.ended is not None:
            self._tell(client)
            self._diary.lost(client, session.ended)
            del self._sessions[client]
        return client in self._sessions

    def _departures(self, due_ns: Sequence[int]) -> list[tuple[int, partial[None]]]:
        if self._config.interface is not None:
            return [(min(due_ns), partial(self._cut, self._config.interface))]
        return [
            (moment_ns, partial(self._go, client))
            for client, moment_ns in zip(self._clients, due_ns, strict=True)
        ]

    def _go(self, client: int) -> None:
        gone_ns = time.monotonic_ns()
        if not self._is_there(client):
            return
        self._tell(client)
        self._diary.gone(client, gone_ns, self._sessions[client].pinged_ns)
        freezing = self._config.causes[client] is Cause.FREEZE
        os.kill(os.getpid(), signal.SIGSTOP if freezing else signal.SIGKILL)

    def _cut(self, interface: str) -> None:
        there = [client for client in self._clients if self._is_there(client)]
        gone_ns = time.monotonic_ns()
        try:
            take_down(interface)
        except OSError as error:
            self._diary.failed(f"{interface} was not taken down: {error.strerror}")
            return
        for client in there:
            self._tell(client)
            self._diary.gone(client, gone_ns, self._sessions.pop(client).pinged_ns)

    def _tell(self, client: int) -> None:
        self._told[client] = 1
