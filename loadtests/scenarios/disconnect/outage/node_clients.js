"use strict";
/*
 * `node node_clients.js CONFIG`: socket.io-client, the same command line, READY line and file of
 * events as python_clients.py beside it. Each client has a Manager of its own (forceNew), as each
 * page of a browser would. The packages are found in node_modules/ at the repository's root.
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
function note(client, event, reason = null) {
  const at_ns = now_ns();
  fs.writeSync(events, JSON.stringify({ client, event, at_ns, reason }) + "\n");
}

function join(client) {
  const socket = io(config.url + config.namespace, {
    forceNew: true,
    transports: [config.transport],
  });
  socket.on("connect", () => note(client, "connect"));
  socket.on("disconnect", (reason) => note(client, "disconnect", reason));
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
