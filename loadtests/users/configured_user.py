"""What a user's class says of its session, before there is one: where to, over what, as whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Any, ClassVar

from locust import User
from locust.env import Environment

from loadtests.client.link import Server
from loadtests.client.session import Session
from loadtests.record.words import Transport
from loadtests.users.attributes import target_of_user
from loadtests.users.plugin import TRANSPORTS
from loadtests.users.telling import compression_of, located, target_of


class ConfiguredUser(User):
    """A user that knows how to make its Socket.IO session; ConnectedUser has one.

    Attributes:
        transports: one, or polling and websocket for a session that is upgraded; None leaves it
            to ``--transport``.
        namespace: to join.
        path, query, headers, insecure, ca_file: how the server wants to be spoken to; see
            ``loadtests.client.target.Target``. Where they differ from user to user, ``query``,
            ``headers``, ``auth`` and ``cookies`` may be methods or properties, or be set before
            ``connect``.
        auth: for the server's connect handler; any JSON.
        cookies: that a session begins with: names and values, or a jar such as
            ``HttpUser.client.cookies``, of which copies are made.
        compression: whether WebSocket messages are compressed where the server agrees, as browsers'
            are.
        lean: whether requests have no more headers than they need, instead of a browser's.
        timeout_s: how long to wait for an answer, unless a call says otherwise.
        reconnect: whether a user whose session ends by itself comes back, as official clients do;
            otherwise it is gone. That it ended is recorded either way.
        expects: events that are kept from the connect on until ``wait_for`` takes them.
    """

    abstract = True
    transports: ClassVar[Sequence[Transport | str] | None] = None
    namespace: ClassVar[str] = "/"
    path: str = "/socket.io"
    query: Any = {}  # noqa: RUF012 - a subclass says it anew, nobody changes it
    headers: Any = {}  # noqa: RUF012
    auth: Any = None
    cookies: Mapping[str, str] | CookieJar | None = None
    insecure: bool = False
    ca_file: str | None = None
    compression: bool = True
    lean: bool = False
    timeout_s: ClassVar[float] = 10.0
    reconnect: ClassVar[bool] = False
    expects: ClassVar[Sequence[str]] = ()

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._request_type = self.carriage(environment.parsed_options)
        self._own = target_of(environment.parsed_options).namespace or self.namespace

    @classmethod
    def carriage(cls, options: Any) -> str:
        """The name of its transports: one of TRANSPORTS, and Locust's request type."""
        if cls.transports is None:
            return str(getattr(options, "transport", Transport.WEBSOCKET))
        order = tuple(str(each) for each in cls.transports)
        for name, transports in TRANSPORTS.items():
            if transports == order:
                return name
        raise ValueError(
            f"{cls.__name__}.transports is {order}: polling, websocket, or polling and websocket"
        )

    def make_session(self, server: Server) -> Session:
        """A session that is not connected yet."""
        namespace = server.target.namespace or self.namespace
        return Session(server, TRANSPORTS[self._request_type], namespace)

    def locate(self) -> Server:
        """Where to connect to, and what is said there: the command line goes before attributes.

        Raises:
            ConnectionFailed: nobody knows where that is.
            ValueError: what is to be said makes no sense.
        """
        options = self.environment.parsed_options
        return located(
            self.host or "",
            target_of(options, target_of_user(self)),
            lean=self.lean,
            compression=self.compression and compression_of(options),
        )
