"use strict";
/*
 * ws with just enough of Engine.IO and Socket.IO for a session: it opens, lets into any namespace, pings once, and
 * sends every event back as it came. Each connection says in its query which parameters of permessage-deflate the
 * server has: server_no_context_takeover, client_no_context_takeover, server_max_window_bits, client_max_window_bits;
 * refuse=1 has it compress nothing.
 *
 * node deflate_server.js '{}' prints one line {"ready": true, "port": ...}.
 */
const http = require("http");
const { WebSocketServer } = require("ws");

const OPEN = '0{"sid":"eio","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000000}';
const FRAGMENT = 1000;

function accepting(query) {
  const options = { threshold: 0 };
  if (query.has("server_no_context_takeover")) options.serverNoContextTakeover = true;
  if (query.has("client_no_context_takeover")) options.clientNoContextTakeover = true;
  if (query.has("server_max_window_bits")) options.serverMaxWindowBits = Number(query.get("server_max_window_bits"));
  if (query.has("client_max_window_bits")) options.clientMaxWindowBits = Number(query.get("client_max_window_bits"));
  return new WebSocketServer({ noServer: true, perMessageDeflate: query.has("refuse") ? false : options });
}

// Long messages go out in fragments, an empty one among them.
function send(socket, data, binary) {
  if (data.length <= FRAGMENT) return socket.send(data, { binary });
  const half = data.length >> 1;
  socket.send(data.subarray(0, half), { binary, fin: false });
  socket.send(Buffer.alloc(0), { binary, fin: false });
  socket.send(data.subarray(half), { binary, fin: true });
}

function serve(socket) {
  socket.send(OPEN);
  socket.on("message", (data, binary) => {
    const text = binary ? "" : data.toString();
    if (text.startsWith("40")) {
      const head = text.slice(0, text.indexOf(",") + 1) || "40";
      socket.send(head + '{"sid":"me"}');
      socket.send("2");
    } else if (binary || text.startsWith("4")) {
      send(socket, data, binary);
    }
  });
}

const server = http.createServer();
server.on("upgrade", (request, socket, head) => {
  const query = new URL(request.url, "http://localhost").searchParams;
  accepting(query).handleUpgrade(request, socket, head, serve);
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
});
