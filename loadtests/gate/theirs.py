"""An application of somebody's own in a comparison: what experiment and command line say of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loadtests.run.experiment import ExperimentError
from loadtests.run.subjects import SubjectTable
from servers.modes import ADAPTERS

if TYPE_CHECKING:
    from loadtests.gate.files import Files


def able_by(folder: Path, requirements: Path) -> dict[str, str | None]:
    """Every mode, with why packages of a requirements file cannot serve it; None where they can.

    Raises:
        ArmError: it cannot be read.
    """
    from loadtests.gate.files import TheirFiles  # wants Unix, which other commands do not

    named = TheirFiles("", folder, sys.executable, requirements).names
    return {
        mode: next(
            (
                f"mode {mode}: {requirements} names no {each}"
                for each in adapter.MODE.packages
                if each not in named
            ),
            None,
        )
        for mode, adapter in ADAPTERS.items()
    }


def files_of(tables: Sequence[SubjectTable], requirements: Path | None) -> Files | None:
    """Of the application of somebody's own that is compared; None for the one under test.

    Args:
        tables: what stands for modes.
        requirements: file of its packages; None: its interpreter has them.

    Raises:
        ExperimentError: these are several, or none that has versions.
        ArmError: there is no such file.
    """
    if not tables:
        if requirements is not None:
            raise ExperimentError("--requirements is about an --app; give that too")
        return None
    if any(each.url is not None for each in tables):
        raise ExperimentError("a server that is running has no versions to compare: no url here")
    applications = {(each.app, each.folder, each.python) for each in tables}
    if len(applications) > 1:
        raise ExperimentError(
            "[[subject]]: one application is compared: give each the same app, folder and python"
        )
    [(app, folder, python)] = applications
    if app is None:
        raise ExperimentError("[[subject]] without app: of the application under test give modes")
    from loadtests.gate.files import TheirFiles  # wants Unix, which other commands do not

    return TheirFiles(app, Path(folder or "."), python or sys.executable, requirements)
