let tell;
// Resolves when the first of the clients below is lost: {place, why}.
const lost = new Promise((resolve) => {
  tell = resolve;
});

// Connects clients with the official library. Resolves when each of them has either joined the
// namespace, {sid}, or failed to, {why}.
function join({ url, path, clients, transport }) {
  return Promise.all(
    Array.from({ length: clients }, (_, place) => new Promise((resolve) => {
      const socket = io(url, { path, transports: [transport], forceNew: true, reconnection: false });
      socket.on("connect", () => resolve({ sid: socket.id }));
      socket.on("connect_error", (error) => resolve({ why: error.message }));
      socket.on("disconnect", (why) => tell({ place, why }));
    })),
  );
}
