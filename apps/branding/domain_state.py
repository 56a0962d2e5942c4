"""What the DNS says of the domain of a level's mails, day by day, and that it became worse.

What is kept are the records, so that each reader is told in their language what they mean.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.branding.domains import (
    BAD,
    OK,
    PATIENCE_S,
    UNKNOWN,
    WARN,
    Check,
    NoAnswerError,
    check_domain,
    records,
)
from apps.branding.models import DomainState
from apps.branding.senders import own_sender, parse_addresses, sender_as_it_is
from apps.core.languages import speaking
from apps.core.mailbox import has_server
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.tenancy.kinds import PUBLIC, current_schema

WORSENED, RECOVERED = "sender.domain_worsened", "sender.domain_recovered"
# For all questions of a domain together.
_DEADLINE_S = 25.0
_RANKS = {OK: 0, WARN: 1, BAD: 2}
_MOST_RECORDS, _LONGEST_RECORD = 20, 2000


@dataclass(frozen=True)
class MailDomain:
    """What is asked about: a domain, the name of its DKIM key, and who sends for it."""

    domain: str
    selector: str = ""
    addresses: tuple[str, ...] = ()


class Asking:
    """Asks within a deadline, and remembers the answers; a question without one keeps its last."""

    def __init__(self, kept: dict[str, list[str]]) -> None:
        self.answers: dict[str, list[str]] = {}
        self.is_silent = False
        self._kept = kept
        self._until = time.monotonic() + _DEADLINE_S

    def __call__(self, kind: str, name: str) -> list[str]:
        """The records; NoAnswerError where there is no answer and never was one."""
        place = f"{kind} {name.lower()}"
        if place not in self.answers:
            self.answers[place] = self._asked(place, kind, name)
        return self.answers[place]

    def _asked(self, place: str, kind: str, name: str) -> list[str]:
        left_s = self._until - time.monotonic()
        try:
            if left_s <= 0:
                raise NoAnswerError(name)
            found = records(kind, name, min(PATIENCE_S, left_s))
        except NoAnswerError:
            self.is_silent = True
            if place not in self._kept:
                raise
            return self._kept[place]
        return [row[:_LONGEST_RECORD].replace("\0", "") for row in found[:_MOST_RECORDS]]


def mail_domain() -> MailDomain | None:
    """Of the mails of the current schema; None where it has no domain of its own.

    The operator's is that of the installation's server, as long as it has no sender of its own.
    """
    sender = sender_as_it_is()
    if sender.address:
        return MailDomain(
            sender.address.rpartition("@")[2].lower(),
            sender.dkim_selector,
            tuple(parse_addresses(sender.sending_addresses)),
        )
    if current_schema() != PUBLIC or own_sender() or not has_server():
        return None
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower()
    # What is developed sends from a name that no DNS knows.
    if not domain or domain.endswith("localhost"):
        return None
    addresses = tuple(settings.MAIL_SENDING_ADDRESSES)
    return MailDomain(domain, settings.MAIL_DKIM_SELECTOR, addresses)


def domain_state() -> DomainState | None:
    """What is known of the domain as it is set now; None until it was looked at."""
    row, domain = DomainState.objects.first(), mail_domain()
    return row if row and domain and _is_about(row, domain) else None


def checks_of(row: DomainState) -> list[Check]:
    """The checks as they came out last, in the language in force; asks nobody."""

    def ask(kind: str, name: str) -> list[str]:
        try:
            found: list[str] = row.answers[f"{kind} {name.lower()}"]
        except KeyError:
            raise NoAnswerError(name) from None
        return found

    return check_domain(row.domain, selector=row.selector, addresses=row.addresses, ask=ask)


def look_at_domain(domain: MailDomain) -> Callable[[], DomainState]:
    """Ask the DNS now, outside of any transaction; what is returned keeps what was answered."""
    row = DomainState.objects.first()
    kept = row.answers if row and _is_about(row, domain) else {}
    asking = Asking(kept)
    # In English, as other events: who looks may speak another language.
    with speaking(settings.LANGUAGE_CODE):
        checks = check_domain(
            domain.domain, selector=domain.selector, addresses=domain.addresses, ask=asking
        )
    return lambda: _keep(domain, asking, checks)


@transaction.atomic
def _keep(domain: MailDomain, asking: Asking, checks: list[Check]) -> DomainState:
    """Under the row's lock, so that no change is told twice."""
    DomainState.objects.bulk_create([DomainState()], ignore_conflicts=True)
    row = DomainState.objects.select_for_update().get(is_only=True)
    now = timezone.now()
    if not _is_about(row, domain):
        row.domain, row.selector = domain.domain, domain.selector
        row.addresses, row.tones = list(domain.addresses), {}
        row.checked_at = row.silent_since = row.told_at = None
    row.answers = asking.answers
    row.silent_since = (row.silent_since or now) if asking.is_silent else None
    row.checked_at = row.checked_at if asking.is_silent else now
    _tell(row, [check for check in checks if check.tone != UNKNOWN], now)
    row.save()
    return row


def _tell(row: DomainState, checks: list[Check], now: datetime) -> None:
    """Record that a check became worse, or that all are well enough again."""
    # Of what was never seen before only what is wrong is told.
    worse = [one for one in checks if _RANKS[one.tone] > _RANKS[row.tones.get(one.name, WARN)]]
    row.tones = {**row.tones, **{one.name: one.tone for one in checks}}
    about = Subject("sender", "1", "Sender")
    if worse:
        row.told_at = now
        said = "; ".join(f"{one.name}: {one.text}" for one in worse)
        data = {"domain": row.domain, "checks": ", ".join(one.name for one in worse)}
        events.record(WORSENED, actor=SYSTEM, subject=about, data={**data, "text": said})
    elif row.told_at and BAD not in row.tones.values():
        row.told_at = None
        events.record(RECOVERED, actor=SYSTEM, subject=about, data={"domain": row.domain})


def _is_about(row: DomainState, domain: MailDomain) -> bool:
    known = MailDomain(row.domain, row.selector, tuple(row.addresses))
    return known == domain
