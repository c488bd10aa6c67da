"use strict";
/*
 * `node client.js URL TRANSPORTS`: the official JavaScript client goes through every event of the
 * application and prints what came of each as one JSON object. Two clients, so that it is seen who
 * gets what; two namespaces over one connection.
 */
const { Manager } = require("socket.io-client");

const [url, transports] = process.argv.slice(2);
const GIVE_UP_MS = 10000;

function client() {
  const manager = new Manager(url, { transports: transports.split(","), reconnection: false });
  const test = manager.socket("/test");
  const main = manager.socket("/");
  return { manager, test, main };
}

function next(socket, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), GIVE_UP_MS);
    socket.once(event, (...content) => {
      clearTimeout(timer);
      resolve(content[0]);
    });
  });
}

// What a socket gets until an echo of its own comes back, which was sent last.
async function untilEcho(socket, mark) {
  const heard = [];
  let coming = next(socket, "my response");
  socket.emit("my event", { data: mark });
  for (;;) {
    const { data } = await coming;
    if (data === mark) return heard;
    heard.push(data);
    coming = next(socket, "my response");
  }
}

async function main() {
  const found = {};
  const one = client();
  const other = client();
  const greetings = [next(one.test, "my response"), next(other.test, "my response")];
  const connected = [one.main, one.test, other.test].map((socket) => next(socket, "connect"));
  found.greeting = (await Promise.all(greetings))[0].data;
  await Promise.all(connected);
  found.one_connection = one.test.io.engine === one.main.io.engine;

  const echo = next(one.test, "my response");
  one.test.emit("my event", { data: "echo" });
  found.echo = (await echo).data;

  const bytes = next(one.test, "my response");
  one.test.emit("my event", { data: Buffer.from([0, 1, 255]) });
  found.bytes = [...(await bytes).data];

  const both = [next(one.test, "my response"), next(other.test, "my response")];
  one.test.emit("my broadcast event", { data: "all" });
  found.broadcast = (await Promise.all(both)).map((message) => message.data);

  const joined = next(other.test, "my rooms");
  other.test.emit("join", { room: "kitchen" });
  found.joined = (await joined).rooms;
  const inRoom = next(other.test, "my response");
  one.test.emit("my room event", { room: "kitchen", data: "room" });
  found.room = (await inRoom).data;
  found.not_in_room = await untilEcho(one.test, "mark");
  const left = next(other.test, "my rooms");
  other.test.emit("leave", { room: "kitchen" });
  found.left = (await left).rooms;

  const message = next(one.test, "message");
  one.test.send("text");
  found.message = await message;
  const json = next(one.test, "json");
  one.test.emit("json", { a: [1, null, "ü"] });
  found.json = await json;
  const elsewhere = next(one.main, "message");
  one.main.send("default");
  found.default = await elsewhere;

  // By now an upgrade is over.
  found.transport = (await one.test.timeout(GIVE_UP_MS).emitWithAck("my ping")).transport;

  one.main.disconnect();
  one.test.disconnect();
  other.main.disconnect();
  other.test.disconnect();
  process.stdout.write(JSON.stringify(found) + "\n");
}

main().then(
  () => setTimeout(() => process.exit(0), 200), // what was said last still has to leave
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
