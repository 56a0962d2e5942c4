"""Mails to people who did not ask for them, as invitations: sent in the day's quota, if at all.

What somebody asked for (a new password, a code, an alert of their sign-in) has a bound of its own
and goes to any address; these do not, or strangers could be written to in the platform's name.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.utils.translation import gettext as _

from apps.branding.mail import Letter
from apps.branding.post import post
from apps.branding.quota import take_mail
from apps.branding.senders import own_sender
from apps.core.exceptions import ConflictError, QuotaError

# Between two mails to the same address.
EVERY = timedelta(minutes=1)
# Why nothing is sent to an address; empty where it may be.
Source = Callable[[str], str]
_sources: list[Source] = []


def suppression_source(source: Source) -> Source:
    """Register who knows to which addresses nothing is sent in the current schema."""
    _sources.append(source)
    return source


def admit_guest(address: str) -> None:
    """Count a mail to an address, in the transaction that asks for it.

    ConflictError for an address that is suppressed, QuotaError once the day's quota is used up.
    One that is refused later counts all the same. A server of their own is nobody else's name, so
    what leaves by it is not counted.
    """
    if why := why_suppressed(address):
        text = _(
            "Nothing is sent to %(address)s any more: %(reason)s. Once it is right, take it off"
            " the suppressed addresses and send the invitation again."
        )
        raise ConflictError(text % {"address": address, "reason": why}, field="email")
    if own_sender() is None and not take_mail():
        raise QuotaError(
            _(
                "The day’s quota of mails is used up, so the invitation was not sent. Send it"
                " tomorrow, choose a larger plan, or enter a mail server of your own."
            )
        )


def why_suppressed(address: str) -> str:
    """Why nothing is sent to an address; empty where it may be."""
    return next((why for source in _sources if (why := source(address))), "")


def post_to_guest(letter: Letter, *, to: Sequence[str]) -> None:
    """Have a mail sent for which `admit_guest` counted."""
    post(letter, to=to, is_for_guest=True)
