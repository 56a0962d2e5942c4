"""What a person without a mouse does: Tab, and a look at where the focus is."""

from playwright.sync_api import Locator, Page

# Of a control that has the focus: what it is, whether one sees that, and whether something lies
# over it.
LOOK = """
(node) => {
  const drawn = (one, part) => {
    const style = getComputedStyle(one, part);
    const clear = /rgba\\(.*, 0\\)|transparent|\\/ 0\\)/.test(style.outlineColor);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 && !clear;
  };
  const frame = node.parentElement;
  const near = [node, frame, frame?.parentElement, node.nextElementSibling];
  const box = node.getBoundingClientRect();
  const points = [0.1, 0.5, 0.9].flatMap((x) => [0.2, 0.5, 0.8].map((y) => [x, y]));
  const isReached = points.some(([x, y]) => {
    const top = document.elementFromPoint(box.x + box.width * x, box.y + box.height * y);
    const label = top?.closest("label");
    return top && (node.contains(top) || top.contains(node) || label?.control === node);
  });
  const said = node.getAttribute("aria-label") || node.innerText || node.name || "";
  const name = said.trim();
  return {
    what: `${node.localName}${node.id ? "#" + node.id : ""} “${name.slice(0, 40)}”`,
    isSeen: drawn(node, "::after") || near.some((one) => one && drawn(one)),
    isReached: isReached || box.width < 2 || box.height < 2,
  };
}
"""
_FOCUSED = f"""
() => {{
  const node = document.activeElement;
  const isNowhere = !node || node === document.body || node === document.documentElement;
  return isNowhere ? null : ({LOOK})(node);
}}
"""
_MOST = 250


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until a control has the focus."""
    for _press in range(_MOST):
        if target.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target} on {page.url}")


def press_to(page: Page, target: Locator, key: str = "Enter") -> None:
    """Reach a control by Tab and press a key there."""
    tab_to(page, target)
    page.keyboard.press(key)


def has_focus(target: Locator) -> bool:
    """Whether a control, or something in it, has the focus now."""
    return bool(target.evaluate("node => node.contains(document.activeElement)"))


def way_through(page: Page) -> tuple[list[str], list[str]]:
    """Press Tab from the beginning to the end: the stops, and what is wrong with them."""
    stops, wrong = [], []
    for _press in range(_MOST):
        page.keyboard.press("Tab")
        found = page.evaluate(_FOCUSED)
        if found is None:
            return stops, wrong
        stops.append(found["what"])
        if not found["isSeen"]:
            wrong.append(f"no focus is seen: {found['what']}")
        if not found["isReached"]:
            wrong.append(f"something lies over {found['what']}")
    return stops, [*wrong, f"Tab does not come to the end: {stops[-4:]}"]
