"""Commands as people type them where this installation runs (docs/runbooks/README.md)."""

from django.conf import settings

_HERE = "python manage.py"
_ON_SERVER = "dotmac manage"
# What is a service on a server, where nobody starts another one by hand.
_SERVICES = ("clock", "qcluster")
_RESTART = "dotmac restart"


def as_here(text: str) -> str:
    """A text that names commands as a developer types them, with their names in this place."""
    if not settings.ON_SERVER:
        return text
    for name in _SERVICES:
        text = text.replace(f"`{_HERE} {name}`", f"`{_RESTART}`")
    return text.replace(_HERE, _ON_SERVER)
