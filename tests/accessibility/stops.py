"""Whether Tab stops at all that a page has, and Escape closes what was opened: on any page."""

from playwright.sync_api import Locator, Page, TimeoutError

from tests.accessibility.keys import LOOK

# Puts what can have the focus into `window.stops`, in the order of the document; answers with how
# many there are and what is wrong with them.
_EXPECT = f"""
() => {{
  const look = {LOOK};
  const text = (node) => (node?.innerText || node?.textContent || "").trim();
  const named = (node) => (node.getAttribute("aria-labelledby") || "").split(/\\s+/)
    .map((id) => text(id && document.getElementById(id))).join(" ");
  const hasName = (node) => [
    node.getAttribute("aria-label"),
    named(node),
    ...[...(node.labels || [])].map(text),
    /^(submit|button|reset)$/.test(node.type) ? node.value : "",
    node.matches("a, button, summary, [role]:not([role=region])") ? text(node) : "",
    ...[...node.querySelectorAll("[alt], [aria-label]")]
      .map((one) => one.alt || one.getAttribute("aria-label")),
    node.title,
    node.placeholder,
  ].some((one) => (one || "").trim());
  // Of those that exclude each other Tab comes to one.
  const isFirst = (node) => {{
    if (node.type !== "radio" || !node.name) return true;
    const all = [...(node.form || document).querySelectorAll("input[type=radio]:enabled")];
    const group = all.filter((one) => one.name === node.name);
    return node === (group.find((one) => one.checked) || group[0]);
  }};
  const may = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]";
  const nodes = [...document.querySelectorAll(may)].filter((node) =>
    node.tabIndex >= 0 && node.type !== "hidden" && !node.matches(":disabled, [inert] *")
    && isFirst(node) && node.checkVisibility({{ visibilityProperty: true }}));
  const wrong = [];
  for (const node of nodes) {{
    node.focus({{ focusVisible: true }});
    const found = look(node);
    if (node.tabIndex > 0) wrong.push(`tabindex ${{node.tabIndex}}: ${{found.what}}`);
    if (!hasName(node)) wrong.push(`no name: ${{node.outerHTML.slice(0, 160)}}`);
    if (!found.isSeen) wrong.push(`no focus is seen: ${{found.what}}`);
    if (!found.isReached) wrong.push(`something lies over ${{found.what}}`);
  }}
  // Tab begins at the beginning again.
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
  window.stops = {{ nodes, visited: [], what: (node) => look(node).what }};
  document.addEventListener("focusin", (event) => window.stops.visited.push(event.target));
  return {{ count: nodes.length, wrong }};
}}
"""
_IS_THROUGH = """
() => {
  const { visited } = window.stops;
  const node = document.activeElement;
  const isNowhere = !node || node === document.body || node === document.documentElement;
  return isNowhere || visited.indexOf(visited[0], 1) > 0;
}
"""
_MISSED = """
() => {
  const { nodes, what } = window.stops;
  const visited = [...new Set(window.stops.visited)].filter((node) => nodes.includes(node));
  const isBefore = (node, other) => other && nodes.indexOf(other) < nodes.indexOf(node);
  return [
    ...nodes.filter((node) => !visited.includes(node)).map((node) => `not reached: ${what(node)}`),
    ...visited.filter((node, place) => isBefore(node, visited[place + 1]))
      .map((node) => `out of order: after ${what(node)}`),
  ];
}
"""
_AFTER, _MOST = 4, 400
_OPENERS = "main :is([data-drop] > summary, [data-dialog], [aria-haspopup]:not(select))"
# The same opener on many pages is tried once.
_KINDS = """
(nodes) => nodes.map((node) => !node.checkVisibility() || node.matches(":disabled") ? "" :
  [node.localName, node.className, (node.dataset.dialog || "").replace(/\\d+/g, "")].join(" "))
"""
_IS_OPEN = """
([node, wanted]) => {
  const isOpen = node.localName === "summary" ? node.parentElement.open
    : node.dataset.dialog ? Boolean(document.querySelector("dialog[open]"))
    : node.getAttribute("aria-expanded") === "true";
  return isOpen === wanted && (wanted || document.activeElement === node);
}
"""


def wrong_stops(page: Page, *, past: str = "") -> list[str]:
    """Press Tab through an open page; a line for each thing that is wrong.

    `past` is a selector of what is left out, for it was walked through elsewhere.
    """
    if past:
        page.locator(past).evaluate_all("nodes => nodes.forEach((node) => node.inert = true)")
    found = page.evaluate(_EXPECT)
    wrong, pressed, presses = list(found["wrong"]), 0, int(found["count"])
    while pressed < _MOST:
        for _press in range(presses):
            page.keyboard.press("Tab")
        if page.evaluate(_IS_THROUGH):
            return wrong + list(page.evaluate(_MISSED))
        pressed, presses = pressed + presses, _AFTER
    return [*wrong, "Tab does not come to the end"]


def unclosed(page: Page, tried: set[str]) -> list[str]:
    """Open by Enter and close by Escape what opens; `tried` are the kinds that were, and grows."""
    openers, found = page.locator(_OPENERS), []
    for place, kind in enumerate(openers.evaluate_all(_KINDS)):
        if kind and kind not in tried:
            tried.add(kind)
            found += _opened_and_closed(page, openers.nth(place), kind)
    return found


def _opened_and_closed(page: Page, opener: Locator, kind: str) -> list[str]:
    node = opener.element_handle()
    opener.focus()
    for key, is_open in (("Enter", True), ("Escape", False)):
        page.keyboard.press(key)
        try:
            page.wait_for_function(_IS_OPEN, arg=[node, is_open], timeout=3000)
        except TimeoutError:
            return [f"{key} does not {'open' if is_open else 'close'} {kind}"]
    return []
