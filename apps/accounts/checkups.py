"""Whether what is encrypted lies under the newest key."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.accounts.resealing import count_old, schemas
from apps.core.health import Finding, check, problem, some, warning


@check("settings.field_keys", _("Keys of encrypted fields"), runbook="changing-field-keys")
def _field_keys() -> Iterator[Finding]:
    """Only while there are several: it looks at every encrypted value of every schema."""
    if len(settings.FIELD_KEYS) < 2:
        return
    counts = [count_old(schema) for schema in schemas()]
    places = [f"{one.schema} {name}" for one in counts for name in one.old]
    if places:
        yield warning(
            gettext_noop("Values are still encrypted with an older one of FIELD_KEYS: {places}."),
            gettext_noop("Run `python manage.py rotate_field_keys`."),
            places=some(places),
        )
    lost = [f"{one.schema} {name}" for one in counts for name in one.unreadable]
    if lost:
        yield problem(
            gettext_noop("Values open with none of FIELD_KEYS: {places}."),
            gettext_noop("Put the key that they were encrypted with behind the others."),
            places=some(lost),
        )
    if not places and not lost:
        yield warning(
            gettext_noop("Everything is encrypted with the first of FIELD_KEYS."),
            gettext_noop(
                "Keep the others with the backups that need them, take them out of FIELD_KEYS, and"
                " start all processes anew."
            ),
        )
