"use strict";
/*
 * The official client; the same command line and the same two lines of output as __main__.py beside
 * it. The packages are found in node_modules/ at the repository's root.
 */
const { parseArgs } = require("node:util");
const { io } = require("socket.io-client");
const { version } = require("socket.io-client/package.json");

const NAMESPACE = "/test";
const GREETING = "Connected"; // what the application says on connecting; it is not a reply

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string" },
    transport: { type: "string" },
    clients: { type: "string" },
    seconds: { type: "string" },
    warmup: { type: "string" },
    rate: { type: "string" }, // of broadcasts, which this contender does not do
    "payload-bytes": { type: "string", default: "32" },
  },
});
const clients = Number(values.clients);
const message = { data: "x".repeat(Number(values["payload-bytes"])) };
let received = 0;
let connected = 0;

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

function say(line) {
  console.log(JSON.stringify(line));
}

// Count, CPU time of this process and the time; hrtime is the clock that Python calls monotonic.
function look() {
  const { user, system } = process.cpuUsage();
  return { messages: received, cpu_ns: 1000 * (user + system), at_ns: Number(process.hrtime.bigint()) };
}

function at(moment_ns, callback) {
  setTimeout(callback, Math.max(0, (moment_ns - Number(process.hrtime.bigint())) / 1e6));
}

function measure() {
  const begin_ns = Number(process.hrtime.bigint()) + Math.round(1e9 * Number(values.warmup));
  const end_ns = begin_ns + Math.round(1e9 * Number(values.seconds));
  say({ begin_ns, end_ns });
  at(begin_ns, () => {
    const begin = look();
    at(end_ns, () => {
      const end = look();
      say({
        client: `socket.io-client ${version}, Node ${process.versions.node}`,
        messages: end.messages - begin.messages,
        cpu_ns: end.cpu_ns - begin.cpu_ns,
        wall_ns: end.at_ns - begin.at_ns,
      });
      process.exit(0);
    });
  });
}

function start() {
  for (const socket of sockets) socket.emit("my event", message);
  measure();
}

function join() {
  const socket = io(values.url + NAMESPACE, {
    transports: [values.transport],
    forceNew: true,
    reconnection: false,
  });
  socket.on("my response", (reply) => {
    if (reply.data === GREETING) return;
    received += 1;
    socket.emit("my event", message);
  });
  socket.on("connect_error", (error) => fail(`cannot connect: ${error.message}`));
  socket.on("disconnect", (reason) => fail(`a client lost its connection: ${reason}`));
  socket.on("connect", () => {
    connected += 1;
    if (connected === clients) start();
  });
  return socket;
}

if (positionals[0] !== "echo") fail(`this contender does not do ${positionals[0]}`);
const sockets = Array.from({ length: clients }, join);
