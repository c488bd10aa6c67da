"""What the machine has to give."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.machine import limits


def settings(folder: Path, ports: str, reserved: str) -> Path:
    (folder / "ip_local_port_range").write_text(ports, encoding="ascii")
    (folder / "ip_local_reserved_ports").write_text(reserved, encoding="ascii")
    return folder


@pytest.mark.parametrize(
    ("ports", "reserved", "left"),
    [
        ("32768\t60999\n", "\n", 28232),
        ("1024\t1024\n", "", 1),
        ("32768\t60999\n", "40000\n", 28231),
        ("32768\t60999\n", "8080,40000-40009,50000\n", 28221),
        ("32768\t60999\n", "60990-65535\n", 28222),
    ],
)
def test_reserved_ports_are_not_for_clients(
    tmp_path: Path, ports: str, reserved: str, left: int
) -> None:
    assert left == limits.ephemeral_ports(settings(tmp_path, ports, reserved))


def test_system_that_does_not_tell_its_ports_is_unknown_and_not_without_any(tmp_path: Path) -> None:
    assert limits.ephemeral_ports(tmp_path / "none") is None
    assert limits.ephemeral_ports(settings(tmp_path, "what", "")) is None
