"""A network that can be cut: what a cut looks like, and that nothing is left of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from loadtests import ROOT
from loadtests.machine import network
from loadtests.machine.launch import LaunchError, RunningServer, serving, started
from loadtests.machine.network import Network
from servers.modes import MAIN
from tests.support.present import present
from tests.support.waiting import until

MODES = sorted(MAIN)
CLIENT = (sys.executable, "-m", "tests.integration.run.network_client")
#: 192.0.2.2, as /proc/net/tcp writes it, and its name for a connection that both ends have.
INSIDE, ESTABLISHED = "020200C0", "01"

WAITS = ("sh", "-c", """echo '{"ready": true}'; exec sleep 60""")

USES_A_NETWORK = """\
import os, signal, sys
from pathlib import Path
from loadtests.machine.launch import started
from loadtests.machine.network import isolated

folder = Path(sys.argv[1])
with isolated(log=folder / "network.log") as made:
    prefix = (*made.outer, *made.inner)
    with started(
        "sleep", sys.argv[2:], type=dict, log=folder / "log", prefix=prefix, kill=True
    ) as inside:
        os.kill(inside.process.pid, signal.SIGSTOP)
        print(inside.process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.fixture(params=["root", "user"], autouse=True)
def _as(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As whoever runs the tests; root does it as others must, too."""
    if request.param == "root" and os.geteuid():
        pytest.skip("we are not root")
    if request.param == "user" and os.geteuid() == 0:
        monkeypatch.setattr(network, "_is_root", lambda: False)
    unavailable = network.unavailable  # a test may replace it
    unavailable.cache_clear()
    if reason := unavailable():
        pytest.skip(reason)
    yield
    unavailable.cache_clear()


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., AbstractContextManager[RunningServer]]:
    """Start a server in the outer namespace."""

    @contextmanager
    def start(made: Network, mode: str) -> Iterator[RunningServer]:
        with serving(
            mode,
            ping_interval_s=25,
            ping_timeout_s=20,
            log=tmp_path / f"{mode}.log",
            journal=tmp_path / f"{mode}.jsonl",
            host=made.address,
            prefix=made.outer,
        ) as server:
            yield server

    return start


def cut(made: Network) -> None:
    done = inside(made, "ip", "link", "set", made.interface, "down")
    assert done.returncode == 0, done.stderr


def inside(made: Network, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    found = network._find(program)
    return subprocess.run(
        [*made.outer, *made.inner, str(found), *arguments],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )


def across(pid: int) -> list[tuple[str, bool]]:
    """State of each connection across, in a process's network; has it anything unsent?"""
    lines = Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return [
        (state, int(queues.split(":")[0], 16) > 0)
        for _, _, remote, state, queues, *_ in fields
        if remote.startswith(INSIDE)
    ]


def of_the_system(pid: int, protocol: str, name: str) -> int:
    """A counter of a process's network (/proc/net/snmp)."""
    names, values = re.findall(
        f"^{protocol}: (.*)$", Path(f"/proc/{pid}/net/snmp").read_text("ascii"), re.MULTILINE
    )
    return int(dict(zip(names.split(), values.split(), strict=True))[name])


def heard(log: Path) -> Counter[str]:
    return Counter(line for line in log.read_text().splitlines() if line.startswith("heard"))


def holders(namespace: Path) -> set[int]:
    """Who is in a namespace or has it open; nothing else keeps one without a name."""
    name, found = namespace.readlink(), set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has gone, or is another user's
            links = [folder / "ns" / "net", *(folder / "fd").iterdir()]
            if any(link.readlink() == name for link in links):
                found.add(int(folder.name))
    return found


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # one that init has yet to reap
    except psutil.NoSuchProcess:
        return False


def test_server_sees_nothing_of_a_cut(serve, tmp_path):
    logs = [tmp_path / "stays.log", tmp_path / "cut.log"]
    with ExitStack() as stack:
        made = stack.enter_context(network.isolated(log=tmp_path / "network.log"))
        servers = [stack.enter_context(serve(made, mode)) for mode in MODES]
        urls = [server.url for server in servers]
        for log, role, prefix in zip(
            logs, ("talks", "listens"), (made.outer, (*made.outer, *made.inner)), strict=True
        ):
            stack.enter_context(
                started(role, [*CLIENT, role, *urls], type=dict, log=log, prefix=prefix)
            )
        until(lambda: all(len(heard(log)) == len(MODES) for log in logs))
        pid = servers[0].process.pid
        resets = of_the_system(pid, "Tcp", "EstabResets")

        cut(made)
        time.sleep(0.1)  # what had come in was read
        before = [heard(log) for log in logs]
        time.sleep(4)  # address resolution would have failed after three

        assert across(pid) == [(ESTABLISHED, True)] * len(MODES)
        assert of_the_system(pid, "Tcp", "EstabResets") == resets
        assert of_the_system(pid, "Icmp", "InMsgs") == 0
        assert of_the_system(pid, "Tcp", "RetransSegs") >= len(MODES)
        after = [heard(log) for log in logs]
        assert after[1] == before[1]
        # Its own broadcasts go around all the time: whoever waited for the cut ones would not.
        assert all(after[0][which] > before[0][which] + 20 for which in before[0])
        for mode in MODES:
            assert "disconnect" not in (tmp_path / f"{mode}.jsonl").read_text()
            assert "Traceback" not in (tmp_path / f"{mode}.log").read_text()


def test_connection_left_across_the_cut_is_given_up_soon(serve, tmp_path):
    """For as long as the kernel keeps it, it keeps the namespaces."""
    with network.isolated(log=tmp_path / "network.log") as made, ExitStack() as stack:
        server = stack.enter_context(serve(made, "threading"))
        for role, prefix in (("listens", (*made.outer, *made.inner)), ("talks", made.outer)):
            command = [*CLIENT, role, server.url]
            log = tmp_path / f"{role}.log"
            client = stack.enter_context(started(role, command, type=dict, log=log, prefix=prefix))
        cut(made)
        pid = client.process.pid
        until(lambda: across(pid) == [(ESTABLISHED, True)])
        server.process.kill()
        until(lambda: across(pid) == [])


def test_cut_network_is_whole_again_with_its_interface_up(serve, tmp_path):
    log = tmp_path / "listens.log"
    with network.isolated(log=tmp_path / "network.log") as made, ExitStack() as stack:
        cut(made)
        inside(made, "ip", "link", "set", made.interface, "up")
        server = stack.enter_context(serve(made, "threading"))
        command = [*CLIENT, "talks", server.url]
        prefix = (*made.outer, *made.inner)
        stack.enter_context(started("client", command, type=dict, log=log, prefix=prefix))
        until(lambda: heard(log).total() > 0)


def test_process_inside_is_pinned_and_takes_signals(tmp_path):
    core = min(os.sched_getaffinity(0))
    with (
        network.isolated(log=tmp_path / "network.log") as made,
        started(
            "sleep",
            WAITS,
            type=dict,
            log=tmp_path / "log",
            core=core,
            prefix=(*made.outer, *made.inner),
        ) as client,
    ):
        assert os.sched_getaffinity(client.process.pid) == {core}
        client.process.send_signal(signal.SIGUSR1)
        assert client.process.wait(5) == -signal.SIGUSR1


def test_machine_itself_has_no_new_interface(tmp_path):
    def interfaces() -> set[str]:
        return set(psutil.net_if_addrs())

    before = interfaces()
    with network.isolated(log=tmp_path / "network.log"):
        assert before == interfaces()


def test_network_ends_with_its_block_and_with_an_error_in_it(tmp_path):
    for error in (None, ValueError):
        with ExitStack() as stack:
            if error is not None:
                stack.enter_context(pytest.raises(error))
            made = stack.enter_context(network.isolated(log=tmp_path / "network.log"))
            (holder,) = holders(Path(made.outer[-1].removeprefix("--net=")))
            if error is not None:
                raise error
        assert not lives(holder)


def test_nothing_is_left_when_who_made_it_was_killed(tmp_path):
    """Not even a process that is stopped, which no SIGTERM would end."""
    parent = subprocess.Popen(
        [sys.executable, "-c", USES_A_NETWORK, str(tmp_path), *WAITS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        client = int(present(parent.stdout).readline())
        everybody = holders(Path(f"/proc/{client}/ns/net"))
        assert len(everybody) == 2  # the holder is the other
        assert client in everybody
    finally:
        parent.kill()
        parent.wait()
        present(parent.stdout).close()
    until(lambda: not any(map(lives, everybody)))


def test_holder_that_fails_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(network, "unavailable", lambda: None)
    broken = tmp_path / "ip"
    broken.write_text("#!/bin/sh\necho No such device >&2\nexit 2\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with (
        pytest.raises(LaunchError, match=r"^network ended .*/ip failed: No such device; its log: "),
        network.isolated(log=tmp_path / "network.log"),
    ):
        pass
