"""How a delayed acknowledgement shows in numbers, and where it is known to come from."""

from __future__ import annotations

#: What an echo takes that waits for one, milliseconds. Linux delays an acknowledgement by 40 ms at
#: least (TCP_DELACK_MIN, include/net/tcp.h); below is something quicker, and well above it
#: something else.
DELAYED_ACK_MS = (35.0, 60.0)
#: The modes that answer long-polling requests with gevent's pywsgi, which writes a response's head
#: and its body separately without TCP_NODELAY.
PYWSGI_MODES = ("gevent", "gevent-websocket")
