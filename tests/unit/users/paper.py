"""A session of paper for a user: the test says what comes."""

from __future__ import annotations

from loadtests.client.errors import ConnectionFailed


class Paper:
    """A session in which the test says what comes."""

    def __init__(self):
        self.ended = None
        self.ended_ns = 0
        self.handlers = {}
        self.sent = []
        self.joined = set()
        self.acknowledge = None
        self.waiting = None  # what is called when a packet leaves, where that is not at once

    def on(self, event, handler, namespace=None):
        self.handlers[event if namespace is None else (namespace, event)] = handler

    def emit(self, event, *_arguments, on_ack=None, namespace=None, leaves=None):
        self.sent.append((event, namespace))
        self.acknowledge = on_ack
        if leaves is not None:
            if self.waiting is None:
                leaves()
            else:
                self.waiting.append(leaves)

    def belongs(self, namespace):
        return namespace in self.joined

    def join(self, namespace, _auth, _timeout_s):
        if namespace == "/forbidden":
            raise ConnectionFailed("namespace /forbidden refused: not you")
        self.joined.add(namespace)

    def close(self):
        pass

    def kill(self):
        pass

    def leave(self, namespace):
        self.joined.discard(namespace)
