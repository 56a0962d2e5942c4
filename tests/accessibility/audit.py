"""What axe is asked, and what is left out of its answer: WCAG 2.2 AA and its good practice."""

from dataclasses import dataclass

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.e2e.browser import at_rest

_AXE = Axe()
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OPTIONS = {"runOnly": {"type": "tag", "values": _LEVELS}, "resultTypes": ["violations"]}


@dataclass(frozen=True)
class Exempt:
    """A rule that does not hold for some nodes, and why nothing can be done about it here."""

    rule: str
    selector: str
    reason: str


# The only exceptions; docs/accessibility.md names them too.
EXEMPT = (
    Exempt(
        "page-has-heading-one",
        "html:has(> body > #swagger-ui)",
        "Swagger UI writes the title of the API's browser as a heading of the second level.",
    ),
)


def violations(page: Page, *, past: str = "") -> list[str]:
    """A line for each node that axe objects to, without what is exempt.

    `past` is a selector of what is left out, for it was looked at elsewhere.
    """
    at_rest(page)
    found = []
    context = {"exclude": [[past]]} if past else None
    for violation in _AXE.run(page, context=context, options=_OPTIONS).response["violations"]:
        for node in violation["nodes"]:
            if not _is_exempt(page, violation["id"], node["target"]):
                found.append(f"{violation['id']}: {node['target'][-1]}  {node['html'][:160]}")
    return found


def _is_exempt(page: Page, rule: str, target: list[str]) -> bool:
    selectors = [one.selector for one in EXEMPT if one.rule == rule]
    return bool(selectors) and bool(
        page.locator(target[-1]).first.evaluate(
            "(node, wanted) => wanted.some(one => node.matches(one))", selectors
        )
    )
