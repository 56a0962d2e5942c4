"""The words in which the tables tell who gets where."""

# Whoever is signed in, or how it is asked decides: the page's own tests say who gets what.
ANYBODY = ""
# Not even owners, by this method or at all.
NOBODY = "-"
OWNERS = "owner"

# (by GET, by POST)
Needs = dict[str, tuple[str, str]]


def rows(name: str, view: str, add: str = NOBODY, change: str = NOBODY, end: str = NOBODY) -> Needs:
    """The pages that an admin of rows has."""
    return {
        f"admin:{name}_changelist": (view, view),
        f"admin:{name}_history": (view, view),
        f"admin:{name}_add": (add, add),
        f"admin:{name}_change": (view, change),
        f"admin:{name}_delete": (end, end),
    }


def same(key: str, *names: str) -> Needs:
    """Pages that ask for one permission by either method."""
    return dict.fromkeys(names, (key, key))
