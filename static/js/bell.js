// The bell in the head of a page. The WebSocket only says "something changed"; the bell is then
// fetched anew through its view. No module: the admin's pages load it as they are.
(() => {
  const GATHER_MS = 200;
  // About a quarter of an hour; a page that is looked at again begins anew.
  const PATIENCE = 20;
  const BACKOFF_MS = [1000, 2000, 5000, 15000, 60000];
  // A server that ends for another sends all its pages away at once; they come one by one.
  const LEAVING = [1001, 1012];
  const SPREAD_MS = 5000;
  const REFUSED = 4400;
  let failures = 0;
  let socket;
  let waiting;
  let resting;

  function bell() {
    return document.querySelector("[data-bell]");
  }

  async function load() {
    waiting = undefined;
    const old = bell();
    try {
      const answer = await fetch(old.dataset.bell, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-bell]");
      // Only what is inside: a link that has the focus keeps it.
      if (next) old.replaceChildren(...next.childNodes);
    } catch {
      // The server is away for a moment; the next news tries again.
    }
  }

  function wait(code) {
    if (LEAVING.includes(code) && failures === 0) return Math.random() * SPREAD_MS;
    return BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] * (0.75 + Math.random() / 2);
  }

  function connect() {
    resting = undefined;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}${bell().dataset.wsPath}`);
    // One says so as soon as it listens, for what was missed. Before that it may be sent away yet.
    socket.addEventListener("message", () => {
      failures = 0;
      waiting ??= setTimeout(load, GATHER_MS);
    });
    socket.addEventListener("close", (event) => {
      socket = undefined;
      if (event.code >= REFUSED) {
        // Nobody is signed in any more.
        failures = Infinity;
      } else if (failures < PATIENCE) {
        resting = setTimeout(connect, wait(event.code));
        failures += 1;
      }
    });
  }

  /** Whoever comes back to a page that gave up, or waits long, is not left with an old bell. */
  function again() {
    if (socket || document.hidden || failures === Infinity) return;
    clearTimeout(resting);
    failures = 0;
    connect();
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!bell()) return;
    connect();
    document.addEventListener("visibilitychange", again);
    window.addEventListener("online", again);
  });
})();
