"""Requirements of an application in some state: included files become part of one text."""

from __future__ import annotations

import pytest

from loadtests.gate.errors import ArmError
from loadtests.gate.requirements import flattened

FILES = {
    "requirements.txt": "flask==3.1  # for the pages\n\n-r requirements/prod.txt\n",
    "requirements/prod.txt": "--index-url=https://example.org/simple\n-r ../more.txt\ngevent\n",
    "more.txt": "h11==0.16 \\\n    --hash=sha256:00\n",
    "itself.txt": "-ritself.txt\n",
    "outside.txt": "-r ../other.txt\n",
    "bad.txt": "caf\udce9\n",
}


def test_what_is_included_stands_where_it_is_included() -> None:
    assert flattened("requirements.txt", FILES.get).splitlines() == [
        "flask==3.1",
        "--index-url=https://example.org/simple",
        "h11==0.16      --hash=sha256:00",
        "gevent",
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("-e .", "editable"),
        ("--editable=git+https://example.org/a", "editable"),
        (".", "a path"),
        ("./lib", "a path"),
        ("../lib", "a path"),
        ("/opt/lib", "a path"),
        ("lib @ file:///opt/lib", "a path"),
        ("-c constraints.txt", "constraints"),
    ],
)
def test_what_means_something_of_this_machine_is_refused(line: str, what: str) -> None:
    with pytest.raises(ArmError, match=what):
        flattened("r.txt", {"r.txt": f"{line}\n"}.get)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere.txt", "there is no nowhere.txt"),
        ("itself.txt", "too deeply"),
        ("outside.txt", "outside of the repository"),
        ("bad.txt", "not UTF-8"),
    ],
)
def test_file_that_cannot_be_read_is_told(path: str, words: str) -> None:
    with pytest.raises(ArmError, match=words):
        flattened(path, FILES.get)


@pytest.mark.parametrize("line", ["git+https://example.org/a@1.0", "a @ https://example.org/a.whl"])
def test_address_is_a_package(line: str) -> None:
    assert flattened("r.txt", {"r.txt": line}.get) == f"{line}\n"
