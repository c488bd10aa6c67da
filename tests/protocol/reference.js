"use strict";
/*
 * `node reference.js SUITE PORT PING_INTERVAL_S PING_TIMEOUT_S`: the official server, set up as the
 * suites' authors say that it passes. What fails here is not the fault of a mode.
 */
const [suite, port, interval_s, timeout_s] = process.argv.slice(2);
const options = { pingInterval: 1000 * interval_s, pingTimeout: 1000 * timeout_s, maxHttpBufferSize: 1e6 };

function engine_io(server) {
  const engine = require("engine.io").attach(server, options);
  engine.on("connection", (socket) => socket.on("data", (data) => socket.send(data)));
}

function socket_io(server) {
  const { Server } = require("socket.io");
  const io = new Server(server, { ...options, connectTimeout: 1000 });
  const greet = (socket) => socket.emit("auth", socket.handshake.auth);
  io.of("/custom").on("connection", greet);
  io.on("connection", (socket) => {
    greet(socket);
    socket.on("message", (...content) => socket.emit("message-back", ...content));
    socket.on("message-with-ack", (...content) => content.pop()(...content));
  });
}

const server = require("http").createServer();
({ "engine.io": engine_io, "socket.io": socket_io })[suite](server);
server.listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ ready: true, port: Number(port) })));
