"use strict";
/*
 * The official Socket.IO server with the events that test_peers.py speaks; asgi_server.py offers the same.
 *
 * node node_server.js '{"ping_interval_s": 0.3}' prints one line {"ready": true, "port": ...}. All options:
 * ping_interval_s, ping_timeout_s, max_payload_bytes, transports, certificate and key (files: then it speaks TLS).
 */
const fs = require("fs");
const http = require("http");
const https = require("https");
const { Server } = require("socket.io");

const options = JSON.parse(process.argv[2] || "{}");
const server = options.certificate
  ? https.createServer({ cert: fs.readFileSync(options.certificate), key: fs.readFileSync(options.key) })
  : http.createServer();
const io = new Server(server, {
  pingInterval: 1000 * (options.ping_interval_s ?? 25),
  pingTimeout: 1000 * (options.ping_timeout_s ?? 20),
  maxHttpBufferSize: options.max_payload_bytes ?? 1e6,
  transports: options.transports ?? ["polling", "websocket"],
});

// One message in each turn of the loop, so that everything else happens between two of them.
function flood(socket, count, pause_ms, next = 0) {
  if (next >= count || !socket.connected) return;
  socket.emit("n", next);
  const again = () => flood(socket, count, pause_ms, next + 1);
  if (pause_ms) setTimeout(again, pause_ms);
  else setImmediate(again);
}

function refuse(socket, next) {
  const words = socket.handshake.auth.refuse;
  next(words === undefined ? undefined : new Error(words));
}

const left = {};

function serve(socket) {
  socket.emit("welcome", socket.id);
  const { flood: count, pause_ms } = socket.handshake.auth;
  if (count) flood(socket, count, pause_ms);
  socket.on("echo", (...args) => socket.emit("echoed", ...args));
  socket.on("ask", (...args) => args.pop()(...args));
  socket.on("ask me", (...args) => {
    socket.emit("question", ...args, (...answer) => socket.emit("answered", ...answer));
  });
  socket.on("flood", (count, pause_ms) => flood(socket, count, pause_ms));
  socket.on("transport", (acknowledge) => acknowledge(socket.conn.transport.name));
  socket.on("disconnect", (reason) => (left[socket.id] = reason));
  socket.on("why left", (other, acknowledge) => acknowledge(left[other] ?? ""));
  socket.on("join", (room, acknowledge) => {
    socket.join(room);
    acknowledge(room);
  });
  socket.on("to room", (room, ...args) => socket.nsp.to(room).emit("said", ...args));
  socket.on("dismiss", () => socket.disconnect());
  socket.on("hang up", () => socket.conn.close());
}

for (const namespace of ["/", "/test"]) io.of(namespace).use(refuse).on("connection", serve);

server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
});
