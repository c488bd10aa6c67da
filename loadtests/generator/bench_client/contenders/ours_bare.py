"""Our own client, bare: short headers, and no compression."""

from __future__ import annotations

from loadtests.client.link import locate
from loadtests.generator.bench_client.contenders import ours
from loadtests.generator.bench_client.contenders.contract import Call, Running

PACKAGE = ""

patch = ours.patch


def echo(call: Call) -> Running:
    """See Adapter."""
    return ours.echo(call, locate(call.url, lean=True, compression=False))


def broadcast(call: Call) -> Running:
    """See Adapter."""
    return ours.broadcast(call, locate(call.url, lean=True, compression=False))
