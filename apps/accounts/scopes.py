"""What a key may of what its service account may.

A scope is the key of a permission (`subscribers.view`), all of an area (`subscribers.*`), or a
wildcard: `*` for all that the account may, `read` for all of it that only looks.
"""

from collections.abc import Iterable

FULL, READ = "*", "read"
_AREA = ".*"


def is_known(scope: str, permissions: Iterable[str]) -> bool:
    """Whether a scope means something."""
    if scope in (FULL, READ):
        return True
    if scope.endswith(_AREA):
        return any(key.startswith(scope[:-1]) for key in permissions)
    return scope in permissions


def lets(scopes: Iterable[str], permission: str) -> bool:
    """Whether scopes let a permission through that the account holds."""
    return any(_names(scope, permission) for scope in scopes)


def only_reads(scopes: Iterable[str]) -> bool:
    """Whether a key changes nothing, whatever its account may."""
    return set(scopes) == {READ}


def is_looking(right: str) -> bool:
    """Whether a permission, or a right on a model, changes nothing."""
    word = right.partition(".")[2]
    return word == "view" or word.startswith("view_")


def _names(scope: str, permission: str) -> bool:
    if scope == READ:
        return is_looking(permission)
    if scope.endswith(_AREA):
        return permission.startswith(scope[:-1])
    return scope in (FULL, permission)
