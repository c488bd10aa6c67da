"""``transport-bench doctor``: what this machine lacks, and what that costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.machine import node
from loadtests.record import command_line
from loadtests.record.exits import Exit
from transport_bench import PROGRAM, looking
from transport_bench.needs import Need, State, can_measure, needs

_WIDTH = 120
_STYLES = {State.THERE: "green", State.PARTLY: "yellow", State.MISSING: "red"}


@click.command("doctor", cls=command_line.Command)
@click.option("--install", is_flag=True, help="Have npm install the official client first.")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def command(install: bool, as_json: bool) -> int:
    """Say what is missing here, and what each costs.

    Exit codes: 0 modes can be measured, whatever else is missing; 2 the call is wrong; 4 none can,
    or the installation failed.
    """
    if install:
        try:
            print(f"installed: {node.install()}", file=sys.stderr)
        except node.NotInstalled as error:
            return command_line.complain(f"{PROGRAM} doctor", str(error), Exit.FAILED)
    found = needs(looking.here())
    able = can_measure(found)
    if as_json:
        print(json.dumps({"can_measure": able, "needs": [asdict(each) for each in found]}))
    else:
        _show(found, able)
    return Exit.FINE if able else Exit.FAILED


def _show(found: Sequence[Need], able: bool) -> None:
    console = Console(highlight=False)
    out = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    drawn = Table(title="What is here, and what is not", title_justify="left", title_style="bold")
    for head in ("what", "is", "costs, where it is missing", "what helps"):
        drawn.add_column(head, overflow="fold")
    for each in found:
        # Text, not markup: a name or a message may have brackets.
        costs = "" if each.state is State.THERE else each.costs
        state = Text(each.state, style=_STYLES[each.state])
        drawn.add_row(Text(each.name), state, Text(costs), Text(each.remedy))
    out.print(drawn)
    missing = sum(each.state is not State.THERE for each in found)
    more = f"{missing} of {len(found)} rows cost something" if missing else "nothing is missing"
    out.print(
        f"Modes can be measured here; {more}." if able else f"Nothing can be measured; {more}."
    )
