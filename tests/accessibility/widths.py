"""How wide a page is: at no width of a screen is anything beside it."""

from playwright.sync_api import Page

# px: a laptop, a desk, a small phone.
WIDTHS = (1440, 1920, 360)

# What goes beyond the edge and is in nothing that scrolls by itself, or cuts.
_BESIDE = """
() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const isHeld = (node) => {
    for (let one = node.parentElement; one && one !== document.body; one = one.parentElement) {
      if (getComputedStyle(one).overflowX !== "visible") return true;
    }
    return false;
  };
  const found = [...document.body.querySelectorAll("*")].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width && (box.right > root.clientWidth + 0.5 || box.left < -0.5) && !isHeld(node);
  });
  const told = found.slice(-3).map((node) => node.outerHTML.slice(0, 120));
  return [`${root.scrollWidth} px on ${root.clientWidth}`, ...told];
}
"""


def beside(page: Page) -> list[str]:
    """A line for each width at which an open page is wider; its size is the last of WIDTHS then."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if told := page.evaluate(_BESIDE):
            found.append(f"{width} px: {' | '.join(told)}")
    return found
