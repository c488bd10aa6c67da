"""An application of somebody's own in a comparison: what experiment and command line say of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from loadtests.run.experiment import Experiment, ExperimentError
from loadtests.run.subjects import SubjectTable
from servers.modes import ADAPTERS

if TYPE_CHECKING:
    from loadtests.gate.files import Files


def without_lacking(
    wanted: Experiment, able: Mapping[str, str | None] | None, *, tell: Callable[[str], None]
) -> Experiment:
    """The experiment without the subjects that an environment of the requirements cannot serve.

    Args:
        wanted: that may have subjects.
        able: see able_by.
        tell: what is left out, a line each.

    Raises:
        ExperimentError: none is left.
    """
    if able is None or not wanted.subject:
        return wanted
    lacks = {each.label: able.get(each.mode or "") for each in wanted.subject}
    kept = [each for each in wanted.subject if lacks[each.label] is None]
    for label, lack in lacks.items():
        if lack is not None:
            tell(f"{label} is left out: {lack}")
    if not kept:
        raise ExperimentError(next(lack for lack in lacks.values() if lack is not None))
    return msgspec.structs.replace(wanted, subject=kept, modes=[each.label for each in kept])


def able_by(
    tables: Sequence[SubjectTable], folder: Path, requirements: Path
) -> dict[str, str | None] | None:
    """Every mode, with why packages of a requirements file cannot serve it; None where they can.

    Args:
        tables: of an experiment, whose folder is looked in, too.
        folder: of the application.
        requirements: the file.

    Returns:
        None where the working tree has no such file: the commits may.
    """
    folder = Path(tables[0].folder or ".") if tables else folder
    if not requirements.is_file() and not (folder / requirements).is_file():
        return None
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
