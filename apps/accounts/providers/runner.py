"""Work of accounts that waits for other machines."""

import time

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.accounts.providers.metadata import KIND, MetadataError, fetch, note_error, take
from apps.accounts.providers.models import IdentityProvider
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs
from apps.work.words import words

_STUCK = words(gettext_noop("It failed again and again."))
_DAILY_S, _AGAIN_S, _DEADLINE_S = 86_400.0, 900.0, 60.0


@runs(KIND)
def fetch_metadata(lease: Lease) -> None:
    """Fetch once and come again tomorrow, or soon when it failed."""
    rows = IdentityProvider.objects.filter(uuid=lease.subject, is_on=True)
    provider = rows.exclude(metadata_url="").first()
    if provider is None:
        with lease.atomic():
            work.finish(lease, Due.State.DONE)
        return
    if lease.is_stuck:
        # What was known before still counts; its host is asked for one thing a day only.
        with lease.atomic():
            note_error(provider, _("Fetching it failed again and again. The log says why."))
            work.postpone(lease, seconds=_DAILY_S, reason=_STUCK)
        return
    lease.works_until = time.monotonic() + _DEADLINE_S
    try:
        found, error = fetch(provider.metadata_url), ""
    except MetadataError as failure:
        found, error = "", str(failure)
    with lease.atomic():
        if error:
            note_error(provider, error)
        else:
            take(provider, found)
        work.postpone(lease, seconds=_AGAIN_S if error else _DAILY_S, reason=error)
