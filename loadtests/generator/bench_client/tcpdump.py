"""Capturing a server's packets with tcpdump while a block runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.generator.bench_client.measured import NotAvailable
from loadtests.machine.processes import process

_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_BUFFER_KIB = 65536
_READY_TIMEOUT_S = 5.0
_LONGEST_S = 600
_LOOK_S = 0.01
#: tcpdump has the kernel hand over packets in blocks, a part-filled one after a second.
_FLUSH_S = 1.2

_LISTENING = re.compile(r"listening on ")
_DROPPED = re.compile(r"(\d+) packets? dropped by kernel")


@dataclass(frozen=True, slots=True)
class Capturing:
    """A capture on its way.

    Attributes:
        pcap: complete when the block has ended.
        words: file for what tcpdump says.
    """

    pcap: Path
    words: Path

    @property
    def dropped(self) -> int | None:
        """Packets that the kernel could not hand over; None if tcpdump did not say."""
        found = _DROPPED.search(self.words.read_text(encoding="utf-8", errors="replace"))
        return int(found[1]) if found else None


@contextmanager
def capturing(port: int, pcap: Path) -> Iterator[Capturing]:
    """Capture all TCP packets from and to a port of this machine, until the block ends.

    Args:
        port: of the server.
        pcap: file for them, with stamps in nanoseconds.

    Raises:
        NotAvailable: tcpdump is missing or not permitted.
    """
    program = shutil.which("tcpdump")
    if program is None:
        raise NotAvailable("tcpdump is not installed; on Debian: apt install tcpdump")
    result = Capturing(pcap, pcap.with_suffix(".tcpdump.log"))
    # The file is opened here: tcpdump gives up root's rights before it would open its own. And
    # with root's rights it loses the leash (prctl(2)), so timeout(1) wears that in its place.
    holder = shutil.which("timeout")
    arguments = [holder, str(_LONGEST_S)] if holder else []
    arguments += [program, f"--interface={_LOOPBACK}", "-n", "--snapshot-length=0", "-w", "-"]
    arguments += ["--time-stamp-precision=nano", f"--buffer-size={_BUFFER_KIB}"]
    arguments += ["tcp", "port", str(port)]
    with (
        pcap.open("wb") as packets,
        result.words.open("wb") as words,
        process(arguments, core=None, stdout=packets, stderr=words) as running,
    ):
        _wait_until_ready(running, result.words)
        yield result
        time.sleep(_FLUSH_S)


def _wait_until_ready(running: subprocess.Popen[bytes], words: Path) -> None:
    give_up = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < give_up:
        said = words.read_text(encoding="utf-8", errors="replace")
        if _LISTENING.search(said):
            return
        if running.poll() is not None:
            raise NotAvailable(
                f"tcpdump may not capture here ({' '.join(said.split())}); run this as root, or "
                "allow it: setcap cap_net_raw,cap_net_admin=eip $(which tcpdump)"
            )
        time.sleep(_LOOK_S)
    raise NotAvailable(f"tcpdump captured nothing within {_READY_TIMEOUT_S:g} s")
