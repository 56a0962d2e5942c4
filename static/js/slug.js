const LONGEST = 30;

/** The address a name suggests: "Acme Fiber" becomes "acme-fiber". */
export function suggest(name) {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, LONGEST)
    .replace(/^-+|-+$/g, "");
}

export function watchSlug() {
  const form = document.querySelector("[data-slug-form]");
  if (!form) return;
  const name = document.getElementById(form.dataset.nameId);
  const slug = document.getElementById(form.dataset.slugId);
  if (!name || !slug) return;
  let own = slug.value !== "" && slug.value !== suggest(name.value);
  slug.addEventListener("input", (event) => {
    if (event.isTrusted) own = slug.value !== "";
  });
  name.addEventListener("input", () => {
    if (own) return;
    slug.value = suggest(name.value);
    slug.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
