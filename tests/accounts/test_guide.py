"""The guide of roles names every permission, as the apps declare it."""

import re
from pathlib import Path

from apps.accounts.access import all_permissions
from apps.core.permissions import EVERY_KIND, Permission

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "access.md"
PLACES = {"public": "operator", "console": "console", "workspace": "workspace"}


def line_of(one: Permission) -> str:
    """The row of a permission."""
    where = "everywhere" if one.kinds == EVERY_KIND else ", ".join(PLACES[k] for k in one.kinds)
    needs = f" (needs {', '.join(f'`{key}`' for key in one.needs)})" if one.needs else ""
    roles = ", ".join(one.roles) or "none"
    return f"| `{one.key}` | {one.title}{needs} | {where} | {roles} |"


def test_the_guide_has_each_permission_with_who_holds_it() -> None:
    written = re.findall(r"^\| `[a-z_]+\.[a-z_]+` .*$", GUIDE.read_text(), flags=re.MULTILINE)
    assert written == [line_of(all_permissions()[key]) for key in sorted(all_permissions())]
