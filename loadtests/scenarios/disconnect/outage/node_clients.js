"use strict";
/*
 * `node node_clients.js CONFIG`: socket.io-client, the same command line, READY line and file of
 * events as python_clients.py beside it. Each client has a Manager of its own (forceNew), as each
 * page of a browser would. The packages are found in node_modules/ at the repository's root.
 *
 * CONFIG may also have `echo`, an event to send and the one that answers it: each client sends it
 * once it is back, and notes `answered`. With it, attempts to come back that fail are noted as
 * `refused`, each with the moment at which it began: a server may answer by the time it fails.
 */
const fs = require("node:fs");
const { io } = require("socket.io-client");

const config = JSON.parse(process.argv[2]);
const events = fs.openSync(config.events, "a");

// The clock that Python calls monotonic: CLOCK_MONOTONIC in both, see the check in clients.py.
function now_ns() {
  return Number(process.hrtime.bigint());
}

// Synchronous, so that a reader sees the line at once and a killed process loses nothing.
function note(client, event, reason = null, at_ns = now_ns()) {
  fs.writeSync(events, JSON.stringify({ client, event, at_ns, reason }) + "\n");
}

function join(client) {
  const socket = io(config.url + config.namespace, {
    forceNew: true,
    path: config.path,
    transports: [config.transport],
  });
  socket.on("connect", () => note(client, "connect"));
  socket.on("disconnect", (reason) => note(client, "disconnect", reason));
  if (config.echo) {
    note_coming_back(socket, client);
  }
}

function note_coming_back(socket, client) {
  let begun_ns = null;
  let times = 0;
  socket.on("connect", () => {
    times += 1;
    if (times > 1) {
      socket.emit(config.echo.event, { data: `back ${client} ${times}` });
    }
  });
  socket.on(config.echo.answer, (message) => {
    if (message.data === `back ${client} ${times}`) {
      note(client, "answered");
    }
  });
  socket.io.on("reconnect_attempt", () => {
    begun_ns = now_ns();
  });
  socket.io.on("reconnect_error", (error) => note(client, "refused", why(error), begun_ns));
}

// A TransportError has a status, or what the socket said, in `description`; an XMLHttpRequest that
// had no answer has that in `statusText` (engine.io-client 6.6, xmlhttprequest-ssl 2.1).
function why(error) {
  const { description, context } = error;
  const said = description?.message || context?.statusText?.message || description;
  return said ? `${error.message}: ${said}` : error.message;
}

process.on("uncaughtException", (error) => {
  note(null, "crash", String(error));
  console.error(error);
  process.exit(1);
});

const versions = { node: process.versions.node };
for (const name of ["socket.io-client", "engine.io-client"]) {
  versions[name] = require(`${name}/package.json`).version;
}
console.log(JSON.stringify({ ready: true, at_ns: now_ns(), versions }));
config.offsets_s.forEach((offset_s, client) => setTimeout(join, 1000 * offset_s, client));
