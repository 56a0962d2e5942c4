"""Events of what allauth writes by itself, in the transaction in which it writes them."""

import time
from typing import Any

from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_added
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.accounts.models import User
from apps.accounts.security.methods import CODE, PASSKEY, add_methods
from apps.accounts.security.sessions import client_ip
from apps.accounts.security.surges import note_failure
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, user_actor

_PROOFS = {Authenticator.Type.TOTP: CODE, Authenticator.Type.WEBAUTHN: PASSKEY}


@receiver(post_save, sender=Authenticator)
def record_factor_added(instance: Authenticator, created: bool, **kwargs: Any) -> None:
    """A factor came; renaming one, or using it, is no event."""
    if created:
        _record("user.factor_added", instance)


@receiver(post_delete, sender=Authenticator)
def record_factor_removed(instance: Authenticator, **kwargs: Any) -> None:
    """A factor went, by its person or by who manages people."""
    _record("user.factor_removed", instance)


@receiver(authenticator_added)
def trust_what_was_set_up(request: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    """Who just set a factor up has proven that they hold it.

    The code that did it is spent: the time step of now, and all before, are not accepted again.
    """
    proof = _PROOFS.get(authenticator.type)
    if proof:
        add_methods(request, [proof])
    if authenticator.type == Authenticator.Type.TOTP:
        authenticator.data["step"] = int(time.time()) // app_settings.TOTP_PERIOD
        authenticator.save(update_fields=["data"])


@receiver(authentication_failed)
def record_wrong_factor(request: Any, user: User, **kwargs: Any) -> None:
    """A wrong code after a right password is worth knowing more than a wrong password."""
    note_failure()
    data = {"by": CODE, "ip": client_ip(request)}
    events.record("user.sign_in_failed", actor=SYSTEM, subject=user, data=data)


def _record(type: str, authenticator: Authenticator) -> None:
    data = {"factor": authenticator.type}
    events.record(type, actor=_actor(authenticator), subject=authenticator.user, data=data)


def _actor(authenticator: Authenticator) -> Actor:
    if hasattr(authenticator, "removed_by"):
        actor: Actor = authenticator.removed_by
        return actor
    request = context.request
    is_known = request is not None and isinstance(request.user, User)
    return user_actor(request.user if is_known else authenticator.user)
