// A live operation. The WebSocket only says "something changed"; the page then fetches its partial,
// so that what is shown always went through the view's own permission check. While no socket is
// open the same partial is polled.
import { Idiomorph } from "../vendor/idiomorph/idiomorph.esm.js";

const POLL_MS = 2000;
const GATHER_MS = 150;
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15000];
// A server that ends for another sends all its pages away at once; they come one by one.
const LEAVING = [1001, 1012];
const SPREAD_MS = 2000;
const TICK_MS = 100;

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

class LiveOperation {
  constructor(root) {
    this.root = root;
    this.failures = 0;
    this.arrived = performance.now();
    this.touched = new Set();
    this.watched = new WeakSet();
    this.settle();
    setInterval(() => this.tick(), TICK_MS);
    if (!this.finished) this.connect();
    this.poll();
  }

  get finished() {
    return "finished" in this.root.dataset;
  }

  connect() {
    const path = this.root.dataset.wsPath;
    if (!path) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}${path}`);
    this.socket.addEventListener("open", () => this.refresh());
    // One comes as soon as it listens; before that it may be sent away yet.
    this.socket.addEventListener("message", () => {
      this.failures = 0;
      this.refresh();
    });
    this.socket.addEventListener("close", (event) => {
      this.socket = undefined;
      if (this.finished) return;
      setTimeout(() => this.connect(), this.rest(event.code));
      this.failures += 1;
    });
  }

  rest(code) {
    if (LEAVING.includes(code) && this.failures === 0) return Math.random() * SPREAD_MS;
    return BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)] * (0.75 + Math.random() / 2);
  }

  poll() {
    setInterval(() => {
      const connected = this.socket?.readyState === WebSocket.OPEN;
      if (!connected && !this.finished) this.refresh();
    }, POLL_MS);
  }

  refresh() {
    this.stale = true;
    if (this.waiting) return;
    this.waiting = setTimeout(() => this.load(), GATHER_MS);
  }

  async load() {
    this.stale = false;
    try {
      const response = await fetch(this.root.dataset.pollUrl, {
        headers: { "HX-Request": "true" },
        credentials: "same-origin",
      });
      if (response.ok) this.show(await response.text());
    } catch {
      // The platform is away for a moment; the next message or poll tries again.
    } finally {
      this.waiting = undefined;
      // News that came meanwhile may be missing in what was shown.
      if (this.stale && !this.finished) this.refresh();
    }
  }

  show(html) {
    const next = new DOMParser().parseFromString(html, "text/html").querySelector("[data-operation]");
    if (!next) return;
    const following = this.logsAtTheirEnd();
    Idiomorph.morph(this.root, next.outerHTML, {
      morphStyle: "outerHTML",
      ignoreActiveValue: true,
      callbacks: {
        beforeAttributeUpdated: (name, node) => !(name === "open" && this.touched.has(node.id)),
      },
    });
    this.root = document.getElementById(next.id);
    this.arrived = performance.now();
    this.settle();
    for (const log of this.root.querySelectorAll(".dm-log")) {
      if (following.has(log.id)) log.scrollTop = log.scrollHeight;
    }
    if (this.finished) this.socket?.close();
  }

  logsAtTheirEnd() {
    const logs = [...this.root.querySelectorAll(".dm-log")];
    return new Set(
      logs
        .filter((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 24)
        .map((log) => log.id),
    );
  }

  /** What a person opened or closed stays as they left it; a log that opens shows its end. */
  settle() {
    for (const details of this.root.querySelectorAll("details")) {
      if (this.watched.has(details)) continue;
      this.watched.add(details);
      const toEnd = () => {
        const log = details.querySelector(".dm-log");
        if (log && details.open) log.scrollTop = log.scrollHeight;
      };
      details.addEventListener("toggle", toEnd);
      details.querySelector("summary").addEventListener("click", () => this.touched.add(details.id));
      toEnd();
    }
    this.tick();
  }

  tick() {
    const since = (performance.now() - this.arrived) / 1000;
    for (const node of this.root.querySelectorAll("[data-seconds]")) {
      const live = "live" in node.dataset;
      node.textContent = duration(Number(node.dataset.seconds) + (live ? since : 0));
    }
  }
}

export function watchOperations() {
  document.querySelectorAll("[data-operation]").forEach((root) => new LiveOperation(root));
}
