"""Letting a subscriber into the portal."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import services as accounts
from apps.accounts.addresses import home_url
from apps.accounts.models import User
from apps.branding.guests import EVERY, admit_guest, post_to_guest
from apps.branding.looks import look_in_force
from apps.branding.mail import Letter, write_letter
from apps.core.exceptions import ConflictError, DomainError
from apps.core.languages import first_of, speaking
from apps.events import services as events
from apps.events.actors import Actor
from apps.events.models import Event
from apps.subscribers.exceptions import TransitionError
from apps.subscribers.models import Subscriber


@transaction.atomic
def give_portal_access(subscriber: Subscriber, *, actor: Actor) -> User:
    """Make the subscriber's log-in, or take the one of that e-mail, and send an invitation.

    Asked again, it sends another one. DomainError without an e-mail address, TransitionError
    for somebody archived, ConflictError within a minute or where the address gets no mail any
    more, QuotaError when no mail of today is left.
    """
    if not subscriber.email:
        raise DomainError(
            _(
                "%(subscriber)s has no e-mail address. Enter one, so that the invitation "
                "can be sent."
            )
            % {"subscriber": subscriber},
            field="email",
        )
    if subscriber.status == Subscriber.Status.ARCHIVED:
        raise TransitionError(
            _("%(subscriber)s is archived. Restore the subscriber first.")
            % {"subscriber": subscriber}
        )
    if actor.kind == "support":
        # It would outlast the visit.
        raise PermissionDenied(_("Support gives nobody a log-in. The owners can."))
    user = subscriber.user or _log_in_of(subscriber, actor)
    _check_interval(user)
    admit_guest(user.email)
    Subscriber.objects.filter(pk=subscriber.pk).update(user=user)
    subscriber.user = user
    events.record("subscriber.invited", actor=actor, subject=subscriber)
    post_to_guest(_invitation(subscriber, user), to=[user.email])
    return user


def _check_interval(user: User) -> None:
    """ConflictError where anybody with this log-in was invited a moment ago; two at once wait."""
    User.objects.select_for_update().get(pk=user.pk)
    ids = [str(uuid) for uuid in user.subscribers.values_list("uuid", flat=True)]
    since = timezone.now() - EVERY
    sent = Event.objects.filter(subject_type="subscriber", subject_id__in=ids, at__gt=since)
    if sent.filter(type="subscriber.invited").exists():
        raise ConflictError(
            _("%(email)s was sent an invitation within the last minute. Wait a minute.")
            % {"email": user.email}
        )


def _log_in_of(subscriber: Subscriber, actor: Actor) -> User:
    user = User.objects.filter(email=subscriber.email.lower()).first()
    if user is not None:
        return user
    # The link in the mail proves the address before anybody can sign in.
    return accounts.create_user(
        email=subscriber.email, actor=actor, name=subscriber.name, is_verified=True
    )


def _invitation(subscriber: Subscriber, user: User) -> Letter:
    has_password = user.has_usable_password()
    path = "/" if has_password else _password_path(user)
    context = {
        "name": subscriber.name,
        "url": home_url(path),
        "has_password": has_password,
    }
    look = look_in_force()
    with speaking(first_of([user.language, subscriber.language, look.language])):
        return write_letter("subscribers/mail/invitation", context, look=look, home_url=home_url())


def _password_path(user: User) -> str:
    key = default_token_generator.make_token(user)
    parts = {"uidb36": user_pk_to_url_str(user), "key": key}
    return reverse("account_reset_password_from_key", kwargs=parts)
