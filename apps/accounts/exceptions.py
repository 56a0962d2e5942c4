"""What can go wrong with people, keys and sign-in."""

from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import DomainError

Reason = Literal[
    "used", "late", "browser", "host", "invalid", "off", "taken", "factor", "over", "left", "ended"
]

_SENTENCES: dict[Reason, str | Promise] = {
    "used": _(
        "This sign-in link was used already. It works once, so that nobody can follow you in."
    ),
    "late": _("This sign-in link is more than a minute old, so it does not work any more."),
    "browser": _("This sign-in was started in another browser, or too long ago in this one."),
    "host": _("This sign-in link was made for another address."),
    "invalid": _("This sign-in link is incomplete or was changed on its way."),
    "off": _("Your account is switched off here. Someone who manages users here can switch it on."),
    "taken": _(
        "Another account here has your e-mail address. Someone who manages users here can"
        " change that."
    ),
    "factor": _(
        "You signed in without a second factor, and staff are let in here only with one. Set"
        " one up at DotMac, or sign in there with the one you have, then come again."
    ),
    "over": _("This support visit is over. Ask for another one at DotMac, with its reason."),
    "left": _(
        "You do not belong to this organisation at DotMac any more, or are switched off there. Ask"
        " its owner."
    ),
    "ended": _(
        "Your sessions were ended after this sign-in began, so it does not work any more. Start"
        " again."
    ),
}


class HandOffError(DomainError):
    """Nobody is signed in by this hand-off; `reason` is for code, the message for the person."""

    code = "hand_off_refused"
    status = 403

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(_SENTENCES[reason]))
        self.reason: Reason = reason


class EventsGoneError(DomainError):
    """The event is older than what is listed, so that some after it would be missed."""

    code = "events_gone"
    status = 410
