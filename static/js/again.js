// Loads the page again when its scripts did not arrive, at most once in ten seconds. A browser on
// the machine that runs the containers drops what it is loading whenever one of them comes or goes.
const LAST = "loaded-again-at";

window.addEventListener(
  "error",
  (event) => {
    if (!(event.target instanceof HTMLScriptElement) || event.target.type !== "module") return;
    const now = Date.now();
    if (now - Number(sessionStorage.getItem(LAST)) < 10000) return;
    sessionStorage.setItem(LAST, String(now));
    setTimeout(() => location.reload(), 500);
  },
  true,
);
