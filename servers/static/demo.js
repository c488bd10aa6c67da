"use strict";
// The demo page: two namespaces over one connection of the official client.
const PING_MS = 1000;
const KEPT = 60; // round trips in the chart
const LINES = 200; // of the log

const at = (id) => document.getElementById(id);
let manager = null;
let test = null;
let main = null;
let trips = [];

function show(id, text) {
  // Never as HTML: what others send is text, whatever it looks like.
  at(id).textContent = text;
}

function log(namespace, event, data) {
  const line = document.createElement("li");
  const from = document.createElement("span");
  from.className = "from";
  from.textContent = `${namespace} ${event}`;
  line.append(from, typeof data === "string" ? data : JSON.stringify(data));
  at("log").prepend(line);
  while (at("log").childElementCount > LINES) at("log").lastElementChild.remove();
}

function connect() {
  const opening = new io.Manager({ transports: at("transports").value.split(","), forceNew: true });
  manager = opening;
  test = manager.socket("/test");
  main = manager.socket("/");
  opening.on("open", () => {
    show("transport", opening.engine.transport.name);
    opening.engine.on("upgrade", (transport) => show("transport", transport.name));
  });
  test.on("connect", () => {
    show("state", "connected");
    show("session", test.id);
    test.emit("watch");
  });
  test.on("disconnect", (reason) => ended(`disconnected: ${reason}`));
  test.on("connect_error", (error) => ended(`cannot connect: ${error.message}`));
  test.on("my response", (message) => log("/test", "my response", message.data));
  test.on("message", (content) => log("/test", "message", content));
  test.on("json", (content) => log("/test", "json", content));
  main.on("message", (content) => log("/", "message", content));
  test.on("my rooms", (message) => show("rooms", message.rooms.join(", ") || "no room"));
  test.on("gone", gone);
  trips = [];
  show("rtt", "–");
  buttons(true);
}

function disconnect() {
  // Both namespaces, so that the connection goes too.
  main.disconnect();
  test.disconnect();
  manager.engine.close();
  buttons(false);
}

function ended(state) {
  show("state", state);
  show("transport", "none");
  show("session", "none");
  show("rooms", "no room");
}

function buttons(connected) {
  at("connect").disabled = connected;
  at("disconnect").disabled = !connected;
}

function gone(departure) {
  const row = at("gone").insertRow(0);
  const cells = [
    departure.sid,
    departure.transport,
    departure.reason,
    `${departure.silent_s.toFixed(1)} s`,
  ];
  for (const text of cells) row.insertCell().textContent = text;
}

function ping() {
  if (!test || !test.connected) return;
  const begun = performance.now();
  // Volatile: what could not go out at once would tell of the wait and not of the way.
  test.volatile.emit("my ping", () => {
    trips = [...trips, performance.now() - begun].slice(-KEPT);
    draw();
  });
}

function draw() {
  const top = Math.max(...trips);
  const points = trips.map((ms, place) => {
    const x = (300 * (KEPT - trips.length + place)) / (KEPT - 1);
    return `${x.toFixed(1)},${(58 - (54 * ms) / top).toFixed(1)}`;
  });
  document.querySelector("#rtt-chart polyline").setAttribute("points", points.join(" "));
  show("rtt", `${trips.at(-1).toFixed(1)} ms`);
  show("rtt-top", `${top.toFixed(1)} ms`);
}

function on(form, send) {
  at(form).addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    if (test.connected) send(new FormData(at(form)), submitted.submitter);
  });
}

on("echo", (form) => test.emit("my event", { data: form.get("data") }));
on("broadcast", (form) => test.emit("my broadcast event", { data: form.get("data") }));
on("join", (form, button) => test.emit(button.value, { room: form.get("room") }));
on("room", (form) =>
  test.emit("my room event", { room: form.get("room"), data: form.get("data") }),
);
on("text", (form) => test.send(form.get("data")));
on("json", (form) => {
  try {
    test.emit("json", JSON.parse(form.get("data")));
  } catch (error) {
    log("here", "not JSON", error.message);
  }
});
on("default", (form) => main.send(form.get("data")));
at("connect").addEventListener("click", connect);
at("disconnect").addEventListener("click", disconnect);
at("transports").addEventListener("change", () => {
  if (test && manager.engine) disconnect();
  connect();
});
connect();
setInterval(ping, PING_MS);
