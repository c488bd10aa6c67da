"""The pages that are published: one for every stored run, and one that lists them."""

from __future__ import annotations

from pathlib import Path

from loadtests.record import files
from reports.build import PAGE, build
from reports.facts.errors import WriteError
from reports.pages.documents import SHOWN, stored
from reports.pages.listing import listing


def write_site(root: Path, out: Path) -> Path:
    """Write them.

    Args:
        root: of the checkout, with docs/results.
        out: folder for them, made where it is not there.

    Returns:
        The path of the list.

    Raises:
        ReportError: there is no result to publish.
        WriteError: a file cannot be written.
    """
    results = stored(root)
    try:
        for each in results:
            folder = out / each.name
            folder.mkdir(parents=True, exist_ok=True)
            files.replace(folder / "result.json", each.path.read_bytes())
            build(each.summary, folder)
        page = out / PAGE
        named = {each.name: each.summary for each in results}
        files.replace(page, listing(named, SHOWN).encode())
    except OSError as error:
        raise WriteError(f"{out} cannot be written: {error.strerror}") from error
    return page
