"""The Python library ``websockets`` with what deflate_server.js does; it takes the same queries.

``python deflate_server.py '{}'`` prints one line ``{"ready": true, "port": ...}``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response

OPEN = (
    '0{"sid":"eio","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000000}'
)
_FRAGMENT = 1000


def accepting(query: dict[str, list[str]]) -> Sequence[ServerPerMessageDeflateFactory]:
    """What a server with these parameters has to say to an offer."""
    if "refuse" in query:
        return []
    bits = {
        name: int(query[name][0])
        for name in ("server_max_window_bits", "client_max_window_bits")
        if name in query
    }
    return [
        ServerPerMessageDeflateFactory(
            server_no_context_takeover="server_no_context_takeover" in query,
            client_no_context_takeover="client_no_context_takeover" in query,
            server_max_window_bits=bits.get("server_max_window_bits"),
            client_max_window_bits=bits.get("client_max_window_bits"),
        )
    ]


async def choose(connection: ServerConnection, request: Request) -> Response | None:
    """Have the parameters of this connection be those of its query."""
    query = parse_qs(urlsplit(request.path).query)
    connection.protocol.available_extensions = accepting(query)
    return None


async def send(connection: ServerConnection, message: str | bytes) -> None:
    """Long messages go out in fragments, an empty one among them."""
    if len(message) <= _FRAGMENT:
        await connection.send(message)
        return
    half = len(message) // 2
    await connection.send([message[:half], message[:0], message[half:]])


async def play(connection: ServerConnection) -> None:
    """One session."""
    try:
        await connection.send(OPEN)
        async for message in connection:
            if isinstance(message, str) and message.startswith("40"):
                namespace = message[2:].partition(",")[0]
                await connection.send(f'40{namespace}{"," if namespace else ""}{{"sid":"me"}}')
                await connection.send("2")
            elif isinstance(message, bytes) or message.startswith("4"):
                await send(connection, message)
    except ConnectionClosed:
        pass


async def main() -> None:
    """Serve until the process is ended."""
    async with serve(
        play, "127.0.0.1", 0, process_request=choose, max_size=None, ping_interval=None
    ) as server:
        [listener] = server.sockets
        print(json.dumps({"ready": True, "port": listener.getsockname()[1]}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
