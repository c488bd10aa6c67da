"""What the running server proves of itself: of which files it is, and among which packages it runs.

Digests, since every trial keeps its READY line: who knows what should be there makes the same ones
(``loadtests/record/proof.py``) and sees whether it is. Imported after ``patch()``, as all that
serves is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

#: The package that this process has really imported.
PACKAGE = Path(__file__).resolve().parent
#: Where somebody else's application is served: paths of its files below the folder where it runs.
served: Sequence[str] | None = None


def source(package: Path = PACKAGE) -> str:
    """SHA-1 of the lines ``BLOB<tab>PATH`` of its files, BLOB being what git calls the content.

    So ``git ls-tree -r REF -- servers`` has all that it is made of. What Python compiles is no part
    of it, and paths begin with the package's own name. With ``served``, of those files.
    """
    if served is None:
        root, paths = package.parent, list(package.rglob("*"))
    else:
        root, paths = Path.cwd(), [Path.cwd() / each for each in served]
    lines = []
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            content = path.read_bytes()
            # How git makes a blob's name (gitformat-pack(5), "Object types").
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            lines.append(f"{blob}\t{path.relative_to(root).as_posix()}\n")
    return hashlib.sha1("".join(sorted(lines)).encode()).hexdigest()


def packages() -> str:
    """SHA-1 of the lines ``name==version`` of every package that an import could find here."""
    found: dict[str, str] = {}
    for each in metadata.distributions():
        told = each.metadata  # read anew each time that it is asked for
        if not told["Name"]:  # what pip has left of a package that it could not remove
            continue
        name = re.sub(r"[-_.]+", "-", told["Name"]).lower()  # packaging's own rule (PEP 503)
        found.setdefault(name, told["Version"])  # the first on the path is what is imported
    lines = sorted(f"{name}=={version}\n" for name, version in found.items())
    return hashlib.sha1("".join(lines).encode()).hexdigest()
