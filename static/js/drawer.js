// A row's detail beside its list: the row's own address meanwhile, and back to the place on closing.
const ROWS = "a[data-beside]";
let open = null;

function rows() {
  return [...document.querySelectorAll(ROWS)];
}

async function detail(link) {
  const answer = await fetch(link.dataset.beside, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const drawer = page.querySelector("dialog");
  // Signed out meanwhile, gone, or not allowed any more: the page itself says so.
  if (!answer.ok || answer.redirected || !drawer) throw new Error(answer.status);
  return drawer;
}

function fit(drawer, link) {
  const all = rows();
  const at = all.indexOf(link);
  drawer.querySelector("[data-drawer-page]").href = link.href;
  for (const button of drawer.querySelectorAll("[data-drawer-step]")) {
    button.disabled = !all[at + Number(button.dataset.drawerStep)];
  }
}

/** Show a row's detail. `push`: whether the address becomes the row's. */
async function show(link, push = true) {
  let fresh;
  try {
    fresh = await detail(link);
  } catch {
    location.assign(link.href);
    return;
  }
  const state = { beside: link.dataset.beside };
  if (open) {
    open.drawer.replaceChildren(...fresh.childNodes);
    open.link = link;
    if (push) history.replaceState(state, "", link.href);
  } else {
    link.focus();
    document.body.append(fresh);
    open = { drawer: fresh, link, title: document.title };
    fresh.showModal();
    if (push) history.pushState(state, "", link.href);
  }
  fit(open.drawer, link);
  document.title = `${open.drawer.querySelector("h2").textContent} | ${open.title.split(" | ").at(-1)}`;
}

async function step(button) {
  const by = Number(button.dataset.drawerStep);
  const all = rows();
  await show(all[all.indexOf(open.link) + by]);
  const again = open.drawer.querySelector(`[data-drawer-step="${by}"]`);
  (again.disabled ? open.drawer.querySelector("[data-dialog-close]") : again).focus();
}

function closed() {
  const { drawer, link, title } = open;
  open = null;
  drawer.remove();
  document.title = title;
  // To where the list is, at the row that was shown last.
  link.focus();
  if (history.state?.beside) history.back();
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const link = target.closest(ROWS);
  if (link && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
    event.preventDefault();
    show(link);
    return;
  }
  const button = target.closest("[data-drawer-step]");
  if (button) step(button);
  if (target.closest("[data-dialog-close]") || target === open?.drawer) open?.drawer.close();
});
// It does not bubble.
document.addEventListener("close", ({ target }) => target === open?.drawer && closed(), true);
addEventListener("popstate", ({ state }) => {
  if (!state?.beside) {
    open?.drawer.close();
    return;
  }
  const link = rows().find((one) => one.dataset.beside === state.beside);
  if (link) show(link, false);
  else location.reload();
});
