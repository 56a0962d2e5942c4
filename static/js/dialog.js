function lock(form) {
  const typed = form.querySelector('input[name="confirm"]');
  const submit = form.querySelector('[type="submit"]');
  const check = () => {
    submit.disabled = typed.value.trim() !== form.dataset.confirm;
  };
  typed.addEventListener("input", check);
  check();
}

export function watchDialogs() {
  document.querySelectorAll("form[data-confirm]").forEach(lock);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      document.getElementById(opener.dataset.dialog)?.showModal();
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) closer.closest("dialog")?.close();
    if (event.target.matches("dialog:is(.dm-dialog, .dm-drawer)")) event.target.close();
  });
}
