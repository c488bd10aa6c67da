"""Where no network can be made that can be cut: why not, and what would help."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.machine import network
from loadtests.machine.launch import LaunchError


@pytest.fixture(autouse=True)
def _not_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    network.unavailable.cache_clear()
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(network, "_find", lambda program: f"/bin/{program}")
    yield
    network.unavailable.cache_clear()


def tried(monkeypatch: pytest.MonkeyPatch, code: int, words: str = "") -> list[list[str]]:
    """Answer the attempt; the commands of it."""
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, code, "", words)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_attempt_that_succeeds_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = tried(monkeypatch, 0)
    assert [network.unavailable(), network.unavailable()] == [None, None]
    assert len(commands) == 1


@pytest.mark.parametrize(
    ("root", "options"), [(True, ["--net"]), (False, ["--user", "--map-root-user", "--net"])]
)
def test_ordinary_user_takes_a_user_namespace_too(
    monkeypatch: pytest.MonkeyPatch, root: bool, options: list[str]
) -> None:
    monkeypatch.setattr(network, "_is_root", lambda: root)
    commands = tried(monkeypatch, 0)
    network.unavailable()
    assert commands[0][: len(options) + 1] == ["/bin/unshare", *options]


def test_other_systems_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert network.unavailable() == "network namespaces are Linux's; run this on Linux"


@pytest.mark.parametrize(
    ("program", "package"),
    [("ip", "iproute2"), ("unshare", "util-linux"), ("nsenter", "util-linux")],
)
def test_missing_program_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, program: str, package: str
) -> None:
    monkeypatch.setattr(network, "_find", lambda name: None if name == program else f"/bin/{name}")
    assert network.unavailable() == f"the program {program} is missing; install {package}"


@pytest.mark.parametrize(
    "words",
    [
        "unshare: unshare failed: Operation not permitted",
        "unshare: unshare failed: No space left on device",
        "RTNETLINK answers: Operation not permitted",  # a namespace, but no right to change it
    ],
)
def test_denied_namespace_is_told_in_the_words_of_the_attempt(
    monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    tried(monkeypatch, 1, f"{words}\n")
    reason = network.unavailable()
    assert reason is not None
    assert reason.startswith(f"network namespaces are not permitted ({words}); ")
    assert "\n" not in reason


def test_kernel_without_bridges_is_told_apart_from_a_denial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried(monkeypatch, 2, "Error: Unknown device type.\n")
    assert network.unavailable() == (
        "this kernel makes no bridge or no veth (Error: Unknown device type.); "
        "load them: modprobe -a bridge veth"
    )


def test_attempt_that_hangs_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command, timeout, **_):
        raise subprocess.TimeoutExpired("unshare", timeout)

    monkeypatch.setattr(subprocess, "run", run)
    assert "timed out after 5" in (network.unavailable() or "")


def test_nothing_is_started_where_it_is_not_available(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tried(monkeypatch, 1, "unshare: no")
    log = tmp_path / "log"
    with pytest.raises(LaunchError, match="not permitted"), network.isolated(log=log):
        pass
    assert not log.exists()


@pytest.mark.parametrize(
    ("settings", "root", "remedy"),
    [
        (
            {"kernel/apparmor_restrict_unprivileged_userns": "1"},
            False,
            "an administrator allows them with "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            {"kernel/unprivileged_userns_clone": "0", "user/max_user_namespaces": "0"},
            False,
            "an administrator allows them with sysctl kernel.unprivileged_userns_clone=1 "
            "and sysctl user.max_user_namespaces=10000",
        ),
        (
            {"kernel/unprivileged_userns_clone": "1", "user/max_user_namespaces": "96365"},
            False,
            "run this as root, or where unprivileged users may make user namespaces",
        ),
        (
            {},
            True,
            "a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN (docker run --privileged)",
        ),
    ],
)
def test_remedy_is_the_setting_that_forbids_it(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: dict[str, str],
    root: bool,
    remedy: str,
) -> None:
    monkeypatch.setattr(network, "_is_root", lambda: root)
    for name, value in settings.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n", encoding="ascii")
    assert remedy == network._remedy(tmp_path)
