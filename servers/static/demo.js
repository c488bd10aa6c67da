"use strict";
// The demo page: two namespaces over one connection of the official client.
const PING_MS = 1000;
const MINUTE_MS = 60000; // that the chart shows; an answer that takes longer is not waited for
const LINES = 200; // of the log, and of those that went away
const LONGEST = 500; // characters of what a line of the log tells

// Why the server noticed, by python-engineio's reasons.
const NOTICED = new Map([
  ["client disconnect", "at once: it said goodbye"],
  ["transport close", "at once: connection closed"],
  ["ping timeout", "by the heartbeat: no answer"],
]);
// A page reports once a second. Of one that was silent for longer "transport close" says little:
// eventlet gives it for a WebSocket that is cut off, too, when its patience ends
// (docs/disconnect.md).
const SILENT_S = 2;

const at = (id) => document.getElementById(id);
let manager = null; // of the connection that is shown; null after Disconnect
let test = null;
let main = null;
let trips = []; // {at, ms}, of the last minute

function show(id, text) {
  // Never as HTML: what others send is text, whatever it looks like.
  at(id).textContent = text;
}

function log(namespace, event, data, kind = "") {
  const line = document.createElement("li");
  const from = document.createElement("span");
  const text = typeof data === "string" ? data : String(JSON.stringify(data));
  line.className = kind;
  from.className = "from";
  from.textContent = `${namespace} ${event}`;
  line.append(from, text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
  add("log", line);
}

function add(list, line) {
  at(list).prepend(line);
  while (at(list).childElementCount > LINES) at(list).lastElementChild.remove();
}

function connect() {
  const opening = new io.Manager({ transports: at("transports").value.split(",") });
  manager = opening;
  test = opening.socket("/test");
  main = opening.socket("/");
  // One that was left lives on for a moment: it ends its upgrade before it closes.
  const hear = (source, event, handler) =>
    source.on(event, (...content) => {
      if (manager === opening) handler(...content);
    });
  hear(opening, "open", () => {
    show("transport", opening.engine.transport.name);
    hear(opening.engine, "upgrade", (transport) => show("transport", transport.name));
  });
  hear(test, "connect", connected);
  hear(test, "disconnect", (reason) => lost(`disconnected: ${reason}`));
  hear(test, "connect_error", (error) => lost(`cannot connect: ${error.message}`));
  hear(test, "my response", (message) => log("/test", "my response", message.data));
  hear(test, "my rooms", (message) => show("rooms", message.rooms.join(", ") || "no room"));
  hear(test, "gone", gone);
  hear(main, "connect", () => (at("to-main").disabled = false));
  for (const socket of [test, main]) {
    hear(socket, "message", (content) => log(socket.nsp, "message", content));
    hear(socket, "json", (content) => log(socket.nsp, "json", content));
    hear(socket, "my error", ({ error }) => log(socket.nsp, "my error", error, "error"));
  }
  ended("connecting");
  buttons(true);
}

function connected() {
  show("state", "connected");
  show("session", test.id);
  at("to-test").disabled = false;
  test.emit("watch");
}

function lost(state) {
  // The client tries again, unless it was the server's will.
  if (test.active) ended(`${state}; trying again`);
  else leave(state);
}

function leave(state) {
  manager = null;
  // Both namespaces, so that the connection goes too.
  main.disconnect();
  test.disconnect();
  ended(state);
  buttons(false);
}

function ended(state) {
  show("state", state);
  show("transport", "none");
  show("session", "none");
  show("rooms", "no room");
  for (const id of ["to-test", "to-main"]) at(id).disabled = true;
  trips = [];
  draw();
}

function buttons(open) {
  at("connect").disabled = open;
  at("disconnect").disabled = !open;
}

function gone({ sid, transport, reason, silent_s: silentS }) {
  const known = reason !== "transport close" || silentS < SILENT_S;
  const row = document.createElement("tr");
  const cells = [
    [sid, transport],
    [reason, ""],
    // Rounded up: it is a bound.
    [`at most ${(Math.ceil(silentS * 10) / 10).toFixed(1)} s`, known ? NOTICED.get(reason) : ""],
  ];
  for (const [text, more] of cells) {
    const small = document.createElement("small");
    small.textContent = more ?? "";
    row.insertCell().append(text, small);
  }
  add("gone", row);
}

function ping() {
  draw(); // the time goes on without answers, too
  if (!test.connected) return;
  const begun = performance.now();
  // Volatile: what could not go out at once would tell of the wait and not of the way. It gets no
  // answer then, and the callback has to be given up.
  test.volatile.timeout(MINUTE_MS).emit("my ping", (error) => {
    const now = performance.now();
    if (error) return;
    trips.push({ at: now, ms: now - begun });
    draw();
  });
}

function draw() {
  const now = performance.now();
  trips = trips.filter((trip) => now - trip.at < MINUTE_MS);
  const top = Math.max(...trips.map((trip) => trip.ms));
  const points = trips.map((trip) => {
    const x = 300 * (1 - (now - trip.at) / MINUTE_MS);
    return `${x.toFixed(1)},${(58 - (54 * trip.ms) / top).toFixed(1)}`;
  });
  const last = trips.length ? `${trips.at(-1).ms.toFixed(1)} ms` : "–";
  const most = trips.length ? `${top.toFixed(1)} ms` : "–";
  show("rtt", last);
  show("rtt-top", most);
  document.querySelector("#rtt-chart polyline").setAttribute("points", points.join(" "));
  at("rtt-chart").setAttribute(
    "aria-label",
    `Round trips of the last minute: the last ${last}, the longest ${most}`,
  );
}

function on(form, send) {
  at(form).addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    send(new FormData(at(form)), submitted.submitter.value);
  });
}

function sendJson(socket, text) {
  try {
    socket.emit("json", JSON.parse(text));
  } catch (error) {
    log("here", "not JSON", error.message, "error");
  }
}

function start() {
  on("echo", (form) => test.emit("my event", { data: form.get("data") }));
  on("broadcast", (form) => test.emit("my broadcast event", { data: form.get("data") }));
  on("join", (form, what) => test.emit(what, { room: form.get("room") }));
  on("room", (form) =>
    test.emit("my room event", { room: form.get("room"), data: form.get("data") }),
  );
  on("text", (form) => test.send(form.get("data")));
  on("json", (form) => sendJson(test, form.get("data")));
  on("default", (form, what) => {
    if (what === "json") sendJson(main, form.get("data"));
    else main.send(form.get("data"));
  });
  at("connect").addEventListener("click", connect);
  at("disconnect").addEventListener("click", () => leave("disconnected"));
  at("transports").addEventListener("change", () => {
    if (manager) leave("disconnected");
    connect();
  });
  at("connection").disabled = false;
  connect();
  setInterval(ping, PING_MS);
}

if (typeof io === "undefined") at("missing").hidden = false;
else start();
