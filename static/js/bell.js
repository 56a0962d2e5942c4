// The bell in the head of a page. The WebSocket only says "something changed"; the bell is then
// fetched anew through its view. No module: the admin's pages load it as they are.
(() => {
  const GATHER_MS = 200;
  // About a quarter of an hour; a page that is loaded again begins anew.
  const PATIENCE = 20;
  const BACKOFF_MS = [1000, 2000, 5000, 15000, 60000];
  let failures = 0;
  let waiting;

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

  function connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${bell().dataset.wsPath}`);
    socket.addEventListener("open", () => {
      failures = 0;
    });
    socket.addEventListener("message", () => {
      waiting ??= setTimeout(load, GATHER_MS);
    });
    socket.addEventListener("close", (event) => {
      // Refused: nobody is signed in any more.
      if (event.code >= 4400 || failures >= PATIENCE) return;
      const wait = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)];
      failures += 1;
      setTimeout(connect, wait * (0.75 + Math.random() / 2));
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (bell()) connect();
  });
})();
