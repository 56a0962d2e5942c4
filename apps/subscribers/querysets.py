"""How subscribers are found, and who sees which."""

import re
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Collate, Lower

from apps.accounts.access import may

_PHONE = re.compile(r"\+?[\d ()/.-]+")


class SubscriberQuerySet(models.QuerySet[Any]):
    """Subscribers of the current workspace."""

    def visible_to(self, user: Any) -> "SubscriberQuerySet":
        """All for staff who may see subscribers, one's own for a subscriber, none for others."""
        if user.is_staff and may(user, "subscribers.view_subscriber"):
            return self
        return self.belonging_to(user)

    def belonging_to(self, user: Any) -> "SubscriberQuerySet":
        """Those whom a user is in the portal, also for staff; archived ones are gone."""
        if user.pk is None or not user.is_active:
            return self.none()
        return self.filter(user_id=user.pk).exclude(status="archived")

    def search(self, text: str) -> "SubscriberQuerySet":
        """By e-mail, telephone, number, user name or name, told by the shape of the text."""
        text = text.strip()
        if "@" in text:
            return self._by_email(text.lower())
        digits = re.sub(r"\D", "", text)
        if len(digits) >= 4 and _PHONE.fullmatch(text):
            return self.filter(_phone(digits) | Q(number__endswith=text) | self._username(text))
        found = self
        for word in text.split():
            found = found.filter(
                Q(name__icontains=word) | Q(number__istartswith=word) | self._username(word)
            )
        return found

    def _by_email(self, text: str) -> "SubscriberQuerySet":
        if text.startswith("@"):
            return self.filter(email__iendswith=text)
        # The index is on this expression: a prefix needs the C order in any locale.
        keyed = self.alias(email_key=Collate(Lower("email"), "C"))
        return keyed.filter(Q(email_key__startswith=text) | self._username(text))

    def _username(self, text: str) -> Q:
        services = self.model._meta.get_field("services").related_model
        named = services._default_manager.filter(  # type: ignore[union-attr]
            subscriber=OuterRef("pk"), username__startswith=text
        )
        return Q(Exists(named))


def _phone(digits: str) -> Q:
    # Whatever stands between the digits: blanks, brackets, hyphens.
    return Q(phone__regex=r"\D*".join(digits))


class ServiceQuerySet(models.QuerySet[Any]):
    """Services of the current workspace."""

    def visible_to(self, user: Any) -> "ServiceQuerySet":
        """All for staff who may see them, one's own for a subscriber, none for others."""
        if user.is_staff and may(user, "subscribers.view_service"):
            return self
        return self.belonging_to(user)

    def belonging_to(self, user: Any) -> "ServiceQuerySet":
        """Those of a user in the portal, also for staff."""
        if user.pk is None or not user.is_active:
            return self.none()
        return self.filter(subscriber__user_id=user.pk).exclude(subscriber__status="archived")

    def active(self) -> "ServiceQuerySet":
        """Those that are delivered now."""
        return self.filter(status="active")
