"""``transport-bench COMMAND``, also as ``python -m transport_bench COMMAND``."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from transport_bench import PROGRAM, ROOMS


def main() -> NoReturn:
    """Run the command that the command line names, and leave with its exit code."""
    sys.path.insert(0, str(ROOMS))
    from loadtests.record import called, command_line, places

    # For all processes of ours: how they are called, and the cache whatever their HOME is.
    os.environ[called.VARIABLE] = PROGRAM
    os.environ[places.CACHE_VARIABLE] = str(places.CACHE)
    command_line.begin(PROGRAM)
    from transport_bench import completion
    from transport_bench.door import cli

    if completion.is_asked(os.environ):
        sys.exit(completion.answer(cli, os.environ))
    command_line.run_as_program(cli, PROGRAM)


if __name__ == "__main__":
    main()
