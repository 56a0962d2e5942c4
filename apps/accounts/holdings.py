"""What accounts, sign-in and the framework hold of people."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.personal import USER, holds, holds_nothing

_OTHERS = _("It is the schema’s own; who made it is taken out.")


def _invitations(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(Q(invited_by=user) | Q(email__iexact=user.email))


def _session_rows(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(pk__in=UserSession.objects.filter(user=user).values("session_key"))


def _confirmations(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(email_address__user=user)


def _answers(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(principal=user.uuid)


def _self(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(pk=user.pk)


holds("sessions.Session", of=USER, by=_session_rows, hidden=("session_key", "session_data"))
holds("accounts.Membership", title=_("roles"), of=USER, by="user")
holds("accounts.Invitation", of=USER, by=_invitations, hidden=("digest",))
holds("accounts.KnownBrowser", title=_("known browsers"), of=USER, by="user", hidden=("digest",))
holds("accounts.Visit", title=_("support visits"), of=USER, by="user")
holds(
    "accounts.ServiceAccount",
    of=USER,
    by="created_by",
    blank={"created_by": None},
    stays=_OTHERS,
)
holds(
    "accounts.ApiKey",
    of=USER,
    by="created_by",
    hidden=("prefix", "digest"),
    blank={"created_by": None},
    stays=_OTHERS,
)
holds("account.EmailConfirmation", of=USER, by=_confirmations, hidden=("key",))
holds("account.EmailAddress", of=USER, by="user")
holds("mfa.Authenticator", title=_("second factors"), of=USER, by="user", hidden=("data",))
holds(
    "usersessions.UserSession",
    title=_("open sessions"),
    of=USER,
    by="user",
    hidden=("session_key", "data"),
)
holds("socialaccount.SocialToken", of=USER, by="account__user", hidden=("token", "token_secret"))
holds("socialaccount.SocialAccount", of=USER, by="user")
holds("admin.LogEntry", of=USER, by="user")
holds(
    "core.IdempotentAnswer",
    title=_("answers to programs"),
    of=USER,
    by=_answers,
    hidden=("fingerprint",),
)
# Their groups and rights of the framework, which nothing here uses.
holds_nothing("accounts.User_groups", "accounts.User_user_permissions")
# Last: the others are found by it. It is deleted with what still hangs on it.
holds("accounts.User", of=USER, by=_self, hidden=("password",))
