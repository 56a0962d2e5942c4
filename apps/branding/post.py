"""Mails that a worker sends, so that nobody's request waits for a mail server.

They carry links and codes that let people in, so what waits is encrypted, and gone once sent.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from apps.branding.mail import Letter, WatchedMail, addressed
from apps.branding.models import PostedMail
from apps.work import services as work
from apps.work.words import words
from dotmac.crypto.fields import Cipher, parse_keys

KIND = "mail"
# A link that comes later surprises more than it helps; the person has asked for another.
GIVEN_UP_AFTER = timedelta(hours=6)
# Seconds between the first tries, then the last of them again and again: somebody waits.
PAUSES_S = (2, 5, 15, 60, 300, 900)
_PLACE = "branding_postedmail.sealed"
_TITLE = gettext_noop("Send a mail that somebody waits for")


@transaction.atomic
def post(letter: Letter, *, to: Sequence[str], is_for_guest: bool = False) -> None:
    """Have a mail of the current schema sent once the present transaction is committed.

    Who did not ask for it is a guest (guests).
    """
    kept = {"letter": asdict(letter), "to": list(to), "is_for_guest": is_for_guest}
    text = json.dumps(kept)
    hand_over(PostedMail.objects.create(sealed=_cipher().encrypt(text, context=_PLACE)))


def hand_over(mail: PostedMail) -> None:
    """Wake a worker for it. The title tells no address: the operator's list shows it."""
    work.enqueue(KIND, str(mail.uuid), title=words(_TITLE))


def message_of(mail: PostedMail) -> WatchedMail:
    """The mail from the sender in force; CipherError when its key is missing."""
    kept = json.loads(_cipher().decrypt(mail.sealed, context=_PLACE))
    message = addressed(Letter(**kept["letter"]), to=kept["to"])
    # The release before kept none of these.
    message.is_for_guest = kept.get("is_for_guest", False)
    return message


def pause_s(tries: int) -> float:
    """How long to wait after so many tries."""
    return PAUSES_S[min(tries, len(PAUSES_S)) - 1]


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
