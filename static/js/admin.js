// What the admin theme lacks for people without a mouse. No module: the theme's Alpine calls it.
(() => {
  const STOPS = "a[href], button, input, select, textarea, summary, [tabindex]";
  // Layers over the page that are open, the newest last, each with what had the focus before.
  const open = [];

  function stops(layer) {
    return [...layer.querySelectorAll(STOPS)].filter(
      (node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility({ visibilityProperty: true }),
    );
  }

  function isOpen(layer) {
    return open.some((one) => one.layer === layer);
  }

  function enter(layer) {
    open.push({ layer, opener: document.activeElement });
    // Alpine shows it after this; by then it may be closed again.
    setTimeout(() => {
      if (!isOpen(layer)) return;
      (layer.querySelector("[data-first]") ?? stops(layer)[0])?.focus();
    }, 20);
  }

  function leave(layer) {
    const at = open.findIndex((one) => one.layer === layer);
    if (at >= 0) open.splice(at, 1)[0].opener?.focus();
  }

  /** The focus goes into a layer that opens, and back to what opened it. */
  window.holdFocus = (layer, isShown) => (isShown ? enter(layer) : leave(layer));

  /** Whoever is quick presses Escape while the focus is still on its way into the layer. */
  function escape(layer) {
    if (layer.contains(document.activeElement)) return;
    layer.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  }

  function hold(event) {
    const layer = open.at(-1)?.layer;
    if (!layer) return;
    if (event.key === "Escape") escape(layer);
    if (event.key !== "Tab") return;
    const all = stops(layer);
    const edge = event.shiftKey ? all[0] : all.at(-1);
    if (layer.contains(document.activeElement) && document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? all.at(-1) : all[0])?.focus();
  }

  /** The theme's icons are words in a font of pictures, which nobody should hear. */
  function silence() {
    for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
      icon.setAttribute("aria-hidden", "true");
    }
  }

  function titleOf(part) {
    const own = part.closest("[aria-labelledby]")?.getAttribute("aria-labelledby");
    const title = (own && document.getElementById(own)) ?? document.querySelector("h1");
    return title?.textContent.trim().replace(/\s+/g, " ");
  }

  /** What scripts of others make gets the role and the name that they left out. */
  function name() {
    for (const help of document.querySelectorAll(".help-tooltip[aria-label]")) help.setAttribute("role", "img");
    const taken = new Set(
      [...document.querySelectorAll('[role="region"][aria-label]')].map((part) => part.getAttribute("aria-label")),
    );
    for (const part of document.querySelectorAll('[aria-label="scrollable content"]')) {
      const title = titleOf(part) ?? "";
      let label = title;
      for (let number = 2; taken.has(label); number += 1) label = `${title} ${number}`;
      taken.add(label);
      part.setAttribute("aria-label", label);
    }
  }

  /** A panel below its button closes by Esc, which gives the focus back, and by a press beside it. */
  function watchDrops() {
    const opened = () => document.querySelectorAll("details[data-drop][open]");
    document.addEventListener("keydown", ({ key, target }) => {
      for (const drop of key === "Escape" ? opened() : []) {
        drop.open = false;
        if (drop.contains(target)) drop.querySelector("summary").focus();
      }
    });
    document.addEventListener("pointerdown", ({ target }) => {
      for (const drop of opened()) if (!drop.contains(target)) drop.open = false;
    });
  }

  // After theirs.
  document.addEventListener("DOMContentLoaded", () => setTimeout(name));
  window.addEventListener("load", () => setTimeout(name));
  document.addEventListener("keydown", hold);
  watchDrops();
  // The theme asks the device once. Whoever leaves the choice to it has a page that turns with it.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
    const page = window.Alpine?.$data(document.documentElement);
    if (page?.adminTheme !== "auto") return;
    page.adminTheme = matches ? "dark" : "light";
    window.Alpine.nextTick(() => {
      page.adminTheme = "auto";
    });
  });
  document.addEventListener("DOMContentLoaded", silence);
  document.addEventListener("htmx:afterSwap", silence);
})();
