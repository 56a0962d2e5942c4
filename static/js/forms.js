function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** An empty time zone starts at the browser's own. */
function suggestZone() {
  const field = document.querySelector("[data-suggest-timezone]:not([data-bound]) input");
  const own = zone().replaceAll("_", " ");
  const isKnown = [...(field?.list?.options ?? [])].some((option) => option.value === own);
  if (isKnown) field.value = own;
}

/** A second click on a sent form does nothing. */
function sendOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.matches("[hx-post]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    form.querySelectorAll('[type="submit"]').forEach((button) => {
      button.setAttribute("aria-busy", "true");
    });
  });
  // Coming back through history shows the page as it was left.
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    });
  });
}

function focusFirstError() {
  document.querySelector('form[method="post"] [aria-invalid="true"]')?.focus();
}

/** The admin theme looks for a text field beside each file field; ours need none. */
function leaveFilesAlone() {
  for (const input of document.querySelectorAll(".dm-field input[type=file]")) {
    input.hasChangeListener = true;
  }
}

export function watchForms() {
  leaveFilesAlone();
  suggestZone();
  sendOnce();
  focusFirstError();
}
