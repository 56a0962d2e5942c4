const DONE_MS = 1600;

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain HTTP has no clipboard API: a development address is often that.
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "dm-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function watchCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await copy(button.dataset.copy);
    button.dataset.done = "";
    setTimeout(() => delete button.dataset.done, DONE_MS);
  });
}

export function watchSecrets() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-secret-toggle]");
    if (!button) return;
    const output = button.closest("[data-secret]").querySelector("[data-secret-text]");
    const shown = button.getAttribute("aria-pressed") === "true";
    output.dataset.mask ??= output.textContent;
    output.textContent = shown ? output.dataset.mask : output.dataset.secretText;
    button.setAttribute("aria-pressed", String(!shown));
  });
}

export function watchPasswords() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (!button) return;
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
}
