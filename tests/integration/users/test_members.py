"""Users that log in over HTTP, join two namespaces, are dropped and come back; and lost ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from loadtests.machine.launch import serving
from tests.support.locusts import HASTY, free_port, latency_of, locust, rows, run, served
from tests.support.waiting import SLOWNESS, until

MEMBERS = """
from locust import HttpUser, constant, task
from loadtests.users import SocketIOUser, Unanswered


class Member(SocketIOUser, HttpUser):
    wait_time = constant(0.1)
    path = "/live"
    query = {"page": "home"}
    headers = {"X-Team": "blue"}
    expects = ("hello",)
    reconnect = True
    dropped = False

    def auth(self):
        return {"team": "blue"}

    def connect(self):
        self.client.post("/login", {"name": "Ann"})
        self.cookies = self.client.cookies
        super().connect()

    def on_start(self):
        hello = self.wait_for("hello")
        assert hello == {"name": "Ann", "page": "home"}, hello
        self.on("tick", self.tick)
        self.join("/admin", auth="let me in")

    def tick(self, message):
        self.record("tick", since_wall_ns=int(message["at"] * 1e9))

    @task
    def talk(self):
        self.emit("note", "text")
        self.emit("ticks")
        assert self.call("add", 1, 2, namespace="/admin") == 3
        if not self.dropped:
            self.dropped = True
            try:
                self.ask("drop", answer="never", name="dropped")
            except Unanswered:
                pass
            assert self.call("add", 2, 3, namespace="/admin", name="back") == 5


class Stranger(SocketIOUser):
    fixed_count = 1
    path = "/live"

    def auth(self):
        return {"team": "red"}
"""


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_members_log_in_join_and_come_back(tmp_path, transport):
    prefix, log, users = tmp_path / "members", tmp_path / "log", tmp_path / "members.py"
    users.write_text(MEMBERS, encoding="utf-8")
    options = ("--users=3", "--spawn-rate=9", "--run-time=5s", "--transport", transport)
    server = Path(__file__).with_name("members_server.py")
    with served(server, tmp_path / "server.log") as host:
        code = run("--host", host, *options, "--csv", str(prefix), log=log, file=users)
    said = log.read_text()
    assert code == 1, said
    counted = {
        (row["Type"], row["Name"]): (int(row["Request Count"]), int(row["Failure Count"]))
        for row in rows(Path(f"{prefix}_stats.csv"))
    }
    assert counted[transport, "connect"] == (3, 1), said
    assert counted[transport, "join /admin"] == (2, 0)
    assert counted[transport, "disconnect"] == (2, 2)
    assert counted[transport, "reconnect"] == (2, 0)
    assert counted[transport, "back"] == (2, 0)
    assert counted[transport, "dropped"] == (2, 2)
    assert counted["emit", "note"] == counted["emit", "ticks"]
    assert counted["emit", "note"][0] > 4
    # The delays of the official client: one second, half of it more or less.
    assert 0.4 < float(latency_of(prefix, "reconnect")["p50_ms"]) / 1000 < 4
    tick = latency_of(prefix, "tick")
    assert int(tick["count"]) >= 10
    assert 0 < float(tick["p50_ms"]) < 1000
    assert rows(Path(f"{prefix}_exceptions.csv")) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_load_of_lost_users_is_lost_and_their_end_is_told(tmp_path, processes):
    prefix, log = tmp_path / "lost", tmp_path / "log"
    options = ["--users=3", "--spawn-rate=9", "--rate=20", "--run-time=4s", "--csv", str(prefix)]
    if processes > 1:  # each of them has users of its own, and none is to speak for all
        port = str(free_port())
        options += [f"--processes={processes}", "--master-bind-port", port, "--master-port", port]
    users = tmp_path / "hasty.py"
    users.write_text(HASTY, encoding="utf-8")
    with (
        serving(
            "gevent",
            ping_interval_s=25,
            ping_timeout_s=20,
            log=tmp_path / "server.log",
            journal=tmp_path / "journal.jsonl",
        ) as server,
        locust("--headless", "--host", server.url, *options, log=log, file=users) as load,
    ):
        journal = tmp_path / "journal.jsonl"
        until(lambda: journal.read_text().count('"connect"') == 3, "all users", 20 * SLOWNESS)
        time.sleep(0.5)  # some of what is due before the end is answered
        server.process.kill()
        assert load.wait(30 * SLOWNESS) == 1
    said = log.read_text()
    assert said.count("all 3 users lost their session") == 2, said  # when it happens; at the end
    errors = {row["Error"]: int(row["Occurrences"]) for row in rows(Path(f"{prefix}_failures.csv"))}
    (unsent,) = [many for words, many in errors.items() if "was due after" in words]
    echo = latency_of(prefix, "echo")
    assert int(echo["count"]) > 0
    assert 0 < unsent <= int(echo["lost"])
    # Whatever was due in these four seconds is there, answered or lost.
    assert 3 * 20 * 4 * 0.8 < int(echo["count"]) + int(echo["lost"]) <= 3 * 20 * 4.5
