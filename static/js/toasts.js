const STAY_MS = 7000;

function arm(toast) {
  toast.querySelector("[data-toast-close]")?.addEventListener("click", () => toast.remove());
  if (toast.dataset.tone === "bad" || toast.dataset.tone === "warn") return;
  let timer = setTimeout(() => toast.remove(), STAY_MS);
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = setTimeout(() => toast.remove(), STAY_MS);
  };
  toast.addEventListener("mouseenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("mouseleave", release);
  toast.addEventListener("focusout", release);
}

/** A response may bring toasts of its own, out of band, into #toasts. */
export function watchToasts() {
  const list = document.getElementById("toasts");
  if (!list) return;
  list.querySelectorAll(".dm-toast").forEach(arm);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (node.nodeType === Node.ELEMENT_NODE && node.matches(".dm-toast")) arm(node);
      }
    }
  }).observe(list, { childList: true });
}
