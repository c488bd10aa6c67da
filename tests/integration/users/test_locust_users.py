"""Users of one's own, for applications of one's own."""

from __future__ import annotations

import re
from pathlib import Path

from loadtests import ROOT
from tests.support.locusts import (
    requests_of_locust,
    requests_of_ours,
    rows,
    run,
    served,
)

DOCS = ROOT / "docs" / "locust.md"


def blocks_of(document: Path) -> dict[str, str]:
    """The code blocks that bear the name of a file."""
    found = re.findall(r"^```python (\S+)\n(.*?)^```", document.read_text(), re.S | re.M)
    return dict(found)


def test_regulars_of_the_document_run(tmp_path):
    prefix, log = tmp_path / "regulars", tmp_path / "log"
    options = ("--users=2", "--spawn-rate=4", "--run-time=3s", "--csv", str(prefix))
    for name, text in blocks_of(DOCS).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with served(tmp_path / "chat.py", tmp_path / "chat.log") as host:
        code = run("--host", host, *options, log=log, file=tmp_path / "chat_regulars.py")
    assert code == 0, log.read_text()
    counted = {
        (row["Type"], row["Name"]): int(row["Request Count"])
        for row in rows(Path(f"{prefix}_stats.csv"))
    }
    assert counted["POST", "/login"] == counted["websocket", "join /statistics"] == 2
    assert counted["emit", "typing"] > 2
    # Of each of the two users one may be under way when the test ends.
    assert abs(counted["websocket", "counted"] - counted["websocket", "/statistics count"]) <= 2
    assert counted["websocket", "counted"] > 2
    assert "Traceback" not in log.read_text()


def test_example_of_the_document_runs(tmp_path):
    prefix, log = tmp_path / "chat", tmp_path / "log"
    options = ("--users=4", "--spawn-rate=4", "--run-time=2s", "--transport=upgrade")
    for name, text in blocks_of(DOCS).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with served(tmp_path / "chat.py", tmp_path / "chat.log") as host:
        code = run(
            *("--host", host, *options, "--csv", str(prefix)),
            log=log,
            file=tmp_path / "chat_users.py",
        )
    assert code == 0, log.read_text()
    counted = requests_of_locust(prefix)
    assert counted == requests_of_ours(prefix)
    assert dict.fromkeys(("connect", "upgrade", "rooms", "join"), 4).items() <= counted.items()
    assert counted["delivery"] >= counted["say"] > 8
    assert "Traceback" not in log.read_text()


#: Users with little to do but to go wrong, each in its way; what Locust reports is in its files.
TALKERS = """
from locust import constant, task
from loadtests.users import SocketIOUser, Unanswered


class Talker(SocketIOUser):
    abstract = True
    fixed_count = 1
    wait_time = constant(0.1)
    transports = ["websocket"]
    auth = {"name": "Ann"}


class Able(Talker):
    def __init__(self, environment):
        super().__init__(environment)
        self.welcomed = None
        self.on("welcome", lambda auth: setattr(self, "welcomed", auth))
        self.on("question", lambda text: 42)

    @task
    def talk(self):
        assert self.welcomed == {"name": "Ann"}
        assert self.call("add", 1, 2) == 3
        assert self.call("split", b"abc", name="bytes") == (b"a", b"bc")
        assert self.ask("quiz", answer="heard", matching=lambda found: found == 42) == 42

    def on_stop(self):
        self.emit("add")


class Stranger(Talker):
    auth = "a stranger"

    def on_start(self):
        assert False, "nobody is there"

    on_stop = talk = on_start
    tasks = [talk]


class Kicked(Talker):
    @task
    def talk(self):
        self.emit("kick")
        self.call("never", name="in vain")


class Patient(Talker):
    timeout_s = 0.2

    @task
    def talk(self):
        try:
            self.ask("never", answer="noise", matching=lambda found: False, name="caught")
        except Unanswered:
            self.call("never", name="uncaught")
        assert False, "the task has ended"


class Clumsy(Talker):
    def on_start(self):
        self.on("noise", lambda found: found.nonsense)

    @task
    def talk(self):
        self.emit("never")
"""


def test_users_of_ones_own_fail_in_the_servers_words(tmp_path):
    prefix, log, users = tmp_path / "talk", tmp_path / "log", tmp_path / "talkers.py"
    users.write_text(TALKERS, encoding="utf-8")
    options = ("--users=5", "--spawn-rate=5", "--run-time=2s", "--csv", str(prefix))
    server = Path(__file__).with_name("talkative_server.py")
    with served(server, tmp_path / "server.log") as host:
        assert run("--host", host, *options, log=log, file=users) == 1
    said = log.read_text()
    counted = requests_of_locust(prefix)
    assert counted == requests_of_ours(prefix)
    assert counted["connect"] == 5
    assert counted["bytes"] > 3
    failures = {row["Name"]: row["Error"] for row in rows(Path(f"{prefix}_failures.csv"))}
    assert {"connect", "disconnect", "in vain", "caught", "uncaught"} == failures.keys(), said
    assert "namespace / refused: not you" in failures["connect"]
    assert "disconnected by the server" in failures["disconnect"]
    assert "no answer before the session was lost" in failures["in vain"]
    assert "no answer within 0.2 s" in failures["caught"]
    # A handler that breaks is reported as a task that does, and nothing else broke.
    (broken,) = rows(Path(f"{prefix}_exceptions.csv"))
    assert "'str' object has no attribute 'nonsense'" in broken["Message"]
