"""A Socket.IO v5 client for load: codecs without sockets, transports on gevent's loop."""
