"""``network_client.py talks|listens URL...``: a session to each URL, and a line per broadcast."""

from __future__ import annotations

import json
import sys

import gevent

from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.record.words import Transport

role, *urls = sys.argv[1:]
sessions = [Session(locate(url), (Transport.WEBSOCKET,), "/test") for url in urls]
for number, session in enumerate(sessions):
    session.connect()
    session.on("my response", lambda *_, number=number: print("heard", number, flush=True))
print(json.dumps({"ready": True, "sids": [session.sid for session in sessions]}), flush=True)
while True:
    gevent.sleep(0.05)
    if role == "talks":
        for session in sessions:
            session.emit("my broadcast event", {"data": "hello"})
