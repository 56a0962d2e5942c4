"""The address of an organisation: what it may look like, and whether it is free."""

import re
import unicodedata

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.tenancy.constants import RESERVED_SLUGS, SLUG_PATTERN, SLUG_RULE
from apps.tenancy.kinds import CONSOLE, WORKSPACE, schema_name
from apps.tenancy.models import Domain, Tenant
from apps.tenants.exceptions import SlugError, SlugTakenError
from apps.tenants.models import Erasure, Organisation

_SHORTEST, _LONGEST = 3, 30
# Longer than any host name: not looked at any closer.
_ABSURD = 253
_ENDINGS = ("-net", "-isp", "-2", "-3")


def checked_slug(text: str) -> str:
    """The slug a text stands for, in lower case and NFKC; SlugError says what is wrong with it.

    A letter that only looks like Latin is refused and named, never replaced by its look-alike.
    """
    if len(text) > _ABSURD:
        raise SlugError(_wrong_length(len(text)))
    slug = unicodedata.normalize("NFKC", text).strip().lower()
    strange = next((sign for sign in slug if not sign.isascii()), None)
    if strange:
        raise SlugError(
            _("%(strange)s cannot be part of an address. Use %(rule)s.")
            % {"strange": _named(strange), "rule": SLUG_RULE}
        )
    if not _SHORTEST <= len(slug) <= _LONGEST:
        raise SlugError(_wrong_length(len(slug)))
    if not re.match(SLUG_PATTERN, slug):
        raise SlugError(_("An address has %(rule)s.") % {"rule": SLUG_RULE})
    if slug in RESERVED_SLUGS:
        raise SlugError(
            _("“%(slug)s” is kept for the platform itself. Choose another address.")
            % {"slug": slug}
        )
    return slug


def free_slug(text: str) -> str:
    """The slug a text stands for, when nobody has it; SlugError or SlugTakenError otherwise."""
    slug = checked_slug(text)
    if not is_free(slug):
        raise SlugTakenError(slug)
    return slug


def is_free(slug: str) -> bool:
    """Whether nothing of that name is there: no organisation, host or schema, old ones included."""
    hosts = [f"{slug}.{settings.BASE_DOMAIN}", f"{slug}.{settings.APPS_DOMAIN}"]
    schemas = [schema_name(kind, slug) for kind in (CONSOLE, WORKSPACE)]
    return not (
        Organisation.objects.filter(slug=slug).exists()
        or Tenant.objects.filter(Q(schema_name__in=schemas) | Q(slug=slug)).exists()
        or Domain.objects.filter(domain__in=hosts).exists()
        or Erasure.objects.filter(slug=slug).exists()
    )


def suggestion(slug: str) -> str:
    """A free slug close to a taken one, or nothing."""
    candidates = (f"{slug[: _LONGEST - len(ending)]}{ending}" for ending in _ENDINGS)
    return next((c for c in candidates if re.match(SLUG_PATTERN, c) and is_free(c)), "")


def _named(sign: str) -> str:
    """The character by its name; itself beside it only where it can be seen."""
    name = unicodedata.name(sign, f"U+{ord(sign):04X}").lower()
    return (
        f"“{sign}” ({name})" if sign.isprintable() else _("The character %(name)s") % {"name": name}
    )


def _wrong_length(length: int) -> str:
    if length > _LONGEST:
        text = _("%(length)s characters are too many. An address has %(rule)s.")
    else:
        text = ngettext(
            "%(length)s character is too few. An address has %(rule)s.",
            "%(length)s characters are too few. An address has %(rule)s.",
            length,
        )
    return text % {"length": length, "rule": SLUG_RULE}
